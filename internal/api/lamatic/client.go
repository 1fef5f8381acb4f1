// Package lamatic calls lamatic.ai: it runs the flows of a project through the project's one GraphQL address.
package lamatic

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// executeTimeout is how long an execution may take that is answered when it is done, unless the caller knows better. It is
// what Lamatic's own SDK allows.
const executeTimeout = 2 * time.Minute

// A Client calls one project. Make one with New.
type Client struct {
	api     *api.Client
	timeout time.Duration
	// selects says that checkStatus turned out to be an object, whose fields have to be selected.
	selects atomic.Bool
}

// New returns a client of the project whose Project URL is the base URL of c. timeout bounds one execution; 0 means 2
// minutes.
func New(c *api.Client, timeout time.Duration) *Client {
	if timeout == 0 {
		timeout = executeTimeout
	}
	return &Client{api: c, timeout: timeout}
}

// A document is a GraphQL operation with one field. Values reach it only as variables: a value that is put into the text of
// a query could change what it does.
type document struct {
	field string
	query string
}

// post makes the call that sends a document.
func (d document) call(variables any) api.Call {
	body := struct {
		Query     string `json:"query"`
		Variables any    `json:"variables"`
	}{d.query, variables}
	return api.Call{Method: http.MethodPost, Body: body}
}

// do sends a call and returns what the field of its document is, not null, with the whole answer. Errors are those of
// api.Client.Do, and *FlowError.
func (c *Client) do(ctx context.Context, d document, call api.Call) (value json.RawMessage, answer *api.Answer, err error) {
	answer, err = c.api.Do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	value, problems, err := d.read(answer.Raw)
	switch {
	case err != nil:
		return nil, nil, answer.Unexpected(call, "the answer is not a GraphQL response", err)
	case len(problems) > 0:
		return nil, nil, &FlowError{Problems: problems, RequestID: answer.RequestID, Raw: answer.Raw}
	case value == nil:
		return nil, nil, answer.Unexpected(call, "the answer has neither data nor errors", nil)
	}
	return value, answer, nil
}

// read takes a GraphQL response apart: the value of the document's field, nil if there is none, and errors[].
func (d document) read(raw []byte) (value json.RawMessage, problems []Problem, err error) {
	var envelope struct {
		Data   map[string]scalar `json:"data"`
		Errors []Problem         `json:"errors"`
	}
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return nil, nil, err
	}
	return json.RawMessage(envelope.Data[d.field]), envelope.Errors, nil
}

// A scalar is a value of GraphQL's type JSON, nil for null. Lamatic sends an object as it is or inside a string.
type scalar json.RawMessage

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	var text string
	isText := json.Unmarshal(raw, &text) == nil
	switch {
	case bytes.Equal(raw, []byte("null")):
		*s = nil
	case isText && json.Valid([]byte(text)) && strings.HasPrefix(strings.TrimSpace(text), "{"):
		*s = scalar(text)
	default:
		*s = bytes.Clone(raw)
	}
	return nil
}
