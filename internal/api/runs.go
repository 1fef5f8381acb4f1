package api

import (
	"cmp"
	"context"
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
	reply, err := call[[]RunSummary](ctx, c, Call{Method: http.MethodGet, Path: "/v1/runs", Query: query})
	if err != nil {
		return nil, err
	}
	for i := range reply.Data {
		reply.Data[i].normalize()
	}
	return reply, nil
}

// Run returns the state of a run.
func (c *Client) Run(ctx context.Context, runID string) (*Reply[Run], error) {
	return call[Run](ctx, c, Call{Method: http.MethodGet, Path: runPath(runID)})
}

// WaitRun returns the state of a run when it is final, or after d, which the service bounds to 1 to 120 seconds.
func (c *Client) WaitRun(ctx context.Context, runID string, d time.Duration) (*Reply[Run], error) {
	seconds := max(1, min(120, int(d/time.Second)))
	return call[Run](ctx, c, Call{
		Method: http.MethodGet, Path: runPath(runID) + "/wait", Query: url.Values{"timeout": {strconv.Itoa(seconds)}},
		Timeout: time.Duration(seconds)*time.Second + 15*time.Second,
	})
}

// CancelRun asks the service to stop a run. A final run stays as it is, which is no error.
func (c *Client) CancelRun(ctx context.Context, runID string) (*Reply[CancelledRun], error) {
	return call[CancelledRun](ctx, c, Call{Method: http.MethodPost, Path: runPath(runID) + "/cancel", Repeatable: true})
}

func runPath(runID string) string { return "/v1/runs/" + url.PathEscape(runID) }

// normalize reads the id that older servers send under another name.
func (r *Run) normalize()        { r.RunID = cmp.Or(r.RunID, r.ExecutionID) }
func (r *RunStarted) normalize() { r.RunID = cmp.Or(r.RunID, r.ExecutionID) }
func (r *RunSummary) normalize() { r.RunID = cmp.Or(r.RunID, r.ExecutionID) }
