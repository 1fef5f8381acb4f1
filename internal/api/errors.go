package api

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/uselamina/lamina/internal/api/loose"
	"github.com/uselamina/lamina/internal/retry"
)

// Codes of the error envelope that callers branch on.
const (
	CodeNotFound    = "NOT_FOUND"
	CodeValidation  = "VALIDATION_ERROR"
	CodeForbidden   = "FORBIDDEN"
	CodeRateLimited = "RATE_LIMITED"
)

// An Error is an answer of the service that says no.
type Error struct {
	Status     int
	Code       string // of the envelope; empty if the answer had none, but always set for status 429
	Message    string // the service's words; not safe for a terminal as they are
	Retryable  bool
	RetryAfter time.Duration // 0 if the service named no time
	Details    []Detail
	RequestID  string
	Method     string
	Path       string
	Workspace  string // that the request insisted on; empty if it did not

	// What follows is set for services that are not Lamina, by Client.ReadRefusal.

	Service string // the service's title
	Cause   string // what the refusal means, a provider.Meaning
	Says    string // what a person should know of it
	Try     string // what helps
	Final   bool   // the same request will not succeed soon: it is not repeated
}

// Error says what was refused and why.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: the service answered %d: %s", e.Method, e.Path, e.Status, e.Message)
}

// Kind tells apart the ways in which no answer arrives.
type Kind string

// The kinds of an UnreachableError.
const (
	DNS         Kind = "dns"         // the host name is unknown
	Refused     Kind = "refused"     // nothing listens there
	TLS         Kind = "tls"         // the certificate was not trusted, or no TLS is spoken there
	Timeout     Kind = "timeout"     // too slow
	Cut         Kind = "cut"         // the connection ended before the answer was complete
	Interrupted Kind = "interrupted" // the caller gave up
	Network     Kind = "network"     // any other fault of the network, such as no route
	Other       Kind = "other"       // not of the network: the request could not be made
)

// NeverSent reports whether the service cannot have seen the request.
func (k Kind) NeverSent() bool { return k == DNS || k == Refused || k == TLS }

// passing reports whether the same request may well succeed in a moment.
func (k Kind) passing() bool { return k == DNS || k == Refused || k == Cut }

// An UnreachableError means that no complete answer came.
type UnreachableError struct {
	BaseURL string
	Kind    Kind
	Err     error
}

// Error says which service could not be reached, and why.
func (e *UnreachableError) Error() string { return fmt.Sprintf("%s: %v", e.BaseURL, e.Err) }

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// An UnexpectedError means that something answered, but not the API: a web page, a proxy, garbage.
type UnexpectedError struct {
	Method    string
	Path      string
	Status    int
	Reason    string
	RequestID string
	Err       error
}

// Error says what was wrong with the answer.
func (e *UnexpectedError) Error() string {
	return strings.TrimSpace(e.Method+" "+e.Path) + ": " + e.Reason
}

// Unwrap returns the cause.
func (e *UnexpectedError) Unwrap() error { return e.Err }

// Unreachable converts an error of http.Client.Do to an *UnreachableError, and removes net/http's wrapping, which repeats
// the whole URL with its query. An error of the credential is returned as it is: the network is not its cause.
func Unreachable(ctx context.Context, baseURL string, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if lacksCredential(err) {
		return err
	}
	return &UnreachableError{BaseURL: baseURL, Kind: kindOf(ctx, err), Err: err}
}

// lacksCredential reports whether a request failed because the transport had no valid credential for it. The type of such
// an error is auth.CredentialError; this package does not import auth.
func lacksCredential(err error) bool {
	var lacking interface {
		error
		LacksCredential() bool
	}
	return errors.As(err, &lacking) && lacking.LacksCredential()
}

// cutOff is Unreachable for an error in the middle of an answer, where all that is not something else is a cut.
func cutOff(ctx context.Context, baseURL string, err error) error {
	kind := kindOf(ctx, err)
	if kind == Other {
		kind = Cut
	}
	return &UnreachableError{BaseURL: baseURL, Kind: kind, Err: err}
}

// How Windows names what syscall.ECONNREFUSED and its like are elsewhere: there, those are invented numbers that the
// network never returns.
const (
	wsaConnAborted = syscall.Errno(10053)
	wsaConnReset   = syscall.Errno(10054)
	wsaConnRefused = syscall.Errno(10061)
)

func kindOf(ctx context.Context, err error) Kind {
	var (
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		record  tls.RecordHeaderError
		netErr  net.Error
		op      *net.OpError
	)
	is := func(errnos ...error) bool {
		return slices.ContainsFunc(errnos, func(e error) bool { return errors.Is(err, e) })
	}
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		return Timeout
	case errors.Is(ctx.Err(), context.Canceled):
		return Interrupted
	case errors.As(err, &dns) && !dns.IsTimeout:
		return DNS
	case is(syscall.ECONNREFUSED, wsaConnRefused):
		return Refused
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &record), is(http.ErrSchemeMismatch):
		return TLS
	case is(context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return Timeout
	case is(io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, wsaConnReset, wsaConnAborted), isHTTP(err):
		return Cut
	case errors.As(err, &op):
		return Network
	}
	return Other
}

// isHTTP reports whether err is the standard library's own account of an answer that broke off. Those of HTTP/2 have no
// exported name, and their package is all that tells them from the errors of a transport below.
func isHTTP(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if pkg := reflect.TypeOf(err).PkgPath(); strings.HasPrefix(pkg, "net/http") || pkg == "net/textproto" {
			return true
		}
	}
	return false
}

// refusal turns an answer with an error status into an error.
func (c *Client) refusal(req Call, resp *http.Response) error {
	raw, cut := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	e := &Error{
		Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"),
		RetryAfter: retry.After(resp.Header, c.now()), Method: req.Method, Path: req.Path, Workspace: c.Workspace,
	}
	read := func(e *Error, _ http.Header, body []byte) bool { return e.parse(body) }
	if c.ReadRefusal != nil {
		read = c.ReadRefusal
	}
	parsed := read(e, resp.Header, raw)
	limited := resp.StatusCode == http.StatusTooManyRequests
	switch {
	case resp.StatusCode < 400:
		return &UnexpectedError{
			Method: req.Method, Path: req.Path, Status: resp.StatusCode, RequestID: e.RequestID,
			Reason: fmt.Sprintf("the service answered with a redirect (%s), which the API never does", resp.Status),
		}
	case parsed:
	case limited:
		e.Message = firstLine(raw)
	case resp.StatusCode >= 500:
		e.Retryable = resp.StatusCode != http.StatusNotImplemented
	case len(raw) > 0 && cut == nil && !json.Valid(raw):
		return notJSON(req, resp, raw)
	}
	if limited {
		e.Code, e.Retryable = cmp.Or(e.Code, CodeRateLimited), true
	}
	e.Message = cmp.Or(e.Message, http.StatusText(resp.StatusCode), "no reason given")
	return e
}

// parse reads the error envelope and reports whether the body is one. A field of another type is left out.
func (e *Error) parse(raw []byte) bool {
	var body ErrorBody
	if err := loose.Unmarshal(raw, &body); err != nil || body.Error == "" && body.Code == "" {
		return false
	}
	e.Message, e.Code, e.Retryable, e.Details = body.Error, body.Code, body.Retryable, ParseDetails(body.Details)
	if body.RequestID != "" {
		e.RequestID = body.RequestID
	}
	if body.RetryAfter > 0 {
		e.RetryAfter = time.Duration(min(body.RetryAfter, int(retry.MaxAfter/time.Second))) * time.Second
	}
	return true
}

// notJSON describes an answer that is not the API's.
func notJSON(req Call, resp *http.Response, raw []byte) error {
	what := "something that is not JSON"
	if strings.Contains(resp.Header.Get("Content-Type"), "html") || strings.HasPrefix(strings.TrimSpace(string(raw[:min(len(raw), 64)])), "<") {
		what = "a web page"
	}
	return &UnexpectedError{
		Method: req.Method, Path: req.Path, Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"),
		Reason: fmt.Sprintf("the answer (%s) is %s, not the API's", resp.Status, what),
	}
}

func firstLine(raw []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(raw[:min(len(raw), 200)])), "\n")
	if strings.HasPrefix(line, "<") {
		return ""
	}
	return strings.ToValidUTF8(line, "") // the cut may be in the middle of a rune
}
