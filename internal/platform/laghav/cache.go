package laghav

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/laghav/prompt"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// The caches of Laghav's page Semantic Cache: one for equal prompts and one for similar prompts.
const (
	exactTTL         = 15 * time.Minute
	similarTTL       = 30 * time.Minute
	minSimilarity    = 0.92 // cosine
	maxCachedReplies = 1000

	cacheExact   = "dedup"
	cacheSimilar = "semantic"
)

// A cachedReply is a reply that later calls may receive.
type cachedReply struct {
	Shape        string         `json:"shape"`
	Words        map[string]int `json:"words"` // of the prompt; nil: not for similar prompts
	Content      string         `json:"content"`
	FinishReason string         `json:"finishReason"`
	At           time.Time      `json:"at"`
	NoExact      bool           `json:"noExact,omitempty"` // not for equal prompts
}

func wordCounts(text string) map[string]int {
	counts := map[string]int{}
	for _, w := range prompt.Words(text) {
		counts[w]++
	}
	return counts
}

func (s *server) cacheKey(shape, prompt string) string {
	return s.Secrets.Digest("reply\n" + shape + "\n" + prompt)
}

// findReply looks for the reply to a prompt. It returns the cache of the reply, or "".
func (s *server) findReply(shape, text string) (found cachedReply, hit string) {
	now, asked := s.Clock.Now(), wordCounts(text)
	s.Store.View(func(tx *wire.Tx) {
		c, ok := wire.Get[cachedReply](tx, bucketCache, s.cacheKey(shape, text))
		if ok && !c.NoExact && now.Before(c.At.Add(exactTTL)) {
			found, hit = c, cacheExact
			return
		}
		best := minSimilarity
		for _, c := range wire.List[cachedReply](tx, bucketCache) {
			if c.Shape != shape || !now.Before(c.At.Add(similarTTL)) {
				continue
			}
			if like := prompt.Likeness(asked, c.Words); like > best {
				found, hit, best = c, cacheSimilar, like
			}
		}
	})
	return found, hit
}

// storeReply stores a reply. It removes expired replies, and all replies when there are too many.
func (s *server) storeReply(tx *wire.Tx, done completion) {
	keys := tx.Keys(bucketCache)
	for _, key := range keys {
		c, _ := wire.Get[cachedReply](tx, bucketCache, key)
		if !s.Clock.Now().Before(c.At.Add(similarTTL)) || len(keys) >= maxCachedReplies {
			tx.Remove(bucketCache, key)
		}
	}
	choice := done.Choices[0]
	wire.Put(tx, bucketCache, s.cacheKey(done.shape, done.prompt), cachedReply{
		Shape: done.shape, Words: wordCounts(done.prompt), Content: choice.Message.Content, FinishReason: choice.FinishReason, At: s.Clock.Now(),
	})
}

// clearCache answers POST /api/cache/clear. Laghav does not document the reply. This server has no cache for routing.
func (s *server) clearCache(w http.ResponseWriter, r *http.Request, _ wire.Key) error {
	var body struct {
		Scope string `json:"scope"`
	}
	if err := decodeBody(w, r, &body); err != nil {
		return err
	}
	scopes := []string{cacheExact, cacheSimilar, "routing", "all"}
	if !slices.Contains(scopes, body.Scope) {
		return invalid("scope must be one of " + strings.Join(scopes, ", "))
	}
	err := s.Store.Update(func(tx *wire.Tx) error {
		for _, key := range tx.Keys(bucketCache) {
			c, _ := wire.Get[cachedReply](tx, bucketCache, key)
			c.NoExact = c.NoExact || body.Scope == cacheExact || body.Scope == "all"
			if body.Scope == cacheSimilar || body.Scope == "all" {
				c.Words = nil
			}
			wire.Put(tx, bucketCache, key, c)
			if c.NoExact && c.Words == nil {
				tx.Remove(bucketCache, key)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusOK, map[string]string{"scope": body.Scope, "status": "cleared"})
	return nil
}

// A conversation is the messages with one conversation_id. It expires an hour after its last message.
type conversation struct {
	Messages []message `json:"messages"`
	At       time.Time `json:"at"`
}

const conversationTTL = time.Hour

// history returns the earlier messages of a conversation.
func (s *server) history(id string) []message {
	var c conversation
	s.Store.View(func(tx *wire.Tx) { c, _ = wire.Get[conversation](tx, bucketConversations, id) })
	if id == "" || !s.Clock.Now().Before(c.At.Add(conversationTTL)) {
		return nil
	}
	return slices.Clone(c.Messages)
}
