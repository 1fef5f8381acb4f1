// Package poll finds the runs of a workspace that ended, without webhooks: it lists the runs again and again.
//
// The runs that ended before the first poll are not reported. From then on each run is reported once, when it has ended, also if the
// program was not running at that time: a file, the cursor, remembers which runs are still active, and the newest run that was seen. The
// times in it are those of the service, so that the clock of this machine does not matter.
package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

// pageSize is the largest page of the API.
const pageSize = 100

// overlap is how far a poll looks back behind the newest run that was seen: a service may list a run later than a newer one.
const overlap = 10 * time.Minute

// maxBack is how far the list goes back for a run that is still active. Older ones are looked up one by one.
const maxBack = time.Hour

// lookUps is the number of older active runs that one poll asks for one by one. They take turns.
const lookUps = 4

// An API is the part of the client that a Poller uses.
type API interface {
	ListRuns(ctx context.Context, f api.RunFilter) (*api.Reply[[]api.RunSummary], error)
	Run(ctx context.Context, runID string) (*api.Reply[api.Run], error)
}

// A Poller reports the runs of a workspace that ended.
type Poller struct {
	API API
	// Has reports whether a run was reported before, perhaps by a webhook.
	Has func(runID string) bool
	// Report stores the end of a run. The run is reported again if it fails.
	Report func(ctx context.Context, d inbox.Delivery) error
	// File is the file of the cursor.
	File string
	// Workspace identifies the workspace. A cursor of another one is not used.
	Workspace string
	// Now returns the current time; nil means time.Now.
	Now func() time.Time

	cursor *cursor
}

// Begin reads the cursor. Without one, it notes which runs are active now, and returns resumes false.
func (p *Poller) Begin(ctx context.Context) (resumes bool, err error) {
	p.cursor = readCursor(p.File, p.Workspace)
	if p.cursor != nil {
		return true, nil
	}
	c := &cursor{Workspace: p.Workspace, Active: map[string]time.Time{}, Ended: map[string]time.Time{}}
	for _, status := range []api.Status{api.Queued, api.Running} { // before the newest runs: a run that ends meanwhile is reported
		runs, err := p.list(ctx, api.RunFilter{Status: status})
		if err != nil {
			return false, err
		}
		for _, r := range runs {
			c.Active[r.RunID] = r.CreatedAt
		}
	}
	newest, err := p.API.ListRuns(ctx, api.RunFilter{Limit: 1})
	if err != nil {
		return false, err
	}
	for _, r := range newest.Data {
		c.Newest = r.CreatedAt
	}
	if !c.Newest.IsZero() {
		runs, err := p.list(ctx, api.RunFilter{Since: c.since()})
		if err != nil {
			return false, err
		}
		for _, r := range runs {
			c.note(r, r.Status.Final() && c.Active[r.RunID].IsZero())
		}
	}
	p.cursor = c
	return false, p.cursor.write(p.File)
}

// Poll reports the runs that ended since the last poll, in the order of their ends.
func (p *Poller) Poll(ctx context.Context) error {
	listed, err := p.list(ctx, api.RunFilter{Since: p.cursor.since()})
	if err != nil {
		return err
	}
	older, err := p.lookUp(ctx, listed)
	if err != nil {
		return err
	}
	var ended []api.RunSummary
	for _, r := range append(listed, older...) {
		if _, isKnown := p.cursor.Ended[r.RunID]; r.Status.Final() && !isKnown {
			ended = append(ended, r)
			continue
		}
		p.cursor.note(r, false)
	}
	slices.SortStableFunc(ended, func(a, b api.RunSummary) int { return endOf(a).Compare(endOf(b)) })
	for _, r := range ended {
		if err := p.report(ctx, r); err != nil {
			return errors.Join(err, p.cursor.write(p.File))
		}
		p.cursor.note(r, true)
	}
	p.cursor.prune()
	return p.cursor.write(p.File)
}

func endOf(r api.RunSummary) time.Time {
	if r.CompletedAt != nil {
		return *r.CompletedAt
	}
	return r.CreatedAt
}

// list returns all pages. New runs move those of later pages back, so that a run can be on two pages, but on none cannot be.
func (p *Poller) list(ctx context.Context, f api.RunFilter) ([]api.RunSummary, error) {
	f.Limit = pageSize
	var all []api.RunSummary
	seen := map[string]bool{}
	for {
		reply, err := p.API.ListRuns(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, r := range reply.Data {
			if !seen[r.RunID] && r.RunID != "" {
				seen[r.RunID] = true
				all = append(all, r)
			}
		}
		f.Offset += len(reply.Data)
		isLast := len(reply.Data) == 0 || reply.Pagination == nil && len(reply.Data) < pageSize || reply.Pagination != nil && f.Offset >= reply.Pagination.Total
		if isLast {
			return all, nil
		}
	}
}

// lookUp returns the states of active runs that are too old for the list, a few at a time.
func (p *Poller) lookUp(ctx context.Context, listed []api.RunSummary) ([]api.RunSummary, error) {
	var found []api.RunSummary
	for _, id := range p.cursor.older(listed) {
		reply, err := p.API.Run(ctx, id)
		if api.IsNotFound(err) {
			delete(p.cursor.Active, id) // the service has removed it
			continue
		}
		if err != nil {
			return nil, err
		}
		r := reply.Data
		found = append(found, api.RunSummary{
			RunID: id, WorkflowID: r.WorkflowID, Status: r.Status, ErrorMessage: r.ErrorMessage, StartedAt: r.StartedAt,
			CompletedAt: r.CompletedAt, CreatedAt: p.cursor.Active[id],
		})
	}
	return found, nil
}

// report reports the end of a run with the body that a webhook delivery of it has: the response to a request for the run.
func (p *Poller) report(ctx context.Context, r api.RunSummary) error {
	if p.Has(r.RunID) {
		return nil
	}
	reply, err := p.API.Run(ctx, r.RunID)
	var body []byte
	switch {
	case api.IsNotFound(err): // a run of another family than that of apps
		body, err = json.Marshal(map[string]any{"data": r})
	case err == nil:
		body = reply.Raw
	}
	if err != nil {
		return err
	}
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	err = p.Report(ctx, inbox.Delivery{ID: r.RunID, Status: string(r.Status), Source: inbox.FromPoll, ReceivedAt: now().UTC(), Body: body})
	if err != nil {
		return fmt.Errorf("could not store the end of run %s: %w", r.RunID, err)
	}
	return nil
}
