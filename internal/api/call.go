package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// A Call is a request that no method of Client has: to any address of Lamina, or to another service.
type Call struct {
	Method string
	Path   string // escaped, appended to the base URL; may be empty
	Query  url.Values
	Header http.Header
	Body   any // sent as JSON; nil: no body. A json.RawMessage is sent as it is
	Accept string
	// Repeatable says that doing it twice is the same as once. GET always is.
	Repeatable bool
	// Timeout, if not 0, replaces Client.Timeout.
	Timeout time.Duration
}

func (r Call) request() request {
	return request{
		method: r.Method, path: r.Path, query: r.Query, body: r.Body, accept: r.Accept, header: r.Header, repeatable: r.Repeatable, timeout: r.Timeout,
	}
}

// An Answer is a success: a status below 300 and JSON, or nothing.
type Answer struct {
	Raw       json.RawMessage
	Status    int
	Header    http.Header
	RequestID string
}

// Do sends a call, again if it failed in a way that makes this safe. Errors: *Error, *UnreachableError, *UnexpectedError.
func (c *Client) Do(ctx context.Context, r Call) (*Answer, error) {
	got, err := c.fetch(ctx, r.request())
	if err != nil {
		return nil, err
	}
	return &Answer{Raw: got.raw, Status: got.status, Header: got.header, RequestID: got.requestID}, nil
}

// Decode reads the answer to a call as JSON into v. A body of another shape is an *UnexpectedError.
func (a *Answer) Decode(r Call, v any) error {
	if err := json.Unmarshal(a.Raw, v); err != nil {
		return a.Unexpected(r, "the answer is not the JSON that the service documents", err)
	}
	return nil
}

// Unexpected is the error of an answer that is not what the service documents.
func (a *Answer) Unexpected(r Call, reason string, err error) error {
	return &UnexpectedError{Method: r.Method, Path: r.Path, Status: a.Status, RequestID: a.RequestID, Reason: reason, Err: err}
}

// Open sends a call once and returns the response as it begins, for streams. The caller closes its body, and bounds its
// time by ctx. Errors are those of Do.
func (c *Client) Open(ctx context.Context, r Call) (*http.Response, error) {
	return c.send(ctx, r.request())
}
