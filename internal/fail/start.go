package fail

import (
	"errors"

	"github.com/uselamina/lamina/internal/api"
)

// LostStart returns the error of a request that starts a run, as Lost does. check is the command that shows whether there is a run.
func LostStart(err error, check string) error {
	return Lost(err, "starting the run", "the run may have started: check before you start it again", check)
}

// Lost returns the error of a request that must not be made twice. If the service may have carried it out, the error says so with
// warning, and has the code UnknownOutcome, or Interrupted; check is the command that shows it. Every other error is returned as it is.
func Lost(err error, request, warning, check string) error {
	var lost *api.UnreachableError
	isLost := errors.As(err, &lost)
	switch {
	case isLost && lost.Kind == api.Interrupted:
		return &Error{Code: Interrupted, Message: "interrupted; " + warning, Hint: check, Err: err}
	case !api.MayHaveRun(err):
		return err
	case isLost:
		return &Error{Code: UnknownOutcome, Message: "the response to " + request + " was lost, so " + warning, Hint: check, Err: err}
	}
	return &Error{Code: UnknownOutcome, Around: "%s; " + warning, Hint: check, Err: err}
}
