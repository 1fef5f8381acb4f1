package fail

import (
	"errors"

	"github.com/uselamina/lamina/internal/api"
)

// LostStart returns the error of a request that starts a run. If the request may have reached the service, it says that the run may
// have started; check is the command that shows this.
func LostStart(err error, check string) error {
	var lost *api.UnreachableError
	if errors.As(err, &lost) && !lost.Kind.NeverSent() && lost.Kind != api.Other {
		return &Error{
			Code: UnknownOutcome, Hint: check, Err: err,
			Message: "the response to starting the run was lost, so the run may have started: check before you start it again",
		}
	}
	return err
}

// StartedWithoutID returns the error of a run that was started and whose id the service did not send; nil if id is not empty.
func StartedWithoutID(id string) error {
	if id != "" {
		return nil
	}
	return &Error{Code: UnknownOutcome, Hint: "lamina runs list", Message: "the service started a run, and the response does not have its id"}
}
