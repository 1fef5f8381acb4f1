package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/prompt"
)

// laghavMaxTokens is the longest input that Laghav takes.
const laghavMaxTokens = 100_000

// A laghavMessage is one message of a chat.
type laghavMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// A laghavRequest is the body of POST /v1/complete.
type laghavRequest struct {
	Messages  []laghavMessage `json:"messages"`
	Model     string          `json:"model"`
	MaxTokens int             `json:"max_tokens"`
	Stream    bool            `json:"stream"`
	Options   laghavOptions   `json:"laghav_options"`
}

type laghavOptions struct {
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

// readLaghavRequest reads a request with the defaults of Laghav's page POST /v1/complete.
func readLaghavRequest(w http.ResponseWriter, r *http.Request) (laghavRequest, error) {
	req := laghavRequest{
		Model: modelAuto, MaxTokens: 1000,
		Options: laghavOptions{Compress: true, Route: true, Cache: true, Score: true, Aggressiveness: 0.5, MaxTurns: 10},
	}
	err := laghavBody(w, r, &req)
	var refused *laghavError
	if errors.As(err, &refused) && strings.Contains(refused.message, `"messages`) {
		refused.code = "INVALID_MESSAGES"
	}
	if err != nil {
		return req, err
	}
	return req, req.check()
}

func (req *laghavRequest) check() error {
	refuse := func(code, format string, args ...any) error {
		return &laghavError{status: http.StatusBadRequest, code: code, message: fmt.Sprintf(format, args...)}
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
	if tokens > laghavMaxTokens {
		return refuse("MESSAGES_TOO_LARGE", "The input has %d tokens; at most %d are taken", tokens, laghavMaxTokens)
	}
	if _, ok := laghavModelOf(req.Model); !ok && req.Model != modelAuto {
		return refuse("INVALID_MODEL", "Unknown model")
	}
	o := req.Options
	switch {
	case req.MaxTokens < 1:
		return laghavInvalid("max_tokens must be 1 or more")
	case o.Aggressiveness < 0 || o.Aggressiveness > 1:
		return laghavInvalid("max_aggressiveness must be between 0 and 1")
	case o.MaxTurns < 1:
		return laghavInvalid("max_turns_to_keep must be 1 or more")
	case o.MaskPII:
		return &laghavError{status: http.StatusForbidden, code: "PLAN_FEATURE_LOCKED", message: "Masking of personal data is not on this plan"}
	}
	return nil
}

// A laghavCall is a call that was let in.
type laghavCall struct {
	req    laghavRequest
	key    serviceKey
	budget string // id; empty without one
	began  time.Time
}

// laghavComplete answers POST /v1/complete.
func (s *Server) laghavComplete(w http.ResponseWriter, r *http.Request, key serviceKey) error {
	began := s.now()
	if err := s.laghavMeter(w); err != nil {
		return err
	}
	req, err := readLaghavRequest(w, r)
	if err != nil {
		return err
	}
	call := laghavCall{req: req, key: key, began: began}
	if err := s.laghavAdmit(&call); err != nil {
		return err
	}
	done := s.laghavDo(call)
	done.ID = laghavRequestID(r)
	if err := s.laghavRecord(call, done); err != nil {
		return err
	}
	if done.hit != "" {
		w.Header().Set("X-Laghav-Cache", done.hit)
	}
	w.Header().Set("X-Laghav-Overhead-Ms", strconv.FormatInt(done.Meta.Overhead, 10))
	if req.Stream {
		return done.stream(w)
	}
	writeJSON(w, http.StatusOK, done)
	return nil
}

// A laghavCompletion is the reply to a call.
type laghavCompletion struct {
	ID      string         `json:"id"`
	Object  string         `json:"object"`
	Choices []laghavChoice `json:"choices"`
	Model   string         `json:"model"`
	Meta    laghavMeta     `json:"laghav_meta"`

	hit    string // which cache had it
	prompt string // as the model read it
	shape  string // what calls must have in common to share a reply
	talk   []laghavMessage
}

type laghavChoice struct {
	Index        int           `json:"index"`
	Message      laghavMessage `json:"message"`
	FinishReason string        `json:"finish_reason"`
}

type laghavMeta struct {
	figures
	Quality        *int     `json:"quality_score,omitempty"` // 0 to 100
	RoutingReason  string   `json:"routing_reason"`
	ModelRequested string   `json:"model_requested"`
	RulesApplied   []string `json:"rules_applied"`
	CacheHit       bool     `json:"cache_hit"`
	Overhead       int64    `json:"latency_overhead_ms"`
	ConversationID string   `json:"conversation_id,omitempty"`
}

// laghavDo shortens the prompt, chooses a model, and takes its reply from a cache or from the model.
func (s *Server) laghavDo(call laghavCall) laghavCompletion {
	req, o := call.req, call.req.Options
	whole := append(s.laghavTalk(o.ConversationID), req.Messages...)
	kept := lastTurns(whole, o.MaxTurns)
	short, rules := shortenMessages(kept, o)
	text := contentOf(short)
	model, reason := route(text, req.Model, o.Route)
	done := laghavCompletion{
		Object: "chat.completion", Model: model.dated, prompt: text, talk: short,
		shape: fmt.Sprintf("%s %d %t", model.name, req.MaxTokens, o.Compress),
	}
	answer, finish := laghavCached{}, ""
	if o.Cache {
		answer, done.hit = s.laghavFind(done.shape, text)
	}
	if done.hit == "" {
		said, complete := prompt.Reply(text, req.MaxTokens)
		if finish = "stop"; !complete {
			finish = "length"
		}
		answer = laghavCached{Content: said, FinishReason: finish}
	}
	done.Choices = []laghavChoice{{Message: laghavMessage{"assistant", answer.Content}, FinishReason: answer.FinishReason}}
	original := contentOf(whole)
	done.Meta = laghavMeta{
		figures:       newFigures(prompt.Tokens(original), prompt.Tokens(text), model.price, done.hit != ""),
		RoutingReason: reason, ModelRequested: req.Model, RulesApplied: rules, CacheHit: done.hit != "",
		Overhead: s.now().Sub(call.began).Milliseconds(), ConversationID: o.ConversationID,
	}
	if o.Score {
		q := prompt.Quality(contentOf(kept), text)
		done.Meta.Quality = &q
	}
	return done
}

func contentOf(messages []laghavMessage) string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Content)
	}
	return strings.Join(all, "\n")
}

// shortenMessages applies the rules to what people and programs wrote; what the model said before stays.
func shortenMessages(messages []laghavMessage, o laghavOptions) (short []laghavMessage, rules []string) {
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

// lastTurns keeps what the system said, and of the rest the last turns: a turn begins where the user speaks.
func lastTurns(messages []laghavMessage, most int) []laghavMessage {
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

// stream sends the reply word by word as server-sent events. The last one before the end marker has the figures. The
// marker is that of the format which Laghav follows; its own is not documented.
func (c laghavCompletion) stream(w http.ResponseWriter) error {
	ctl := startEvents(w)
	type delta struct {
		Content string `json:"content,omitempty"`
	}
	send := func(d delta, finish *string, meta *laghavMeta) {
		raw, _ := json.Marshal(map[string]any{ // strings and numbers: it cannot fail
			"id": c.ID, "object": "chat.completion.chunk", "model": c.Model,
			"choices": []any{map[string]any{"index": 0, "delta": d, "finish_reason": finish}},
		})
		if meta != nil {
			figures, _ := json.Marshal(meta)
			raw = append(raw[:len(raw)-1], `,"laghav_meta":`+string(figures)+"}"...)
		}
		_, _ = fmt.Fprintf(w, "data: %s\n\n", raw) // a client that has gone needs no answer
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
