package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/retry"
)

// Codes of the error envelope that this program depends on.
const (
	CodeNotFound    = "NOT_FOUND"
	CodeValidation  = "VALIDATION_ERROR"
	CodeForbidden   = "FORBIDDEN"
	CodeRateLimited = "RATE_LIMITED"
)

// An Error is a refusal: a response with an error status, or an error in a response with status 200.
type Error struct {
	Service    string // the title of the service
	Status     int
	Code       string        // the service's error code; may be empty
	Message    string        // the service's message; may hold control characters
	Retryable  bool          // the service said, or the kind implies, that a later retry may succeed
	RetryAfter time.Duration // 0 if the service named no time
	Details    []Detail
	RequestID  string
	Method     string
	Path       string
	Workspace  string        // the workspace that the request required; may be empty
	Rule       provider.Rule // what the refusal means, from the provider's table
}

// Error returns the request, the status and the message.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: the service answered %d: %s", strings.TrimSpace(e.Method+" "+e.Path), e.Status, e.Message)
}

// RetryTime returns RetryAfter in words.
func (e *Error) RetryTime() string {
	if e.RetryAfter >= retry.MaxAfter { // the service named this time or a longer one
		return fmt.Sprintf("%d days or more", retry.MaxAfter/(24*time.Hour))
	}
	return e.RetryAfter.String()
}

// A Kind is a reason why no complete response arrived.
type Kind string

// The kinds of an UnreachableError.
const (
	DNS         Kind = "dns"         // the host name is unknown
	Refused     Kind = "refused"     // the connection was refused
	TLS         Kind = "tls"         // the certificate is not trusted, or the server does not use TLS
	Timeout     Kind = "timeout"     // the service did not respond in time
	Cut         Kind = "cut"         // the connection ended before the response was complete
	Interrupted Kind = "interrupted" // the caller cancelled the request
	Network     Kind = "network"     // another network failure, such as no route
	Other       Kind = "other"       // not a network failure: the request could not be sent
)

// NeverSent reports whether the service certainly did not receive the request.
func (k Kind) NeverSent() bool { return k == DNS || k == Refused || k == TLS }

// isTransient reports whether the same request is likely to succeed a moment later.
func (k Kind) isTransient() bool { return k == DNS || k == Refused || k == Cut }

// An UnreachableError means that no complete response arrived.
type UnreachableError struct {
	BaseURL string
	Kind    Kind
	Err     error
}

// Error returns the service and the cause.
func (e *UnreachableError) Error() string { return fmt.Sprintf("%s: %v", e.BaseURL, e.Err) }

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// An UnexpectedError is a response that is not one of the API, such as the page of a proxy.
type UnexpectedError struct {
	Method    string
	Path      string
	Status    int
	Reason    string
	RequestID string
	Err       error
}

// Error returns the request and the reason.
func (e *UnexpectedError) Error() string {
	return strings.TrimSpace(e.Method+" "+e.Path) + ": " + e.Reason
}

// Unwrap returns the cause.
func (e *UnexpectedError) Unwrap() error { return e.Err }

// Unreachable returns the *UnreachableError for an error of an http.Client. It removes the *url.Error of net/http, which
// contains the whole URL. It returns an error of the credential unchanged, because the network is not its cause.
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

// cutOff is Unreachable for an error while a response was read: an error of kind Other is a cut there.
func cutOff(ctx context.Context, baseURL string, err error) error {
	kind := kindOf(ctx, err)
	if kind == Other {
		kind = Cut
	}
	return &UnreachableError{BaseURL: baseURL, Kind: kind, Err: err}
}

// The numbers of network errors on Windows. There, syscall.ECONNREFUSED and the like are invented numbers that the network
// never returns.
const (
	wsaConnAborted = syscall.Errno(10053)
	wsaConnReset   = syscall.Errno(10054)
	wsaConnRefused = syscall.Errno(10061)
)

func kindOf(ctx context.Context, err error) Kind {
	var (
		dns    *net.DNSError
		netErr net.Error
		op     *net.OpError
	)
	is := func(errnos ...error) bool {
		return slices.ContainsFunc(errnos, func(e error) bool { return errors.Is(err, e) })
	}
	switch {
	case errors.Is(context.Cause(ctx), errSilence):
		return Timeout
	case errors.Is(ctx.Err(), context.Canceled):
		return Interrupted
	case errors.As(err, &dns) && !dns.IsTimeout:
		return DNS
	case is(syscall.ECONNREFUSED, wsaConnRefused):
		return Refused
	case retry.Untrusted(err):
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

// isHTTP reports whether err is an error type of net/http. The types of HTTP/2 are not exported, so only their package
// distinguishes them from the errors of another transport.
func isHTTP(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if pkg := reflect.TypeOf(err).PkgPath(); strings.HasPrefix(pkg, "net/http") || pkg == "net/textproto" {
			return true
		}
	}
	return false
}

// refusal returns the error of a response with an error status.
func (c *Client) refusal(req Call, resp *http.Response) error {
	raw, cut := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	e, hasForm := c.ReadRefusal(req, resp.StatusCode, resp.Header, raw)
	switch {
	case resp.StatusCode < 400:
		return &UnexpectedError{
			Method: req.Method, Path: req.Path, Status: resp.StatusCode, RequestID: e.RequestID,
			Reason: fmt.Sprintf("the service answered with a redirect (%s), which the API never does", resp.Status),
		}
	case hasForm:
	case resp.StatusCode == http.StatusTooManyRequests:
		e.Message = cmp.Or(firstLine(raw), e.Message)
	case retry.Passing(resp.StatusCode):
	case len(raw) > 0 && cut == nil && !json.Valid(raw):
		return notJSON(req, resp, raw)
	}
	return e
}

// ReadRefusal returns the error of a refusal, by the provider's table, and reports whether the body has the form of the provider's
// refusals.
func (c *Client) ReadRefusal(req Call, status int, header http.Header, body []byte) (e *Error, hasForm bool) {
	p := c.Provider
	if p.Name == "" {
		p = provider.Lamina()
	}
	r, hasForm := p.Errors.Read(body)
	var more errorFields
	_ = json.Unmarshal(body, &more) // fields of another type are left out
	e = &Error{
		Service: p.Title, Status: status, Code: r.Code, Message: r.Message, Details: ParseDetails(more.Details),
		RequestID:  cmp.Or(r.RequestID, header.Get(p.Errors.RequestIDHeader), header.Get("X-Request-Id")),
		RetryAfter: cmp.Or(more.retryAfter(), retry.After(header, c.now())), Method: req.Method, Path: req.Path, Workspace: c.Workspace,
		Rule: p.Classify(status, r.Code),
	}
	if e.Rule.Kind == provider.RateLimited && e.RetryAfter == 0 {
		e.RetryAfter = untilReset(header.Get(p.RateLimit.Reset), c.now())
	}
	e.Message = cmp.Or(e.Message, e.Rule.Explanation, http.StatusText(status), "no reason given")
	if status == http.StatusTooManyRequests {
		e.Code = cmp.Or(e.Code, CodeRateLimited)
	}
	e.Retryable = e.IsTransient() && status != http.StatusNotImplemented
	if more.Retryable != nil {
		e.Retryable = *more.Retryable || e.Rule.Kind == provider.RateLimited
	}
	if c.Refine != nil {
		c.Refine(e, header, body)
	}
	return e, hasForm
}

// IsTransient reports whether the refusal ends by itself: the service fails, or there were too many requests.
func (e *Error) IsTransient() bool {
	return e.Rule.Kind == provider.Unavailable || e.Rule.Kind == provider.RateLimited
}

// errorFields are the fields of a refusal that have the same meaning for all services.
type errorFields struct {
	Retryable  *bool           `json:"retryable"`
	RetryAfter json.Number     `json:"retryAfter"`
	Details    json.RawMessage `json:"details"`
}

func (f errorFields) retryAfter() time.Duration {
	delay, _ := retry.Seconds(f.RetryAfter.String())
	return delay
}

// untilReset returns the time until the end of a rate limit in Unix seconds, at most an hour, or 0 if value is invalid.
func untilReset(value string, now time.Time) time.Duration {
	reset, err := strconv.ParseInt(value, 10, 64)
	if errors.Is(err, strconv.ErrRange) && reset > 0 {
		return time.Hour
	}
	if err != nil {
		return 0
	}
	return max(0, min(time.Unix(reset, 0).Sub(now).Round(time.Second), time.Hour))
}

// notJSON returns the error of a response that is not one of the API.
func notJSON(req Call, resp *http.Response, raw []byte) error {
	what := "something that is not JSON"
	if strings.Contains(resp.Header.Get("Content-Type"), "html") || strings.HasPrefix(strings.TrimSpace(string(raw[:min(len(raw), 64)])), "<") {
		what = "a web page"
	}
	return &UnexpectedError{
		Method: req.Method, Path: req.Path, Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"),
		Reason: fmt.Sprintf("the response (%s) is %s, not the API's", resp.Status, what),
	}
}

// firstLine returns the first line of a text, at most 200 bytes, or "" if it is HTML.
func firstLine(raw []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(raw[:min(len(raw), 200)])), "\n")
	if strings.HasPrefix(line, "<") {
		return ""
	}
	return strings.ToValidUTF8(line, "") // the cut may be in the middle of a rune
}

// IsNotFound reports whether an error is a refusal with status 404.
func IsNotFound(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}

// MayHaveRun reports whether a request may have been carried out although no response of the service says so: the response was lost, a
// gateway did not wait for it, or a success is not one that the API documents.
func MayHaveRun(err error) bool {
	var lost *UnreachableError
	var refused *Error
	var unexpected *UnexpectedError
	switch {
	case errors.As(err, &lost):
		return !lost.Kind.NeverSent() && lost.Kind != Other && lost.Kind != Interrupted
	case errors.As(err, &refused):
		return refused.Status == http.StatusBadGateway || refused.Status == http.StatusGatewayTimeout
	case errors.As(err, &unexpected):
		return unexpected.Status < 300
	}
	return false
}
