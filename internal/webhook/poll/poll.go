// Package poll finds the runs of a workspace that ended, without webhooks: it lists the runs again and again.
//
// The runs that ended before the first poll are not reported. From then on each run is reported once, when it has ended, also if the
// program was not running at that time: a file, the cursor, remembers which runs are still active, and the newest run that was seen. The
// times in it are those of the service, so that the clock of this machine does not matter.
package poll

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
	FindRun(ctx context.Context, runID string) (*api.Reply[api.Run], api.Family, error)
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
		if err := p.noteActive(ctx, c, status); err != nil {
			return false, err
		}
	}
	newest, err := p.API.ListRuns(ctx, api.RunFilter{Limit: pageSize})
	if err != nil {
		return false, err
	}
	for _, r := range newest.Data { // the first one may be unreadable
		if r.CreatedAt.After(c.Newest) {
			c.Newest = r.CreatedAt
		}
	}
	runs, err := p.list(ctx, api.RunFilter{Since: c.since()})
	if err != nil {
		return false, err
	}
	for _, r := range runs {
		_, wasActive := c.Active[r.RunID]
		c.note(r, r.Status.Final() && !wasActive)
	}
	p.cursor = c
	return false, p.cursor.write(p.File)
}

// noteActive notes the runs with a status. One that ends moves those of later pages forward, perhaps past the page that is read next:
// several pages are read until they have no run that is not known.
func (p *Poller) noteActive(ctx context.Context, c *cursor, status api.Status) error {
	for known := -1; known < len(c.Active); {
		known = len(c.Active)
		runs, err := p.list(ctx, api.RunFilter{Status: status})
		if err != nil {
			return err
		}
		for _, r := range runs {
			c.Active[r.RunID] = r.CreatedAt
		}
		if len(runs) < pageSize {
			return nil
		}
	}
	return nil
}

// Poll reports the runs that ended since the last poll, in the order of their ends. A run that the service cannot show now is reported by
// a later poll, and does not hold up the others.
func (p *Poller) Poll(ctx context.Context) error {
	since := p.cursor.since()
	listed, err := p.list(ctx, api.RunFilter{Since: since})
	if err != nil {
		return err
	}
	older, err := p.lookUp(ctx, listed)
	if err != nil {
		return err
	}
	var ended []api.RunSummary
	for _, r := range append(listed, older...) {
		if r.Status.Final() && p.cursor.isNew(r, since) {
			ended = append(ended, r)
		} else {
			p.cursor.note(r, false)
		}
	}
	slices.SortStableFunc(ended, func(a, b api.RunSummary) int { return endOf(a).Compare(endOf(b)) })
	err = p.reportAll(ctx, ended)
	p.cursor.prune()
	return errors.Join(err, p.cursor.write(p.File))
}

// An UnreadableError means that the service cannot show a run that has ended. A later poll reports the run.
type UnreadableError struct {
	RunID string
	Err   error
}

// Error names the run.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("run %s has ended, but cannot be read: %v", e.RunID, e.Err)
}

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

// maxUnreadable is the number of unreadable runs after which a poll ends: the service fails as a whole.
const maxUnreadable = 4

// reportAll reports runs until one fails for a reason that is not its own. It returns the error of the first unreadable one.
func (p *Poller) reportAll(ctx context.Context, ended []api.RunSummary) error {
	for _, r := range ended {
		p.cursor.Active[r.RunID] = r.CreatedAt // until it is reported
	}
	var unreadable error
	count := 0
	for _, r := range ended {
		switch err := p.report(ctx, r); {
		case err == nil:
			p.cursor.note(r, true)
		case !isOfRun(err):
			return err
		default:
			unreadable = cmp.Or[error](unreadable, &UnreadableError{r.RunID, err})
			if count++; count == maxUnreadable {
				return unreadable
			}
		}
	}
	return unreadable
}

// isOfRun reports whether a request failed for a reason that may be one of the run that it asked for.
func isOfRun(err error) bool {
	var refused *api.Error
	if errors.As(err, &refused) {
		return refused.Status != http.StatusUnauthorized && refused.Status != http.StatusTooManyRequests
	}
	return errors.As(err, new(*api.UnexpectedError))
}

func endOf(r api.RunSummary) time.Time {
	if r.CompletedAt != nil {
		return *r.CompletedAt
	}
	return r.CreatedAt
}

// list returns all pages. New runs move those of later pages back, so that a run can be on two pages. With a status, it can also be on none.
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
		reply, _, err := p.API.FindRun(ctx, id)
		if api.IsNotFound(err) {
			delete(p.cursor.Active, id) // the service has removed it
		}
		if isOfRun(err) {
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

// report reports the end of a run with the body that a webhook delivery of it has: the response to a request for the run. If the service
// refuses to show the run, that is the item of the list.
func (p *Poller) report(ctx context.Context, r api.RunSummary) error {
	if p.Has(r.RunID) {
		return nil
	}
	body, err := p.body(ctx, r)
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

func (p *Poller) body(ctx context.Context, r api.RunSummary) ([]byte, error) {
	reply, _, err := p.API.FindRun(ctx, r.RunID)
	if err == nil {
		return reply.Raw, nil
	}
	if refused := (*api.Error)(nil); isOfRun(err) && errors.As(err, &refused) && !refused.IsTransient() {
		return json.Marshal(map[string]any{"data": r})
	}
	return nil, err
}
