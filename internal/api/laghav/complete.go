package laghav

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// A Message is one message of a chat. Role is system, user or assistant.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// A Request is the body of POST /v1/complete. The service chooses what is nil or empty.
type Request struct {
	Messages  []Message `json:"messages"`
	Model     string    `json:"model,omitempty"` // auto, or the name of a model
	MaxTokens int       `json:"max_tokens,omitempty"`
	Stream    bool      `json:"stream,omitempty"`
	Options   *Options  `json:"laghav_options,omitempty"`
}

// Options say what Laghav does with a prompt.
type Options struct {
	Compress       *bool    `json:"compress,omitempty"`
	Route          *bool    `json:"route,omitempty"`
	Cache          *bool    `json:"cache,omitempty"`
	Score          *bool    `json:"score,omitempty"`
	Aggressiveness *float64 `json:"max_aggressiveness,omitempty"` // 0 to 1
	SkipRules      []string `json:"skip_rules,omitempty"`
	BudgetID       string   `json:"budget_id,omitempty"` // id of a budget, or name of a team
	ProtocolID     string   `json:"protocol_id,omitempty"`
	ConversationID string   `json:"conversation_id,omitempty"`
	MaxTurns       int      `json:"max_turns_to_keep,omitempty"`
	AgentRunID     string   `json:"agent_run_id,omitempty"`
}

// Figures are the tokens and the costs of a call, with and without Laghav.
type Figures struct {
	Original      int      `json:"original_tokens"`
	Compressed    int      `json:"compressed_tokens"`
	Quality       *float64 `json:"quality_score"` // 0 to 100
	CostOriginal  float64  `json:"cost_original_usd"`
	CostActual    float64  `json:"cost_actual_usd"`
	Saved         float64  `json:"saved_usd"`
	RoutingReason string   `json:"routing_reason"`
	Rules         []string `json:"rules_applied"`
	CacheHit      bool     `json:"cache_hit"`
}

// SavedPct returns the saved tokens in percent.
func (f Figures) SavedPct() float64 {
	if f.Original <= 0 {
		return 0
	}
	return 100 * (1 - float64(f.Compressed)/float64(f.Original))
}

// A Completion is the output of a model.
type Completion struct {
	ID           string
	Model        string // as the service names it, which may be a dated name of the requested model
	Content      string
	FinishReason string
	Figures      *Figures // nil where a stream had none
	// Whole reports that the output is complete. It is false if a stream ended without an end marker.
	Whole bool
	Raw   json.RawMessage // nil for a stream
}

// A Chunk is a part of a completion in a stream.
type Chunk struct {
	Content string
	Raw     json.RawMessage
}

type wireCompletion struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Choices []struct {
		Message      Message `json:"message"`
		Delta        Message `json:"delta"`
		FinishReason *string `json:"finish_reason"`
	} `json:"choices"`
	Meta *Figures `json:"laghav_meta"`
}

func (r Request) call(stream bool) api.Call {
	r.Stream = stream
	return api.Call{Method: http.MethodPost, Path: "/v1/complete", Body: r}
}

// Complete sends a chat to a model and returns the whole output. The call is not repeated if its response is lost, because it costs
// tokens; api.MayHaveRun reports that.
func (c *Client) Complete(ctx context.Context, r Request) (*Completion, error) {
	call := r.call(false)
	resp, err := c.api.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	var body wireCompletion
	if err := resp.Decode(call, &body); err != nil {
		return nil, err
	}
	if len(body.Choices) == 0 {
		return nil, resp.Unexpected(call, "the response has no choices", loose.ErrShape)
	}
	completion := &Completion{Raw: resp.Raw, Whole: true}
	completion.add(body)
	return completion, nil
}

// add merges a response, or a chunk of one, and returns its text.
func (d *Completion) add(body wireCompletion) string {
	if body.ID != "" {
		d.ID = body.ID
	}
	if body.Model != "" {
		d.Model = body.Model
	}
	if body.Meta != nil {
		d.Figures = body.Meta
	}
	if len(body.Choices) == 0 {
		return ""
	}
	first := body.Choices[0]
	if first.FinishReason != nil && *first.FinishReason != "" {
		d.FinishReason, d.Whole = *first.FinishReason, true
	}
	text := first.Message.Content + first.Delta.Content
	d.Content += text
	return text
}

// Stream sends a chat to a model and calls each with every chunk of the output. An error of each ends the stream and is returned.
// With an error, the completion holds what had arrived before it.
func (c *Client) Stream(ctx context.Context, r Request, each func(Chunk) error) (*Completion, error) {
	call, done := r.call(true), &Completion{}
	for event, err := range c.api.Events(ctx, call) {
		if err != nil {
			return done, err
		}
		if strings.TrimSpace(event.Data) == "[DONE]" {
			done.Whole = true
			return done, nil
		}
		chunk, err := c.readChunk(done, []byte(event.Data))
		var refused *api.Error
		if errors.As(err, &refused) {
			return done, err
		}
		if err != nil {
			return done, &api.UnexpectedError{
				Method: call.Method, Path: call.Path, Status: http.StatusOK, Reason: "an event of the stream is not the JSON that the service documents", Err: err,
			}
		}
		if err := each(chunk); err != nil {
			return done, err
		}
	}
	return done, nil
}

// readChunk decodes one event. A failure in the middle of a stream has the form of a refusal.
func (c *Client) readChunk(done *Completion, data []byte) (Chunk, error) {
	var body wireCompletion
	if err := json.Unmarshal(data, &body); err != nil {
		return Chunk{}, err
	}
	if len(body.Choices) == 0 && body.Meta == nil {
		call := api.Call{Method: http.MethodPost, Path: "/v1/complete"}
		if e, hasForm := c.api.ReadRefusal(call, http.StatusOK, http.Header{}, data); hasForm {
			return Chunk{}, e
		}
	}
	return Chunk{Content: done.add(body), Raw: data}, nil
}
