package lamatic

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/retry"
)

// Lamatic's SDKs disagree on whether checkStatus is a scalar or an object. A query for the wrong one is refused.
var (
	checkStatus = document{"checkStatus", `query CheckStatus($requestId: String!) {
  checkStatus(requestId: $requestId)
}`}
	checkStatusFields = document{"checkStatus", `query CheckStatus($requestId: String!) {
  checkStatus(requestId: $requestId) {
    status
    result
  }
}`}
)

// Check asks how far a run is.
func (c *Client) Check(ctx context.Context, runID string) (*Result, error) {
	if c.selects.Load() {
		return c.check(ctx, checkStatusFields, runID)
	}
	result, err := c.check(ctx, checkStatus, runID)
	var refused *FlowError
	if !errors.As(err, &refused) || refused.executed() {
		return result, err
	}
	other, otherErr := c.check(ctx, checkStatusFields, runID)
	var failed *FlowError
	switch {
	case otherErr == nil, errors.As(otherErr, &failed) && failed.executed():
		c.selects.Store(true)
		return other, otherErr
	case failed == nil:
		return nil, otherErr
	}
	return nil, err
}

// statusVariables are the variables of checkStatus.
type statusVariables struct {
	RequestID string `json:"requestId"`
}

func (c *Client) check(ctx context.Context, d document, runID string) (*Result, error) {
	call := d.call(statusVariables{runID})
	call.Repeatable = true
	value, answer, err := c.do(ctx, d, call)
	if err != nil {
		return nil, err
	}
	result, err := newResult(value, answer, call)
	if err == nil && result.RunID == "" {
		result.RunID = runID
	}
	return result, err
}

// How long a run is asked after, as Lamatic's SDKs do it.
const (
	DefaultInterval = 15 * time.Second
	DefaultLimit    = 900 * time.Second
)

// Wait says how a run is waited for.
type Wait struct {
	// Interval lies between two questions; 0 means DefaultInterval.
	Interval time.Duration
	// Patience is how long the service may fail without a break before its error is returned; 0 means 2 minutes.
	Patience time.Duration
	// Update, if set, is called with every answer.
	Update func(*Result)
	// OnFault, if set, is told of failures that waiting survives.
	OnFault func(error)
}

// Wait asks after a run until it has ended, and returns that state. When ctx ends it returns the newest state, nil if there is
// none, and the cause of the end.
func (c *Client) Wait(ctx context.Context, runID string, w Wait) (*Result, error) {
	if w.Interval <= 0 {
		w.Interval = DefaultInterval
	}
	if w.Patience <= 0 {
		w.Patience = 2 * time.Minute
	}
	var newest *Result
	faults := retry.Budget{Limit: w.Patience}
	for {
		result, err := c.Check(ctx, runID)
		switch {
		case ctx.Err() != nil:
			return newest, context.Cause(ctx)
		case err == nil:
			newest = result
			faults.Succeed()
			if w.Update != nil {
				w.Update(result)
			}
			if result.ended() {
				return result, nil
			}
		case !isTransient(err):
			return newest, err
		default:
			if _, isSpent := faults.Fail(); isSpent {
				return newest, err
			}
			if w.OnFault != nil {
				w.OnFault(err)
			}
		}
		if retry.Sleep(ctx, max(w.Interval, requestedDelay(err))) != nil {
			return newest, context.Cause(ctx)
		}
	}
}

// ended reports whether an answer to checkStatus is the last one: at success its output may well be the run's id alone.
func (r *Result) ended() bool { return r.State() != Running || strings.EqualFold(r.Status, "success") }

// isTransient reports whether a failure of the service is likely to end without a change on this side.
func isTransient(err error) bool {
	var refused *api.Error
	var lost *api.UnreachableError
	switch {
	case errors.As(err, &refused):
		return !refused.Final && (refused.Status >= 500 || refused.Status == http.StatusTooManyRequests)
	case errors.As(err, &lost):
		return lost.Kind != api.Other && lost.Kind != api.TLS
	}
	return false
}

// requestedDelay returns the Retry-After of a refusal, and 0 for any other error or none.
func requestedDelay(err error) time.Duration {
	var refused *api.Error
	if errors.As(err, &refused) {
		return refused.RetryAfter
	}
	return 0
}
