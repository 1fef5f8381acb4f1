package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// RunFilter narrows a list of runs; the zero value of a field does not.
type RunFilter struct {
	Status Status
	AppID  string
	Limit  int // at most 100; the service's default is 25
	Offset int
	Since  time.Time
}

// ListRuns returns runs, the newest first, one page at a time.
func (c *Client) ListRuns(ctx context.Context, f RunFilter) (*Reply[[]RunSummary], error) {
	query := url.Values{}
	if f.Status != "" {
		query.Set("status", string(f.Status))
	}
	if f.AppID != "" {
		query.Set("appId", f.AppID)
	}
	if f.Limit > 0 {
		query.Set("limit", strconv.Itoa(f.Limit))
	}
	if f.Offset > 0 {
		query.Set("offset", strconv.Itoa(f.Offset))
	}
	if !f.Since.IsZero() {
		query.Set("since", f.Since.UTC().Format(time.RFC3339))
	}
	return call[[]RunSummary](ctx, c, request{method: http.MethodGet, path: "/v1/runs", query: query})
}

// Run returns the state of a run.
func (c *Client) Run(ctx context.Context, runID string) (*Reply[Run], error) {
	return call[Run](ctx, c, request{method: http.MethodGet, path: runPath(runID)})
}

// WaitRun returns the state of a run when it is final, or after d, which the service bounds to 1 to 120 seconds.
func (c *Client) WaitRun(ctx context.Context, runID string, d time.Duration) (*Reply[Run], error) {
	seconds := max(1, min(120, int(d/time.Second)))
	return call[Run](ctx, c, request{
		method: http.MethodGet, path: runPath(runID) + "/wait", query: url.Values{"timeout": {strconv.Itoa(seconds)}},
		timeout: time.Duration(seconds)*time.Second + 15*time.Second,
	})
}

// CancelRun asks the service to stop a run. A final run stays as it is, which is no error.
func (c *Client) CancelRun(ctx context.Context, runID string) (*Reply[CancelledRun], error) {
	return call[CancelledRun](ctx, c, request{method: http.MethodPost, path: runPath(runID) + "/cancel", repeatable: true})
}

func runPath(runID string) string { return "/v1/runs/" + url.PathEscape(runID) }

// UnmarshalJSON reads a run, whose id older servers call executionId.
func (r *Run) UnmarshalJSON(raw []byte) error {
	type plain Run
	return unmarshalRun(raw, (*plain)(r), &r.RunID)
}

// UnmarshalJSON reads a started run, whose id older servers call executionId.
func (r *RunStarted) UnmarshalJSON(raw []byte) error {
	type plain RunStarted
	return unmarshalRun(raw, (*plain)(r), &r.RunID)
}

// UnmarshalJSON reads a run's summary, whose id older servers call executionId.
func (r *RunSummary) UnmarshalJSON(raw []byte) error {
	type plain RunSummary
	return unmarshalRun(raw, (*plain)(r), &r.RunID)
}

func unmarshalRun(raw []byte, into any, id *string) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return err
	}
	if *id != "" {
		return nil
	}
	var old struct {
		ExecutionID string `json:"executionId"`
	}
	err := json.Unmarshal(raw, &old)
	*id = old.ExecutionID
	return err
}
