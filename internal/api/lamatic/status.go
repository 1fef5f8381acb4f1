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
	value, resp, err := c.do(ctx, d, call)
	if err != nil {
		return nil, err
	}
	result, err := newResult(value, resp, call)
	if err == nil && result.RunID == "" {
		result.RunID = runID
	}
	return result, err
}

// The defaults of Lamatic's SDKs for the interval between two checks and the limit of all.
const (
	DefaultInterval = 15 * time.Second
	DefaultLimit    = 900 * time.Second
)

// Wait are the settings of Client.Wait.
type Wait struct {
	// Interval is the time between two checks; 0 means DefaultInterval.
	Interval time.Duration
	// Patience limits for how long the service may fail without a success in between; 0 means 2 minutes.
	Patience time.Duration
	// Update, if set, is called with each result.
	Update func(*Result)
	// OnFault, if set, is called with each failure that does not end the wait.
	OnFault func(error)
}

// Wait checks a run until it has ended and returns its result. When ctx ends, it returns the newest result, which may be nil,
// and the cause of ctx.
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
			if result.hasEnded() {
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

// hasEnded reports whether a result of checkStatus is final. With success it is, even if the output is the id of the run alone.
func (r *Result) hasEnded() bool {
	return r.State() != Running || strings.EqualFold(r.Status, "success")
}

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
