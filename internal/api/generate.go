package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// A Generate is the body of POST /v1/generate/image and /v1/generate/video.
type Generate struct {
	Model      string         `json:"model"`
	Prompt     string         `json:"prompt,omitempty"`
	Params     map[string]any `json:"params,omitempty"`
	WebhookURL string         `json:"webhookUrl,omitempty"`
}

// A GenerationStarted is the response to the start of a generation. Status is queued, or completed for a model that answers at once.
type GenerationStarted struct {
	RunID          string          `json:"runId"`
	Status         Status          `json:"status"`
	Model          string          `json:"model"`
	ResolvedParams json.RawMessage `json:"resolvedParams"`
}

// A Generation is a run of a model, from GET /v1/generate/runs/{runId}.
type Generation struct {
	RunID          string            `json:"runId"`
	Status         Status            `json:"status"`
	Model          *string           `json:"model"`
	ResolvedParams json.RawMessage   `json:"resolvedParams"`
	Output         *GenerationOutput `json:"output"`
	ErrorMessage   *string           `json:"errorMessage"`
	StartedAt      *time.Time        `json:"startedAt"`
	CompletedAt    *time.Time        `json:"completedAt"`
	CreatedAt      time.Time         `json:"createdAt"`
}

// A GenerationOutput is the result of a generation. Type is image or video; URL is nil until the generation has completed.
type GenerationOutput struct {
	Type string  `json:"type"`
	URL  *string `json:"url"`
}

// Run returns the generation in the form of a run, with the output under the name of its type.
func (g Generation) Run() Run {
	r := Run{
		RunID: g.RunID, Model: cmp.Or(String(g.Model), "a model"), Status: g.Status, ErrorMessage: g.ErrorMessage,
		StartedAt: g.StartedAt, CompletedAt: g.CompletedAt, CreatedAt: g.CreatedAt,
	}
	if g.Output == nil {
		return r
	}
	o := Output{Label: g.Output.Type, Type: g.Output.Type, Status: string(g.Status)}
	if g.Output.URL != nil {
		o.Value, _ = json.Marshal(*g.Output.URL) // marshaling a string cannot fail
		o.Status = string(Completed)
	}
	r.Outputs = []Output{o}
	return r
}

// Generate starts a generation, which costs credits, and returns before it ends. The request is repeated only if it certainly did
// not start one.
func (c *Client) Generate(ctx context.Context, modality string, req Generate) (*Reply[GenerationStarted], error) {
	post := Call{Method: http.MethodPost, Path: "/v1/generate/" + url.PathEscape(modality), Body: req}
	reply, err := call[GenerationStarted](ctx, c, post)
	if err == nil {
		err = post.checkRunID(reply.Data.RunID)
	}
	return reply, err
}

// Generation returns the state of a generation.
func (c *Client) Generation(ctx context.Context, runID string) (*Reply[Generation], error) {
	return call[Generation](ctx, c, Call{Method: http.MethodGet, Path: "/v1/generate/runs/" + url.PathEscape(runID)})
}

// A Feedback is the body of POST /v1/runs/{runId}/feedback.
type Feedback struct {
	Feedback string `json:"feedback"`
}

// A Refinement is a completed run after feedback.
type Refinement struct {
	RunID        string        `json:"runId"`
	Status       Status        `json:"status"`
	Summary      string        `json:"summary"`
	RefinedNodes []RefinedNode `json:"refinedNodes"`
	Outputs      []Output      `json:"outputs"`
	ErrorMessage *string       `json:"errorMessage"`
}

// A RefinedNode is a step of an app that ran again.
type RefinedNode struct {
	NodeID string `json:"nodeId"`
	Reason string `json:"reason"`
}

// SendFeedback changes a completed run: the service runs the steps again that the feedback concerns, which costs credits. The
// request is repeated only if it certainly had no effect.
func (c *Client) SendFeedback(ctx context.Context, runID, feedback string) (*Reply[Refinement], error) {
	return call[Refinement](ctx, c, Call{
		Method: http.MethodPost, Path: runPath(runID) + "/feedback", Body: Feedback{Feedback: feedback},
	})
}
