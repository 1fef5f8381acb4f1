package engine

import (
	"context"
	"errors"

	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/retry"
)

// A spentError means that the service failed for longer than the patience.
type spentError struct{ err error }

func (e *spentError) Error() string { return e.err.Error() }
func (e *spentError) Unwrap() error { return e.err }

// call sends a request that may be repeated, until it succeeds, fails for a reason that does not pass, or fails for too long.
func (e *Engine) call(ctx context.Context, kind pace.Kind, send func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		if err := e.Pacer.Wait(ctx, kind); err != nil {
			return err
		}
		err := send(ctx)
		if err == nil {
			e.succeed()
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		v := e.Service.Judge(err)
		if v.Meaning != Lost && v.Meaning != Busy {
			return err
		}
		if e.fail() {
			return &spentError{err}
		}
		e.pause(ctx, err, max(v.After, retry.Network().Delay(attempt)))
	}
}

// succeed restores the patience.
func (e *Engine) succeed() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.patience.Succeed()
	e.notice = ""
}

// fail reports whether the patience is spent.
func (e *Engine) fail() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, isSpent := e.patience.Fail()
	return isSpent
}
