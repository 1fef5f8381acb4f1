package api

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A RunFilter selects runs. The zero value of a field selects all.
type RunFilter struct {
	Status Status
	AppID  string
	Limit  int // at most 100; 0 means the default of the service, 25
	Offset int
	Since  time.Time
}

// ListRuns returns one page of runs, newest first.
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

// WaitRun returns the state of a run when the run has ended, or after d. The service accepts 1 to 120 seconds.
func (c *Client) WaitRun(ctx context.Context, runID string, d time.Duration) (*Reply[Run], error) {
	seconds := max(1, min(maxWait, int(d/time.Second)))
	return call[Run](ctx, c, Call{
		Method: http.MethodGet, Path: runPath(runID) + "/wait", Query: url.Values{"timeout": {strconv.Itoa(seconds)}},
	})
}

// CancelRun cancels a run. It has no effect on a run that has ended, which is not an error.
func (c *Client) CancelRun(ctx context.Context, runID string) (*Reply[CancelledRun], error) {
	return call[CancelledRun](ctx, c, Call{Method: http.MethodPost, Path: runPath(runID) + "/cancel", Repeatable: true})
}

func runPath(runID string) string { return "/v1/runs/" + url.PathEscape(runID) }

// normalize sets RunID to the id of older servers, which send it in another field.
func (r *Run) normalize()        { r.RunID = cmp.Or(r.RunID, r.ExecutionID) }
func (r *RunStarted) normalize() { r.RunID = cmp.Or(r.RunID, r.ExecutionID) }
func (r *RunSummary) normalize() { r.RunID = cmp.Or(r.RunID, r.ExecutionID) }
