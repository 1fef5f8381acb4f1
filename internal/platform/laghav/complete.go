package laghav

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/laghav/prompt"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// maxTokens is the longest input, in tokens.
const maxTokens = 100_000

// A message is one message of a chat.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// A completionRequest is the body of POST /v1/complete.
type completionRequest struct {
	Messages  []message         `json:"messages"`
	Model     string            `json:"model"`
	MaxTokens int               `json:"max_tokens"`
	Stream    bool              `json:"stream"`
	Options   completionOptions `json:"laghav_options"`
}

// completionOptions are the member laghav_options of a request.
type completionOptions struct {
	Compress       bool     `json:"compress"`
	Route          bool     `json:"route"`
	Cache          bool     `json:"cache"`
	Score          bool     `json:"score"`
	Aggressiveness float64  `json:"max_aggressiveness"`
	SkipRules      []string `json:"skip_rules"`
	BudgetID       string   `json:"budget_id"`
	MaskPII        bool     `json:"mask_pii"`
	ConversationID string   `json:"conversation_id"`
	MaxTurns       int      `json:"max_turns_to_keep"`
	AgentRunID     string   `json:"agent_run_id"`
}

// readCompletionRequest reads a request with the defaults of Laghav's page POST /v1/complete.
func readCompletionRequest(w http.ResponseWriter, r *http.Request) (completionRequest, error) {
	req := completionRequest{
		Model: modelAuto, MaxTokens: 1000,
		Options: completionOptions{Compress: true, Route: true, Cache: true, Score: true, Aggressiveness: 0.5, MaxTurns: 10},
	}
	err := decodeBody(w, r, &req)
	var refused *refusal
	if errors.As(err, &refused) && strings.Contains(refused.message, `"messages`) {
		refused.code = "INVALID_MESSAGES"
	}
	if err != nil {
		return req, err
	}
	return req, req.check()
}

func (req *completionRequest) check() error {
	refuse := func(code, format string, args ...any) error {
		return &refusal{status: http.StatusBadRequest, code: code, message: fmt.Sprintf(format, args...)}
	}
	if len(req.Messages) == 0 {
		return refuse("INVALID_MESSAGES", "messages must be a non-empty array of {role, content} objects")
	}
	tokens := 0
	for i, m := range req.Messages {
		if !slices.Contains([]string{"system", "user", "assistant", "tool"}, m.Role) || strings.TrimSpace(m.Content) == "" {
			return refuse("INVALID_MESSAGES", "messages[%d] needs a role (system, user, assistant, tool) and content", i)
		}
		tokens += prompt.Tokens(m.Content)
	}
	if tokens > maxTokens {
		return refuse("MESSAGES_TOO_LARGE", "The input has %d tokens; at most %d are taken", tokens, maxTokens)
	}
	if _, ok := modelOf(req.Model); !ok && req.Model != modelAuto {
		return refuse("INVALID_MODEL", "Unknown model")
	}
	o := req.Options
	switch {
	case req.MaxTokens < 1:
		return invalid("max_tokens must be 1 or more")
	case o.Aggressiveness < 0 || o.Aggressiveness > 1:
		return invalid("max_aggressiveness must be between 0 and 1")
	case o.MaxTurns < 1:
		return invalid("max_turns_to_keep must be 1 or more")
	case o.MaskPII:
		return &refusal{status: http.StatusForbidden, code: "PLAN_FEATURE_LOCKED", message: "Masking of personal data is not on this plan"}
	}
	return nil
}

// A call is a request in work.
type call struct {
	req    completionRequest
	key    wire.Key
	budget string // id; empty without one
	began  time.Time
}

// complete answers POST /v1/complete.
func (s *server) complete(w http.ResponseWriter, r *http.Request, key wire.Key) error {
	began := s.Clock.Now()
	if err := s.countRequest(w); err != nil {
		return err
	}
	req, err := readCompletionRequest(w, r)
	if err != nil {
		return err
	}
	c := call{req: req, key: key, began: began}
	if err := s.admit(&c); err != nil {
		return err
	}
	done := s.reply(c)
	done.ID = requestID(r)
	if err := s.record(c, done); err != nil {
		return err
	}
	if done.hit != "" {
		w.Header().Set("X-Laghav-Cache", done.hit)
	}
	w.Header().Set("X-Laghav-Overhead-Ms", strconv.FormatInt(done.Meta.Overhead, 10))
	if req.Stream {
		return done.stream(w)
	}
	wire.WriteJSON(w, http.StatusOK, done)
	return nil
}

// A completion is the reply to a call.
type completion struct {
	ID      string         `json:"id"`
	Object  string         `json:"object"`
	Choices []choice       `json:"choices"`
	Model   string         `json:"model"`
	Meta    completionMeta `json:"laghav_meta"`

	hit    string    // the cache of the reply, or ""
	prompt string    // the input of the model
	shape  string    // equal for calls that may share a reply
	sent   []message // to the model
}

type choice struct {
	Index        int     `json:"index"`
	Message      message `json:"message"`
	FinishReason string  `json:"finish_reason"`
}

type completionMeta struct {
	figures
	Quality        *int     `json:"quality_score,omitempty"` // 0 to 100
	RoutingReason  string   `json:"routing_reason"`
	ModelRequested string   `json:"model_requested"`
	RulesApplied   []string `json:"rules_applied"`
	CacheHit       bool     `json:"cache_hit"`
	Overhead       int64    `json:"latency_overhead_ms"`
	ConversationID string   `json:"conversation_id,omitempty"`
}

// reply shortens the prompt, chooses a model, and takes the reply from a cache or from the model.
func (s *server) reply(c call) completion {
	req, o := c.req, c.req.Options
	whole := append(s.history(o.ConversationID), req.Messages...)
	kept := lastTurns(whole, o.MaxTurns)
	short, rules := shortenMessages(kept, o)
	text := contentOf(short)
	model, reason := route(text, req.Model, o.Route)
	done := completion{
		Object: "chat.completion", Model: model.dated, prompt: text, sent: short,
		shape: fmt.Sprintf("%s %d %t", model.name, req.MaxTokens, o.Compress),
	}
	answer, finish := cachedReply{}, ""
	if o.Cache {
		answer, done.hit = s.findReply(done.shape, text)
	}
	if done.hit == "" {
		content, isComplete := prompt.Reply(text, req.MaxTokens)
		if finish = "stop"; !isComplete {
			finish = "length"
		}
		answer = cachedReply{Content: content, FinishReason: finish}
	}
	done.Choices = []choice{{Message: message{"assistant", answer.Content}, FinishReason: answer.FinishReason}}
	original := contentOf(whole)
	done.Meta = completionMeta{
		figures:       newFigures(prompt.Tokens(original), prompt.Tokens(text), model.price, done.hit != ""),
		RoutingReason: reason, ModelRequested: req.Model, RulesApplied: rules, CacheHit: done.hit != "",
		Overhead: s.Clock.Now().Sub(c.began).Milliseconds(), ConversationID: o.ConversationID,
	}
	if o.Score {
		q := prompt.Quality(contentOf(kept), text)
		done.Meta.Quality = &q
	}
	return done
}

func contentOf(messages []message) string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Content)
	}
	return strings.Join(all, "\n")
}

// shortenMessages applies the rules to all messages except those of the model.
func shortenMessages(messages []message, o completionOptions) (short []message, rules []string) {
	short, rules = slices.Clone(messages), []string{}
	if !o.Compress {
		return short, rules
	}
	for i, m := range short {
		if m.Role == "assistant" {
			continue
		}
		var applied []string
		short[i].Content, applied = prompt.Shorten(m.Content, o.Aggressiveness, o.SkipRules)
		for _, name := range applied {
			if !slices.Contains(rules, name) {
				rules = append(rules, name)
			}
		}
	}
	return short, rules
}

// lastTurns returns the system messages and the last turns. A turn begins with a message of the user.
func lastTurns(messages []message, most int) []message {
	turns, from := 0, 0
	for i := len(messages) - 1; i >= 0 && turns < most; i-- {
		if messages[i].Role == "user" {
			turns++
		}
		from = i
	}
	kept := slices.Clone(messages[from:])
	for i := from - 1; i >= 0; i-- {
		if messages[i].Role == "system" {
			kept = slices.Insert(kept, 0, messages[i])
		}
	}
	return kept
}

// stream sends the reply word by word as server-sent events. The last event before the end marker has the figures. Laghav
// does not document its end marker; this is the marker of the format that Laghav follows.
func (c completion) stream(w http.ResponseWriter) error {
	ctl := wire.StartEvents(w)
	type delta struct {
		Content string `json:"content,omitempty"`
	}
	send := func(d delta, finish *string, meta *completionMeta) {
		raw, _ := json.Marshal(map[string]any{ // strings and numbers: cannot fail
			"id": c.ID, "object": "chat.completion.chunk", "model": c.Model,
			"choices": []any{map[string]any{"index": 0, "delta": d, "finish_reason": finish}},
		})
		if meta != nil {
			figures, _ := json.Marshal(meta)
			raw = append(raw[:len(raw)-1], `,"laghav_meta":`+string(figures)+"}"...)
		}
		_, _ = fmt.Fprintf(w, "data: %s\n\n", raw) // fails only if the client has disconnected
		_ = ctl.Flush()
	}
	for word := range strings.SplitAfterSeq(c.Choices[0].Message.Content, " ") {
		send(delta{word}, nil, nil)
	}
	send(delta{}, &c.Choices[0].FinishReason, &c.Meta)
	_, _ = fmt.Fprint(w, "data: [DONE]\n\n")
	_ = ctl.Flush()
	return nil
}
