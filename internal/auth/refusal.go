package auth

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/retry"
)

// IsRefusal reports whether an error is a definite refusal of the authorization server: the same request will be refused again.
// A server that is unreachable, overloaded or failing (429, 5xx) has not refused, and neither has a successful response that cannot be read.
func IsRefusal(err error) bool {
	var refused *OAuthError
	var status *StatusError
	var denied *DeniedError
	var expired *ExpiredError
	if errors.As(err, &refused) || errors.As(err, &status) {
		return !IsPassing(err)
	}
	return errors.As(err, &denied) || errors.As(err, &expired)
}

// IsPassing reports whether the same request may succeed later.
func IsPassing(err error) bool {
	var unreachable *UnreachableError
	var status *StatusError
	var refused *OAuthError
	switch {
	case errors.As(err, &unreachable):
		return true
	case errors.As(err, &status):
		return retry.Passing(status.Status)
	case errors.As(err, &refused): // RFC 6749 section 4.1.2.1 and RFC 8628 section 3.5
		return refused.Code == "temporarily_unavailable" || refused.Code == "server_error" || refused.Code == "slow_down"
	}
	return false
}

// reasonOf returns why a refusal of a refresh ends the session, and the server's words.
func reasonOf(refusal error) (reason Reason, detail string) {
	var refused *OAuthError
	var status *StatusError
	switch {
	case errors.As(refusal, &refused) && refused.Code == "invalid_grant":
		return ReasonRefused, refused.Description
	case errors.As(refusal, &refused):
		detail = refused.Code
		if refused.Description != "" {
			detail += ": " + refused.Description
		}
		if refused.Code == "invalid_client" || refused.Code == "unauthorized_client" {
			return ReasonUnknownClient, detail
		}
	case errors.As(refusal, &status):
		detail = fmt.Sprintf("status %d", status.Status)
		if text := http.StatusText(status.Status); text != "" {
			detail += " " + text
		}
	}
	return ReasonRejected, detail
}

// EndedError returns the error of a stored session that is marked as ended, and nil for any other credential. The profile ""
// means the default profile.
func EndedError(profile string, c config.Credential) error {
	if c.EndedAt.IsZero() {
		return nil
	}
	ended := &SessionEndedError{
		Profile: profile, Reason: Reason(cmp.Or(c.EndedReason, string(ReasonRefused))), Description: clean(c.EndedDetail, 300),
	}
	if ended.Reason == ReasonLostResponse && !c.RotationSentAt.IsZero() {
		return &LostResponseError{SentAt: c.RotationSentAt, Ended: ended}
	}
	return ended
}
