// Package lamatic is the client of Lamatic. It runs the workflows of a project through the GraphQL address of the project.
package lamatic

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/uselamina/lamina/internal/api"
)

// A Client calls one project. New returns one.
type Client struct {
	api *api.Client
	// isObject is set once checkStatus turned out to be an object, of which a query must select the fields.
	isObject atomic.Bool
}

// New returns a client of the project that has the base URL of c as its Project URL.
func New(c *api.Client) *Client { return &Client{api: c} }

// A document is a GraphQL operation with one field. Values are passed only as variables, because a value inside the text of a query
// could change the query.
type document struct {
	field string
	query string
}

// call returns the call that sends a document.
func (d document) call(variables any) api.Call {
	body := struct {
		Query     string `json:"query"`
		Variables any    `json:"variables"`
	}{d.query, variables}
	return api.Call{Method: http.MethodPost, Body: body}
}

// send sends a call. It returns the value of the document's field, which is not null, and the whole response. Errors: those of
// api.Client.Do, and *FlowError.
func (c *Client) send(ctx context.Context, d document, call api.Call) (value json.RawMessage, resp *api.Response, err error) {
	resp, err = c.api.Do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	value, problems, err := d.read(resp.Raw)
	switch {
	case err != nil:
		return nil, nil, resp.Unexpected(call, "the response is not a GraphQL response", err)
	case len(problems) > 0:
		return nil, nil, &FlowError{Problems: problems, RequestID: resp.RequestID, Raw: resp.Raw}
	case value == nil:
		return nil, nil, resp.Unexpected(call, "the response has neither data nor errors", nil)
	}
	return value, resp, nil
}

// read decodes a GraphQL response: the value of the document's field, nil if there is none, and errors[].
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
