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

// Follow says how a run is waited for.
type Follow struct {
	// Interval is the time between two polls where neither the event stream nor the wait endpoint serves; 0 means 3 s.
	Interval time.Duration
	// Patience is how long the service may fail without a break before waiting ends with its error; 0 means 2 minutes.
	Patience time.Duration
	// Update, if set, is called with every state that differs from the one before.
	Update func(RunUpdate)
	// OnFault, if set, is told of failures that waiting survives.
	OnFault func(error)
}

// A road is a way to learn of a run's progress.
type road int

// The roads, the best first. A follower goes on to the next when one proves closed, and never back.
const (
	byStream road = iota
	byWait
	byPoll
)

// A follower waits for one run.
type follower struct {
	Follow
	client *Client
	runID  string
	road   road
	last   []byte // the newest state as it came
	ends   int    // streams that ended before the run did
	faults retry.Budget
}

// waitTime is how long the wait endpoint is asked to hold a request: less than the 30 s after which common gateways
// give up on one.
const waitTime = 25 * time.Second

// FollowRun waits until a run is final and returns that state. It uses the event stream, then the wait endpoint, then
// polling. When ctx ends it returns the newest state and the cause of the end; when the service fails for longer than
// f.Patience, the service's error.
func (c *Client) FollowRun(ctx context.Context, runID string, f Follow) (RunUpdate, error) {
	if f.Interval <= 0 {
		f.Interval = 3 * time.Second
	}
	if f.Patience <= 0 {
		f.Patience = 2 * time.Minute
	}
	w := &follower{Follow: f, client: c, runID: runID, faults: retry.Budget{Limit: f.Patience, Now: c.Now}}
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

// step goes as far as the present road leads, and returns the newest state.
func (w *follower) step(ctx context.Context) (RunUpdate, error) {
	switch w.road {
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
		return w.paced(ctx, func() (*Reply[Run], error) { return w.client.Run(ctx, w.runID) })
	}
}

// paced asks once, and comes back no sooner than after the interval if the run is still going: a wait endpoint that
// does not wait must not be asked without a break.
func (w *follower) paced(ctx context.Context, ask func() (*Reply[Run], error)) (RunUpdate, error) {
	begun := w.client.now()
	update, err := w.reported(ask())
	if pause := w.Interval - w.client.now().Sub(begun); err == nil && !update.Run.Status.Final() && pause > 0 {
		_ = w.client.sleep(ctx, pause)
	}
	return update, err
}

func (w *follower) reported(reply *Reply[Run], err error) (RunUpdate, error) {
	if err != nil {
		return RunUpdate{}, err
	}
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	_ = json.Unmarshal(reply.Raw, &envelope) // it was decoded once already
	update := RunUpdate{Run: reply.Data, Raw: envelope.Data}
	w.report(update)
	return update, nil
}

func (w *follower) report(update RunUpdate) {
	w.faults.Succeed()
	if w.Update != nil && !bytes.Equal(w.last, update.Raw) {
		w.Update(update)
	}
	w.last = update.Raw
}

// recover returns nil, after a pause, if waiting can go on after err, perhaps by another road; otherwise err.
func (w *follower) recover(ctx context.Context, err error) error {
	failures, isSpent := w.faults.Fail()
	pause := retry.Network().Delay(failures)
	var refused *Error
	_ = errors.As(err, &refused)
	limited := refused != nil && refused.Status == http.StatusTooManyRequests
	switch {
	case w.isEnd(err), isSpent:
		return err
	case limited:
		pause = max(refused.RetryAfter, 5*time.Second)
	case w.leaves(err):
		w.road++
		return nil
	}
	if w.OnFault != nil {
		w.OnFault(err)
	}
	_ = w.client.sleep(ctx, pause)
	return nil
}

// isEnd reports whether err will come again on every road.
func (w *follower) isEnd(err error) bool {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Status == http.StatusUnauthorized ||
			refused.Status != http.StatusTooManyRequests && refused.Status < 500 && w.road == byPoll
	}
	return isPermanent(err)
}

// leaves reports whether err closes the present road, so that the next is to be tried at once. A stream may end once:
// the service bounds its life.
func (w *follower) leaves(err error) bool {
	if errors.Is(err, errStreamEnded) {
		w.ends++
		return w.ends > 1
	}
	return w.road != byPoll
}

// isPermanent reports whether the cause of an error is on this machine and will not pass: no credential, a session that has
// ended, a certificate that is not trusted.
func isPermanent(err error) bool {
	var lost *UnreachableError
	isLocal := lacksCredential(err) || errors.As(err, &lost) && (lost.Kind == Other || lost.Kind == TLS)
	var passing interface{ Temporary() bool }
	return isLocal && !(errors.As(err, &passing) && passing.Temporary())
}
