package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// A Call is one call before it is sent. What no method of Client has is called with Do.
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

// An Answer is a success: a status below 300 and JSON, or nothing.
type Answer struct {
	Raw       json.RawMessage
	Status    int
	Header    http.Header
	RequestID string
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
