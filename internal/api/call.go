package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/uselamina/lamina/internal/api/loose"
)

// A Call is a request to the service. Do sends calls for which Client has no method.
type Call struct {
	Method string
	Path   string // escaped, appended to the base URL; may be empty
	Query  url.Values
	Header http.Header
	Body   any    // encoded as JSON; nil means no body
	Accept string // media type; empty means JSON
	// Repeatable reports whether sending the call twice has the effect of sending it once. GET always is.
	Repeatable bool
	// Timeout, if not 0, replaces Client.Timeout and the time limits of slow endpoints.
	Timeout time.Duration
}

// A Response is a successful response: a status below 300 with a body of JSON, or none.
type Response struct {
	Raw       json.RawMessage
	Status    int
	Header    http.Header
	RequestID string
}

// Decode decodes the response to a call into v, as loose.Decode does. It returns an *UnexpectedError if the body does not fit.
func (r *Response) Decode(call Call, v any) error {
	if err := loose.Decode(r.Raw, v); err != nil {
		return r.Unexpected(call, "the response is not the JSON that the service documents", err)
	}
	return nil
}

// Unexpected returns the error of a response that is not what the service documents.
func (r *Response) Unexpected(call Call, reason string, err error) error {
	return &UnexpectedError{Method: call.Method, Path: call.Path, Status: r.Status, RequestID: r.RequestID, Reason: reason, Err: err}
}
