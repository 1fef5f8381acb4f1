package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
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
	Code       string // of the envelope; empty if the answer had none
	Message    string // the service's words; not safe for a terminal as they are
	Retryable  bool
	RetryAfter time.Duration // 0 if the service named no time
	Details    []Detail
	RequestID  string
	Method     string
	Path       string
	Workspace  string // that the request insisted on; empty if it did not
}

// Error says what was refused and why.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: the service answered %d: %s", e.Method, e.Path, e.Status, e.Message)
}

// A Detail is one problem with one input.
type Detail struct {
	Field   string   `json:"field,omitempty"`
	Code    string   `json:"code,omitempty"`
	Message string   `json:"message"`
	Allowed []string `json:"allowed,omitempty"`
}

// Kind tells apart the ways in which no answer arrives.
type Kind string

// The kinds of an UnreachableError.
const (
	DNS         Kind = "dns"         // the host name is unknown
	Refused     Kind = "refused"     // nothing listens there
	TLS         Kind = "tls"         // the certificate was not trusted, or no TLS is spoken
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
func (e *UnexpectedError) Error() string { return fmt.Sprintf("%s %s: %s", e.Method, e.Path, e.Reason) }

// Unwrap returns the cause.
func (e *UnexpectedError) Unwrap() error { return e.Err }

// unreachable classifies an error of the transport. What a transport below had to say (no credential, session over)
// stays in the chain.
func unreachable(ctx context.Context, baseURL string, err error) error {
	return &UnreachableError{BaseURL: baseURL, Kind: kindOf(ctx, err), Err: err}
}

func kindOf(ctx context.Context, err error) Kind {
	var (
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		record  tls.RecordHeaderError
		netErr  net.Error
		op      *net.OpError
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return Interrupted
	case errors.As(err, &dns) && !dns.IsTimeout:
		return DNS
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &record):
		return TLS
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return Timeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Cut
	case errors.As(err, &op):
		return Network
	}
	return Other
}

// refusal turns an answer with an error status into an error.
func refusal(req request, resp *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	e := &Error{
		Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"),
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()), Method: req.method, Path: req.path,
		Workspace: resp.Request.Header.Get(workspaceHeader),
	}
	parsed := e.parse(raw)
	switch {
	case resp.StatusCode < 400:
		return &UnexpectedError{
			Method: req.method, Path: req.path, Status: resp.StatusCode, RequestID: e.RequestID,
			Reason: fmt.Sprintf("the service answered with a redirect (%s), which the API never does", resp.Status),
		}
	case parsed:
	case resp.StatusCode == http.StatusTooManyRequests:
		e.Code, e.Retryable, e.Message = CodeRateLimited, true, firstLine(raw)
	case resp.StatusCode < 500:
		return notJSON(req, resp, raw)
	}
	if e.Message == "" {
		e.Message = http.StatusText(resp.StatusCode)
	}
	return e
}

// parse reads the error envelope, and reports whether the body is one.
func (e *Error) parse(raw []byte) bool {
	var body ErrorBody
	if json.Unmarshal(raw, &body) != nil || body.Error == "" && body.Code == "" {
		return false
	}
	e.Message, e.Code, e.Retryable, e.Details = body.Error, body.Code, body.Retryable, ParseDetails(body.Details)
	if body.RequestID != "" {
		e.RequestID = body.RequestID
	}
	if body.RetryAfter > 0 {
		e.RetryAfter = time.Duration(min(body.RetryAfter, 1<<20)) * time.Second
	}
	return true
}

// ParseDetails reads the details of an error in each of the shapes that the service is known to send: an array of
// strings, an array of objects, or an object with a nested array of errors.
func ParseDetails(raw json.RawMessage) []Detail {
	var texts []string
	if json.Unmarshal(raw, &texts) == nil {
		details := make([]Detail, len(texts))
		for i, text := range texts {
			details[i].Message = text
		}
		return details
	}
	type object struct {
		Field, Name, Path, Code, Message string
		Error                            string
		Allowed                          []any
	}
	var objects []object
	if json.Unmarshal(raw, &objects) != nil {
		var nested struct {
			Errors  []object
			Details struct{ Errors []object }
		}
		if json.Unmarshal(raw, &nested) != nil {
			return nil
		}
		objects = slices.Concat(nested.Errors, nested.Details.Errors)
	}
	var details []Detail
	for _, o := range objects {
		d := Detail{Field: firstOf(o.Field, o.Name, o.Path), Code: o.Code, Message: firstOf(o.Message, o.Error)}
		for _, a := range o.Allowed {
			d.Allowed = append(d.Allowed, fmt.Sprint(a))
		}
		details = append(details, d)
	}
	return details
}

// notJSON describes an answer that is not the API's.
func notJSON(req request, resp *http.Response, raw []byte) error {
	what := "something that is not JSON"
	if strings.Contains(resp.Header.Get("Content-Type"), "html") || strings.HasPrefix(strings.TrimSpace(string(raw[:min(len(raw), 64)])), "<") {
		what = "a web page"
	}
	return &UnexpectedError{
		Method: req.method, Path: req.path, Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"),
		Reason: fmt.Sprintf("the answer (%s) is %s, not the API's", resp.Status, what),
	}
}

// retryAfter reads the header of that name: seconds or a date (RFC 9110 §10.2.3). It returns 0 for anything else.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
		return time.Duration(max(0, min(seconds, 1<<20))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now).Round(time.Second))
	}
	return 0
}

func firstLine(raw []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(raw[:min(len(raw), 200)])), "\n")
	if strings.HasPrefix(line, "<") {
		return ""
	}
	return line
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
