package auth

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// UnreachableError means that no response was received: DNS, TLS, a refused or broken connection, or a timeout.
type UnreachableError struct {
	Doing string // the operation, such as "refresh the session"
	Host  string
	Err   error
	sent  bool // the request was sent in full, so the service may have carried it out
}

// Error describes the problem.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot %s: %s could not be reached (%v)", e.Doing, e.Host, e.Err)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// StatusError means that a response has an error status but is no OAuth error: 5xx, 429, a redirect, the page of a proxy.
type StatusError struct {
	Doing      string
	Host       string
	Status     int
	RetryAfter time.Duration // 0 if the response does not say
}

// Error describes the problem.
func (e *StatusError) Error() string {
	return fmt.Sprintf("cannot %s: %s answered %d %s", e.Doing, e.Host, e.Status, http.StatusText(e.Status))
}

// ResponseError means that a successful response has unusable content.
type ResponseError struct {
	Doing  string
	Host   string
	Detail string // continues "the response of HOST"
}

// Error describes the problem.
func (e *ResponseError) Error() string {
	return fmt.Sprintf("cannot %s: the response of %s %s", e.Doing, e.Host, e.Detail)
}

// OAuthError is an error response of the authorization server (RFC 6749 sections 4.1.2.1 and 5.2, RFC 7591 section 3.2.2).
type OAuthError struct {
	Doing       string
	Code        string // such as invalid_grant
	Description string // the server's text: bounded, without control characters; may be empty
	Status      int    // 0 for an authorization response, which comes through the browser
}

// Error describes the problem and quotes the server.
func (e *OAuthError) Error() string {
	if e.Description == "" {
		return fmt.Sprintf("cannot %s: the service refused (%s)", e.Doing, e.Code)
	}
	return fmt.Sprintf("cannot %s: the service refused (%s: %s)", e.Doing, e.Code, e.Description)
}

// ClientRefusedError means that the authorization server does not accept a client that the user named, or its redirect URI.
type ClientRefusedError struct {
	Doing       string
	Host        string
	ClientID    string
	RedirectURI string // empty for a device code
	Code        string // the error code; may be empty
	Description string // the server's text; may be empty
	Status      int    // of the response; 0 if it was no error status
}

// Error describes the problem and quotes the server.
func (e *ClientRefusedError) Error() string {
	text := fmt.Sprintf("cannot %s: %s does not accept the client ID %s", e.Doing, cmp.Or(e.Host, "the service"), e.ClientID)
	if e.RedirectURI != "" {
		text += " with the redirect URI " + e.RedirectURI
	}
	switch {
	case e.Code != "" && e.Description != "":
		text += " (" + e.Code + ": " + e.Description + ")"
	case e.Code != "":
		text += " (" + e.Code + ")"
	case e.Status != 0:
		text += " (" + statusText(e.Status) + ")"
	}
	return text
}

// statusText returns the number and the name of a status.
func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// DeniedError means that the user or the service denied the sign-in.
type DeniedError struct {
	Description string // the server's text; may be empty
}

// Error describes the problem.
func (e *DeniedError) Error() string {
	if e.Description == "" {
		return "the sign-in was declined in the browser"
	}
	return fmt.Sprintf("the sign-in was declined in the browser (%s)", e.Description)
}

// ExpiredError means that a device code was not approved in time.
type ExpiredError struct{}

// Error describes the problem.
func (*ExpiredError) Error() string { return "the code expired before the sign-in was approved" }

// TimeoutError means that the user did not finish the sign-in in the browser in time.
type TimeoutError struct {
	After time.Duration
}

// Error describes the problem.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the sign-in was not finished within %s", e.After)
}

// PortError means that the port of the client's redirect URI is not available on this machine.
type PortError struct {
	Port string
	Err  error
}

// Error describes the problem.
func (e *PortError) Error() string {
	return fmt.Sprintf("cannot listen on port %s, which the client's redirect URI names: %v", e.Port, listenCause(e.Err))
}

// Unwrap returns the cause.
func (e *PortError) Unwrap() error { return e.Err }

// ListenError means that this machine does not allow listening on 127.0.0.1, on any port.
type ListenError struct {
	Err error
}

// Error describes the problem.
func (e *ListenError) Error() string {
	return fmt.Sprintf("cannot listen for the browser on 127.0.0.1: %v", listenCause(e.Err))
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// listenCause removes the address from an error of package net, because the callers' messages name it.
func listenCause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// MetadataError means that the authorization server's metadata (RFC 8414) must not be trusted.
type MetadataError struct {
	URL    string
	Issuer string // the issuer that third-party metadata names in place of the expected one; may be empty
	Detail string
}

// Error describes the problem.
func (e *MetadataError) Error() string {
	return fmt.Sprintf("the authorization server's metadata at %s is refused: %s", e.URL, e.Detail)
}

// NotOfferedError means that the service does not have the required endpoint.
type NotOfferedError struct {
	Host    string
	What    string
	Instead Method // what the service offers instead; empty if unknown
}

// A Method is a way to sign in.
type Method string

// The methods of NotOfferedError.
const (
	InBrowser  Method = "browser"
	WithDevice Method = "device"
	WithKey    Method = "key"
)

// Error describes the problem.
func (e *NotOfferedError) Error() string { return fmt.Sprintf("%s does not offer %s", e.Host, e.What) }

// RegistrationError means that a third-party authorization server does not register this program as a client. The cause is
// an error of Register. The user can register a client there and name its id.
type RegistrationError struct {
	Err error
}

// Error returns the message of the cause.
func (e *RegistrationError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *RegistrationError) Unwrap() error { return e.Err }

// NotSignedInError means that a profile has no credential.
type NotSignedInError struct {
	Profile string // "" means the default profile
	Err     error  // why there can be none, such as *config.NoHomeError; may be nil
}

// Unwrap returns the cause.
func (e *NotSignedInError) Unwrap() error { return e.Err }

// Error describes the problem.
func (e *NotSignedInError) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("not signed in to profile %s", profileName(e.Profile))
}

// A Reason says why a session has ended.
type Reason string

// The reasons, as they are stored.
const (
	ReasonUnused       Reason = "unused"      // the refresh token was not used for 30 days
	ReasonRefused      Reason = "refused"     // revoked, or its refresh token was used elsewhere; the service does not say which
	ReasonLostResponse Reason = "lost-answer" // see LostResponseError
	ReasonNoRefresh    Reason = "no-refresh"  // the service issued no refresh token
	// ReasonUnknownClient means that the service does not accept the client id. The next sign-in registers a new client.
	ReasonUnknownClient Reason = "unknown-client"
	ReasonRejected      Reason = "rejected"  // refused for any other reason, which the service names
	ReasonNoServer      Reason = "no-server" // the record does not name the server of the tokens, or names two
)

// SessionEndedError means that a session has ended, and that the user must sign in again. The stored credential is kept and
// marked as ended.
type SessionEndedError struct {
	Profile     string // "" means the default profile
	Reason      Reason
	Description string // the server's text; may be empty
}

// Error describes the problem.
func (e *SessionEndedError) Error() string {
	why := "the service does not refresh it"
	switch e.Reason {
	case ReasonUnused:
		why = "it was not used for 30 days"
	case ReasonRefused:
		why = "it was revoked, or its refresh token was used elsewhere"
	case ReasonLostResponse:
		why = "the response to a refresh was lost"
	case ReasonNoRefresh:
		why = "the service issued no refresh token"
	case ReasonUnknownClient:
		why = "the service does not accept the client of this session"
	case ReasonRejected:
		why = "the service refuses to refresh it"
	case ReasonNoServer:
		why = "its record does not say which server its tokens belong to, so that they are sent to none"
	}
	if e.Description != "" {
		why += " (" + e.Description + ")"
	}
	return "session expired: " + why
}

// LostResponseError is the end of a session because the response to an earlier refresh was not received or could not be
// stored: the connection broke, the program was killed, or the disk was full. The service had replaced the refresh token,
// and only that response contained the new one.
type LostResponseError struct {
	SentAt time.Time
	Ended  *SessionEndedError
}

// Error describes the problem.
func (e *LostResponseError) Error() string {
	return fmt.Sprintf("session expired: the service carried out the refresh sent at %s, but its response was lost before it "+
		"was stored (a broken connection, a killed program or a full disk)", e.SentAt.UTC().Format("2006-01-02 15:04:05 MST"))
}

// Unwrap returns Ended.
func (e *LostResponseError) Unwrap() error { return e.Ended }

// RefreshError means that the session could not be refreshed now. The session is kept and a later refresh may succeed. The
// cause is an UnreachableError, a ResponseError, a safeurl.Error, a config.FileError, or a StatusError or OAuthError that is no refusal.
type RefreshError struct {
	Err error
}

// Error describes the problem.
func (e *RefreshError) Error() string { return e.Err.Error() + "; the session is kept" }

// Unwrap returns the cause.
func (e *RefreshError) Unwrap() error { return e.Err }

// NotSavedError means that the service refreshed the session, and that the result could not be stored. The session is lost.
type NotSavedError struct {
	Profile string // "" means the default profile
	Err     error
}

// Error describes the problem.
func (e *NotSavedError) Error() string {
	return fmt.Sprintf("the session was refreshed, but the result could not be stored: %v", e.Err)
}

// Unwrap returns the cause.
func (e *NotSavedError) Unwrap() error { return e.Err }

// clean makes text of another program safe for an error message: one line, bounded, without control characters.
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
