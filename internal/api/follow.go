package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/retry"
)

// Follow are the settings of FollowRun.
type Follow struct {
	// Family is the family of the run, if it is known. Only runs of apps have an event stream and a wait endpoint.
	Family Family
	// Interval is the time between two polls, if neither the event stream nor the wait endpoint works; 0 means 3 seconds.
	Interval time.Duration
	// Patience limits for how long the service may fail without a success in between; 0 means 2 minutes.
	Patience time.Duration
	// Update, if set, is called with each new state.
	Update func(RunUpdate)
	// OnFault, if set, is called with each failure that does not end the wait.
	OnFault func(error)
}

// A method is a way to receive the state of a run.
type method int

// The methods, best first. A follower changes to the next one if a method does not work, and never back.
const (
	byStream method = iota
	byWait
	byPoll
)

// A follower waits for one run.
type follower struct {
	Follow
	client *Client
	runID  string
	method method
	last   []byte // the newest state as JSON
	ends   int    // streams that ended before the run
	polls  int    // of a run of another family than AppRuns
	faults retry.Budget
}

// waitTime is the timeout that is sent to the wait endpoint. Common gateways end a request after 30 seconds.
const waitTime = 25 * time.Second

// FollowRun waits until a run has ended and returns its final state. It uses the event stream, then the wait endpoint, then
// polling. When ctx ends, it returns the newest state and the cause of ctx; when the service fails for longer than f.Patience,
// the newest state and the error of the service.
func (c *Client) FollowRun(ctx context.Context, runID string, f Follow) (RunUpdate, error) {
	if f.Interval <= 0 {
		f.Interval = 3 * time.Second
	}
	if f.Patience <= 0 {
		f.Patience = 2 * time.Minute
	}
	w := &follower{Follow: f, client: c, runID: runID, faults: retry.Budget{Limit: f.Patience, Now: c.Now}}
	if w.Family != AppRuns {
		w.method = byPoll
	}
	var newest RunUpdate
	for {
		update, err := w.step(ctx)
		if update.Raw != nil {
			newest = update
		}
		if err == nil && update.Run.Status.Final() {
			return newest, nil
		}
		if err != nil && ctx.Err() == nil {
			err = w.recover(ctx, err)
		}
		if ctx.Err() != nil {
			return newest, context.Cause(ctx)
		}
		if err != nil {
			return newest, err
		}
	}
}

// step uses the current method once and returns the newest state.
func (w *follower) step(ctx context.Context) (RunUpdate, error) {
	switch w.method {
	case byStream:
		var newest RunUpdate
		for update, err := range w.client.StreamRun(ctx, w.runID) {
			if err != nil {
				return newest, err
			}
			newest = update
			w.report(update)
		}
		return newest, nil
	case byWait:
		return w.paced(ctx, func() (*Reply[Run], error) { return w.client.WaitRun(ctx, w.runID, waitTime) })
	default:
		return w.paced(ctx, func() (*Reply[Run], error) { return w.client.RunOf(ctx, w.Family, w.runID) })
	}
}

// paced calls get once. If the run has not ended, it returns after the interval at the earliest: a wait endpoint that does not
// wait must not be called without a pause.
func (w *follower) paced(ctx context.Context, get func() (*Reply[Run], error)) (RunUpdate, error) {
	begun := w.client.now()
	update, err := w.reported(get())
	if pause := w.interval() - w.client.now().Sub(begun); err == nil && !update.Run.Status.Final() && pause > 0 {
		_ = w.client.sleep(ctx, pause)
	}
	return update, err
}

// interval returns the time between two polls. A generation may take less than a second, so that the first ones are closer.
func (w *follower) interval() time.Duration {
	if w.Family == AppRuns {
		return w.Interval
	}
	w.polls++
	first := retry.Backoff{Base: 500 * time.Millisecond, Max: w.Interval}
	return first.Delay(w.polls)
}

// reported reports the state in a reply and returns it.
func (w *follower) reported(reply *Reply[Run], err error) (RunUpdate, error) {
	if err != nil {
		return RunUpdate{}, err
	}
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	_ = json.Unmarshal(reply.Raw, &envelope) // the client has decoded it before
	update := RunUpdate{Run: reply.Data, Raw: envelope.Data}
	w.report(update)
	return update, nil
}

// report calls Update if the state is new.
func (w *follower) report(update RunUpdate) {
	w.faults.Succeed()
	if w.Update != nil && !bytes.Equal(w.last, update.Raw) {
		w.Update(update)
	}
	w.last = update.Raw
}

// recover returns err if it ends the wait. Otherwise it changes the method or pauses, and returns nil.
func (w *follower) recover(ctx context.Context, err error) error {
	failures, isSpent := w.faults.Fail()
	pause := retry.Network().Delay(failures)
	var refused *Error
	_ = errors.As(err, &refused)
	isLimited := refused != nil && refused.Status == http.StatusTooManyRequests
	switch {
	case w.isFinal(err), isSpent, isLimited && refused.RetryAfter > w.Patience:
		return err
	case isLimited:
		pause = max(refused.RetryAfter, 5*time.Second)
	case w.method == byStream && isNoRun(err):
		w.find(ctx)
		return nil
	case w.mustChangeMethod(err):
		w.method++
		return nil
	}
	if w.OnFault != nil {
		w.OnFault(err)
	}
	_ = w.client.sleep(ctx, pause)
	return nil
}

// find changes to another family, if it has the run, and otherwise to the next method: older services have no streams.
func (w *follower) find(ctx context.Context) {
	_, family, err := w.client.findRun(ctx, w.runID, Generations)
	w.method++
	if err == nil {
		w.Family, w.method = family, byPoll
	}
}

// isFinal reports whether err would be the same with every method.
func (w *follower) isFinal(err error) bool {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Status == http.StatusUnauthorized || !retry.Passing(refused.Status) && w.method == byPoll
	}
	return isPermanent(err)
}

// mustChangeMethod reports whether the current method does not work, so that the next one must be used at once. A stream may end
// once, because the service limits its duration.
func (w *follower) mustChangeMethod(err error) bool {
	if errors.Is(err, errStreamEnded) {
		w.ends++
		return w.ends > 1
	}
	return w.method != byPoll
}

// isPermanent reports whether an error has a local cause that remains: a missing credential, an expired session, a certificate
// that is not trusted.
func isPermanent(err error) bool {
	var lost *UnreachableError
	isLocal := lacksCredential(err) || errors.As(err, &lost) && (lost.Kind == Other || lost.Kind == TLS)
	var temporary interface{ Temporary() bool }
	return isLocal && !(errors.As(err, &temporary) && temporary.Temporary())
}
