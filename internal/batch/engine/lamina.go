package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/provider"
)

// pageSize is the number of runs in a page of the list, the largest that the service documents.
const pageSize = 100

// Lamina is the service of apps. Its client must repeat no request.
type Lamina struct {
	Client *api.Client
	AppID  string
}

// Start implements Service.
func (l *Lamina) Start(ctx context.Context, item plan.Item, key string) (Run, error) {
	reply, err := l.Client.StartRunOnce(ctx, l.AppID, item.Inputs, key)
	if err != nil {
		return Run{}, err
	}
	return Run{ID: reply.Data.RunID}, nil
}

// List implements Service.
func (l *Lamina) List(ctx context.Context, since time.Time, offset int) (Page, error) {
	reply, err := l.Client.ListRuns(ctx, api.RunFilter{AppID: l.AppID, Limit: pageSize, Offset: offset, Since: since.Truncate(time.Second)})
	if err != nil {
		return Page{}, err
	}
	// A server that ignores limit sends fewer. Only an empty page is surely the last one.
	page := Page{IsLast: len(reply.Data) == 0, Size: len(reply.Data)}
	for _, r := range reply.Data {
		if r.RunID != "" {
			page.Runs = append(page.Runs, Run{
				ID: r.RunID, State: stateOf(r.Status), CreatedAt: r.CreatedAt, Error: messageOf(r.ErrorMessage),
				IsForeign: r.WorkflowID != "" && r.WorkflowID != l.AppID,
			})
		}
	}
	if p := reply.Pagination; p != nil && len(reply.Data) < pageSize && offset+len(reply.Data) >= p.Total {
		page.IsLast = true
	}
	return page, nil
}

// Get implements Service.
func (l *Lamina) Get(ctx context.Context, id string) (Run, error) {
	reply, err := l.Client.Run(ctx, id)
	if err != nil {
		return Run{}, err
	}
	r := reply.Data
	run := Run{ID: id, State: stateOf(r.Status), CreatedAt: r.CreatedAt, Error: messageOf(r.ErrorMessage)}
	if len(r.Outputs) > 0 {
		run.Outputs, err = json.Marshal(r.Outputs)
	}
	return run, err
}

// Cancel implements Service.
func (l *Lamina) Cancel(ctx context.Context, id string) (Run, error) {
	reply, err := l.Client.CancelRun(ctx, id)
	if err != nil {
		return Run{}, err
	}
	return Run{ID: id, State: stateOf(reply.Data.Status)}, nil
}

// Judge implements Service.
func (l *Lamina) Judge(err error) Verdict { return Judge(err) }

// stateOf returns the status of a run that has ended; "" for one that has not.
func stateOf(s api.Status) string {
	if !s.Final() {
		return ""
	}
	return string(s)
}

func messageOf(m *string) string {
	if m == nil {
		return ""
	}
	return *m
}

// Judge classifies an error of an api.Client for a request that must not be carried out twice. If the effect is unknown, it is Lost.
func Judge(err error) Verdict {
	var (
		refused    *api.Error
		lost       *api.UnreachableError
		unexpected *api.UnexpectedError
	)
	switch {
	case errors.As(err, &refused):
		return judgeRefusal(refused)
	case errors.As(err, &lost):
		if lost.Kind == api.TLS {
			return Verdict{Meaning: Fatal}
		}
		if lost.Kind.NeverSent() {
			return Verdict{Meaning: Busy}
		}
		return Verdict{Meaning: Lost}
	case errors.As(err, &unexpected):
		switch s := unexpected.Status; {
		case s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
			return Verdict{Meaning: Busy}
		case s >= 300 && s < 500:
			return Verdict{Meaning: Fatal}
		}
		return Verdict{Meaning: Lost}
	}
	return Verdict{Meaning: Fatal} // there was no credential to send
}

func judgeRefusal(e *api.Error) Verdict {
	switch e.Rule.Kind {
	case provider.RateLimited:
		return Verdict{Meaning: Busy, After: e.RetryAfter}
	case provider.Unavailable:
		if e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooEarly || e.Status == http.StatusRequestTimeout {
			return Verdict{Meaning: Busy, After: e.RetryAfter, IsFull: e.Status == http.StatusServiceUnavailable}
		}
		return Verdict{Meaning: Lost}
	case provider.NotFound:
		return Verdict{Meaning: Missing, Code: cmp.Or(e.Code, api.CodeNotFound), Message: e.Message}
	case provider.Invalid:
		return Verdict{Meaning: Refused, Code: cmp.Or(e.Code, api.CodeValidation), Message: e.Message}
	}
	return Verdict{Meaning: Fatal}
}
