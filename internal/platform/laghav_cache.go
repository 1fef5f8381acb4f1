package platform

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/prompt"
)

// The caches of Laghav's page Semantic Cache: one of equal prompts and one of prompts that are alike.
const (
	laghavExactTTL   = 15 * time.Minute
	laghavAlikeTTL   = 30 * time.Minute
	laghavAlike      = 0.92 // cosine
	laghavMaxReplies = 1000

	cacheExact = "dedup"
	cacheAlike = "semantic"
)

// A laghavCached is a reply that may be given again.
type laghavCached struct {
	Shape        string         `json:"shape"`
	Words        map[string]int `json:"words"` // of the prompt; nil: only equal prompts share it
	Content      string         `json:"content"`
	FinishReason string         `json:"finishReason"`
	At           time.Time      `json:"at"`
	NoExact      bool           `json:"noExact,omitempty"` // equal prompts do not share it any more
}

func wordCounts(text string) map[string]int {
	counts := map[string]int{}
	for _, w := range prompt.Words(text) {
		counts[w]++
	}
	return counts
}

func (s *Server) cacheKey(shape, prompt string) string {
	return s.digest("reply\n" + shape + "\n" + prompt)
}

// laghavFind looks for the reply to a prompt, and says which cache had it: "" if none.
func (s *Server) laghavFind(shape, text string) (found laghavCached, hit string) {
	now, asked := s.now(), wordCounts(text)
	s.store.view(func(tx *tx) {
		c, ok := get[laghavCached](tx, bucketLaghavCache, s.cacheKey(shape, text))
		if ok && !c.NoExact && now.Before(c.At.Add(laghavExactTTL)) {
			found, hit = c, cacheExact
			return
		}
		best := laghavAlike
		for _, c := range list[laghavCached](tx, bucketLaghavCache) {
			if c.Shape != shape || !now.Before(c.At.Add(laghavAlikeTTL)) {
				continue
			}
			if like := prompt.Likeness(asked, c.Words); like > best {
				found, hit, best = c, cacheAlike, like
			}
		}
	})
	return found, hit
}

// keepReply keeps a reply, and drops those that are too old, or too many.
func (s *Server) keepReply(tx *tx, done laghavCompletion) {
	keys := tx.keys(bucketLaghavCache)
	for _, key := range keys {
		c, _ := get[laghavCached](tx, bucketLaghavCache, key)
		if !s.now().Before(c.At.Add(laghavAlikeTTL)) || len(keys) >= laghavMaxReplies {
			tx.remove(bucketLaghavCache, key)
		}
	}
	choice := done.Choices[0]
	put(tx, bucketLaghavCache, s.cacheKey(done.shape, done.prompt), laghavCached{
		Shape: done.shape, Words: wordCounts(done.prompt), Content: choice.Message.Content, FinishReason: choice.FinishReason, At: s.now(),
	})
}

// laghavClearCache empties caches. The reply is not documented. There is no cache of routing here.
func (s *Server) laghavClearCache(w http.ResponseWriter, r *http.Request, _ serviceKey) error {
	var body struct {
		Scope string `json:"scope"`
	}
	if err := laghavBody(w, r, &body); err != nil {
		return err
	}
	scopes := []string{cacheExact, cacheAlike, "routing", "all"}
	if !slices.Contains(scopes, body.Scope) {
		return laghavInvalid("scope must be one of " + strings.Join(scopes, ", "))
	}
	err := s.store.update(func(tx *tx) error {
		for _, key := range tx.keys(bucketLaghavCache) {
			c, _ := get[laghavCached](tx, bucketLaghavCache, key)
			c.NoExact = c.NoExact || body.Scope == cacheExact || body.Scope == "all"
			if body.Scope == cacheAlike || body.Scope == "all" {
				c.Words = nil
			}
			put(tx, bucketLaghavCache, key, c)
			if c.NoExact && c.Words == nil {
				tx.remove(bucketLaghavCache, key)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"scope": body.Scope, "status": "cleared"})
	return nil
}

// A laghavConversation is what was said under a conversation_id. It is forgotten after an hour of silence.
type laghavConversation struct {
	Messages []laghavMessage `json:"messages"`
	At       time.Time       `json:"at"`
}

const laghavTalkTTL = time.Hour

// laghavTalk returns what was said before.
func (s *Server) laghavTalk(id string) []laghavMessage {
	var talk laghavConversation
	s.store.view(func(tx *tx) { talk, _ = get[laghavConversation](tx, bucketLaghavTalks, id) })
	if id == "" || !s.now().Before(talk.At.Add(laghavTalkTTL)) {
		return nil
	}
	return slices.Clone(talk.Messages)
}
