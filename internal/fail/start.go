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
