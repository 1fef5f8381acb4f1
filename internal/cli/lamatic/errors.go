package lamatic

import (
	"errors"
	"fmt"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// studioHint is the hint of errors that only Lamatic's web application can explain.
const studioHint = "in Lamatic's Studio, check the workflow's ID and inputs, and read its logs"

// mayHaveRun warns of a second run.
const mayHaveRun = "the workflow may have run: read its logs before you run it again"

// executeError returns the error for a workflow that could not be run. Because a run may cost, it says if the workflow may have run.
func executeError(err error) error {
	var (
		refused     *api.Error
		refusedFlow *lamatic.FlowError
		cut         *lamatic.CutError
	)
	switch {
	case errors.As(err, &refusedFlow):
		return flowError(refusedFlow)
	case errors.As(err, &refused) && refused.Status >= 500:
		return &fail.Error{Code: fail.UnknownOutcome, Around: "%s; " + mayHaveRun, Hint: studioHint, Err: err}
	case errors.As(err, &cut):
		return &fail.Error{
			Code: fail.UnknownOutcome, Hint: studioHint, Err: err,
			Message: "the stream broke off before the end of the workflow: the printed output is incomplete, and the workflow may have finished",
		}
	}
	return fail.Lost(err, "running the workflow", mayHaveRun, studioHint)
}

// flowError returns the error for a workflow that Lamatic did not run, or that failed at once.
func flowError(refused *lamatic.FlowError) error {
	e := &fail.Error{
		Code: fail.RunFailed, Message: "the workflow did not succeed: " + refused.Error(), Hint: studioHint,
		RequestID: refused.RequestID, Err: refused,
	}
	if len(refused.Problems) > 1 {
		e.Message = fmt.Sprintf("the workflow did not succeed, for %d reasons", len(refused.Problems))
		for _, p := range refused.Problems {
			e.Details = append(e.Details, api.Detail{Message: p.Message})
		}
	}
	return e
}

// failedError returns the error for a workflow that ran and failed.
func failedError(r *lamatic.Result) error {
	message := "the workflow failed"
	if r.Message != "" {
		message += ": " + r.Message
	}
	return &fail.Error{Code: fail.RunFailed, Message: message, Hint: studioHint, RunID: r.RunID, Run: r.Raw, RequestID: r.RequestID}
}

// statusError returns the error for a state that could not be fetched.
func statusError(env *cmdutil.Env, runID string, err error) error {
	var refused *lamatic.FlowError
	if !errors.As(err, &refused) {
		return err
	}
	return &fail.Error{
		Code: fail.NotFound, Message: fmt.Sprintf("Lamatic has no result for request %s in this project: %s", output.Quote(runID), refused.Error()),
		Hint: env.Sessions.FailContext().Command("auth", "status"), RequestID: refused.RequestID, Err: err,
	}
}
