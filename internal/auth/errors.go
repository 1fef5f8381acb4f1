package auth

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// URLError refuses an address that is malformed or would carry secrets in the clear.
type URLError struct {
	URL    string // without user, password and query
	Detail string
}

// Error says what is wrong with the address.
func (e *URLError) Error() string { return fmt.Sprintf("%q cannot be used: %s", e.URL, e.Detail) }

// UnreachableError means that no answer came: DNS, TLS, a refused or cut connection, or a time limit.
type UnreachableError struct {
	Doing string // what was being tried, as in "refresh the session"
	Host  string
	Err   error
	sent  bool // the request was on its way, so the service may have acted on it
}

// Error names the host and the cause.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot %s: %s could not be reached (%v)", e.Doing, e.Host, e.Err)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// StatusError is an answer that is not an OAuth answer: 5xx, 429, a redirect, a proxy's page.
type StatusError struct {
	Doing      string
	Host       string
	Status     int
	RetryAfter time.Duration // 0 when the answer did not say
}

// Error names the host and the status.
func (e *StatusError) Error() string {
	return fmt.Sprintf("cannot %s: %s answered %d %s", e.Doing, e.Host, e.Status, http.StatusText(e.Status))
}

// ResponseError is a success whose content makes no sense.
type ResponseError struct {
	Doing  string
	Host   string
	Detail string
}

// Error says what is missing or malformed.
func (e *ResponseError) Error() string {
	return fmt.Sprintf("cannot %s: the answer of %s %s", e.Doing, e.Host, e.Detail)
}

// OAuthError is a refusal by the authorization server (RFC 6749 sections 4.1.2.1 and 5.2, RFC 7591 section 3.2.2).
type OAuthError struct {
	Doing       string
	Code        string // such as invalid_grant
	Description string // the server's words: bounded, without control characters; may be empty
	Status      int    // 0 when it came through the browser
}

// Error quotes the server.
func (e *OAuthError) Error() string {
	if e.Description == "" {
		return fmt.Sprintf("cannot %s: the service refused (%s)", e.Doing, e.Code)
	}
	return fmt.Sprintf("cannot %s: the service refused (%s: %s)", e.Doing, e.Code, e.Description)
}

// DeniedError means that the person, or the service on its own, said no.
type DeniedError struct {
	Description string // the server's words; may be empty
}

// Error says so.
func (e *DeniedError) Error() string {
	if e.Description == "" {
		return "the sign-in was declined in the browser"
	}
	return fmt.Sprintf("the sign-in was declined in the browser (%s)", e.Description)
}

// ExpiredError means that a device code was not approved in time.
type ExpiredError struct{}

// Error names the way out.
func (*ExpiredError) Error() string {
	return "the code expired before the sign-in was approved: run `lamina login` again for a new one"
}

// TimeoutError means that nobody finished the sign-in in the browser.
type TimeoutError struct {
	After time.Duration
}

// Error names the way out.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the sign-in was not finished within %s: run `lamina login` again", e.After)
}

// PortError means that the port cannot be had to which the person's client is bound.
type PortError struct {
	Port string
	Err  error
}

// Error names the port and the cause.
func (e *PortError) Error() string {
	cause := e.Err
	var op *net.OpError
	if errors.As(e.Err, &op) {
		cause = op.Err // without the address, which is said already
	}
	return fmt.Sprintf("cannot wait for the browser on port %s, which the client is bound to (%v)", e.Port, cause)
}

// Unwrap returns the cause.
func (e *PortError) Unwrap() error { return e.Err }

// MetadataError means that the server's own description of itself (RFC 8414) cannot be trusted.
type MetadataError struct {
	URL    string
	Detail string
}

// Error says why.
func (e *MetadataError) Error() string {
	return fmt.Sprintf("the authorization server's description at %s is refused: %s", e.URL, e.Detail)
}

// NotOfferedError means that the service has no such endpoint.
type NotOfferedError struct {
	Host string
	What string
}

// Error says what is missing.
func (e *NotOfferedError) Error() string { return fmt.Sprintf("%s does not offer %s", e.Host, e.What) }

// NotSignedInError means that a profile holds no credential.
type NotSignedInError struct {
	Profile string
}

// Error names the way out.
func (e *NotSignedInError) Error() string {
	return "not signed in: run `" + loginCommand(e.Profile) + "`"
}

// RegistrationError means that a server which was named by its issuer makes no client for us. Its cause is one of Register's.
type RegistrationError struct {
	Err error
}

// Error is the cause and the way out.
func (e *RegistrationError) Error() string {
	return e.Err.Error() + "; make a public (native) client there, and give its id with --client-id"
}

// Unwrap returns the cause.
func (e *RegistrationError) Unwrap() error { return e.Err }

// A Reason says why a session is over.
type Reason string

// The reasons, as they are stored.
const (
	ReasonUnused       Reason = "unused"      // the refresh token was not used for 30 days
	ReasonRefused      Reason = "refused"     // revoked, or its refresh token was used elsewhere; the service does not say which
	ReasonLostResponse Reason = "lost-answer" // see LostResponseError
	ReasonNoRefresh    Reason = "no-refresh"  // the service gave no refresh token
)

// SessionEndedError means that a person has to sign in again. The record is kept, and marked.
type SessionEndedError struct {
	Profile     string
	Reason      Reason
	Description string // the server's words; may be empty
}

// Error says why, and names the way out.
func (e *SessionEndedError) Error() string {
	why := map[Reason]string{
		ReasonUnused:       "it was not used for 30 days",
		ReasonRefused:      "it was revoked, or its refresh token was used elsewhere",
		ReasonLostResponse: "a renewal was sent and its answer was lost",
		ReasonNoRefresh:    "the service gave no refresh token with it",
	}[e.Reason]
	if why == "" {
		why = "the service does not renew it"
	}
	if e.Description != "" {
		why += " (" + e.Description + ")"
	}
	return fmt.Sprintf("session expired: %s; run `%s`", why, loginCommand(e.Profile))
}

// LostResponseError is a session that ended because the answer to an earlier refresh never arrived or could not be stored
// (the connection broke, the program was killed, the disk filled up): the service had changed the refresh token by then,
// and only that answer held the new one.
type LostResponseError struct {
	SentAt time.Time
	Ended  *SessionEndedError
}

// Error says when it happened.
func (e *LostResponseError) Error() string {
	return fmt.Sprintf("session expired: the renewal sent at %s was carried out by the service, but its answer was lost "+
		"before it was stored (a broken connection, a killed program or a full disk); run `%s`", e.SentAt.UTC().Format("2006-01-02 15:04:05 MST"), loginCommand(e.Ended.Profile))
}

// Unwrap returns the *SessionEndedError that this also is.
func (e *LostResponseError) Unwrap() error { return e.Ended }

// RefreshError means that the session could not be renewed now. Nothing was lost; trying again is safe. Its cause is one
// of UnreachableError, StatusError, ResponseError, OAuthError, URLError or config's FileError.
type RefreshError struct {
	Err error
}

// Error is the cause and the consolation.
func (e *RefreshError) Error() string { return e.Err.Error() + "; the session is kept, try again" }

// Unwrap returns the cause.
func (e *RefreshError) Unwrap() error { return e.Err }

// NotSavedError means that the service renewed the session and the result could not be stored.
type NotSavedError struct {
	Profile string
	Err     error
}

// Error names the way out.
func (e *NotSavedError) Error() string {
	return fmt.Sprintf("the session was renewed but could not be stored: %v; then run `%s`", e.Err, loginCommand(e.Profile))
}

// Unwrap returns the cause.
func (e *NotSavedError) Unwrap() error { return e.Err }

func loginCommand(profile string) string {
	if profile == "" || profile == "default" {
		return "lamina login"
	}
	return "lamina login --profile " + profile
}

// clean makes text from outside fit for an error message: one line, bounded, nothing invisible.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit]) + "..."
	}
	return s
}
