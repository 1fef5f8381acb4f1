package lamatic

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/retry"
)

// Lamatic's SDKs disagree on whether checkStatus is a scalar or an object. A query for the wrong type is rejected.
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

// Check returns the state of a run.
func (c *Client) Check(ctx context.Context, runID string) (*Result, error) {
	if c.isObject.Load() {
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
		c.isObject.Store(true)
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
	value, resp, err := c.send(ctx, d, call)
	if err != nil {
		return nil, err
	}
	result, err := newResult(value, resp, call)
	if err == nil && result.RunID == "" {
		result.RunID = runID
	}
	return result, err
}

// The defaults of waiting, as in Lamatic's SDKs.
const (
	DefaultInterval = 15 * time.Second
	DefaultLimit    = 900 * time.Second
)

// Wait are the settings of Client.Wait.
type Wait struct {
	// Interval is the time between two requests; 0 means DefaultInterval.
	Interval time.Duration
	// Patience is how long the service may fail continuously before its error is returned; 0 means 2 minutes.
	Patience time.Duration
	// Update, if set, is called with each state.
	Update func(*Result)
	// OnFault, if set, is called with each failure that does not end the waiting.
	OnFault func(error)
}

// Wait polls a run until it has ended, and returns its last state. If ctx ends first, Wait returns the newest state, nil if there is
// none, and the cause of ctx.
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
			if result.HasEnded() {
				return result, nil
			}
		case !isTransient(err):
			return newest, err
		default:
			if _, isSpent := faults.Fail(); isSpent || requestedDelay(err) > w.Patience {
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

// HasEnded reports whether a response to checkStatus is the last one. After a success its output may hold only the run id.
func (r *Result) HasEnded() bool {
	return r.State() != Running || strings.EqualFold(r.Status, "success")
}

// isTransient reports whether a failure of the service is likely to end without a change on this side.
func isTransient(err error) bool {
	var refused *api.Error
	var lost *api.UnreachableError
	switch {
	case errors.As(err, &refused):
		return refused.IsTransient()
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
