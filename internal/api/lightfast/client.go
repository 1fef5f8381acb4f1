// Package lightfast is the client of Lightfast's search API. The API has changed shape several times; see Generation.
package lightfast

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/uselamina/lamina/internal/api"
)

// A Generation is one of the shapes that the API has had, from the oldest, a, to the newest, e. It decides what is asked and
// how. Answers are read in every shape, whatever was asked for.
type Generation string

// The generations.
const (
	A Generation = "a" // https://api.lightfast.ai/v1: search, contents, similar
	B Generation = "b" // with X-Workspace-ID and nested filters
	C Generation = "c" // answers in data and meta
	D Generation = "d" // the documented one; empty means this one
	E Generation = "e" // no search
)

// A Client calls the API.
type Client struct {
	API        *api.Client
	Generation Generation
}

// An UnsupportedError means that something was asked for which the generation does not have. Nothing was sent.
type UnsupportedError struct {
	Generation Generation
	What       string // such as "search" or "filter by actor"
}

// Error says what there is not.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("generation %s of Lightfast's API has no %s", e.Generation, e.What)
}

func (c *Client) generation() Generation {
	if c.Generation == "" {
		return D
	}
	return c.Generation
}

// searches refuses the generation that only tells whether a key is good.
func (c *Client) searches() error {
	if c.generation() == E {
		return &UnsupportedError{E, "search"}
	}
	return nil
}

// post asks for something, which changes nothing and so may be asked twice, and reads the answer.
func post[T any](ctx context.Context, c *Client, path string, body any, read func(json.RawMessage) (T, error)) (T, error) {
	call := api.Call{Method: http.MethodPost, Path: path, Body: body, Repeatable: true}
	answer, err := c.API.Do(ctx, call)
	if err != nil {
		var none T
		return none, err
	}
	v, err := read(answer.Raw)
	if err != nil {
		err = answer.Unexpected(call, "the answer has none of the shapes that Lightfast's API has had", err)
	}
	return v, err
}
