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
	patience := retry.Budget{Limit: e.Patience}
	for {
		if err := e.Pacer.Wait(ctx, kind); err != nil {
			return err
		}
		err := send(ctx)
		if err == nil {
			e.setTrouble("")
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		v := e.Service.Judge(err)
		if v.Meaning != Lost && v.Meaning != Busy {
			return err
		}
		failures, isSpent := patience.Fail()
		if isSpent || v.After > e.Patience {
			return &spentError{err}
		}
		e.setTrouble(failing(err))
		_ = retry.Sleep(ctx, max(v.After, retry.Network().Delay(failures))) // Wait looks at ctx
	}
}

// setTrouble sets what is shown of the requests that are not starts.
func (e *Engine) setTrouble(trouble string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trouble = trouble
}

// failing returns what is shown while the service fails.
func failing(err error) string { return "the service fails: " + err.Error() }
