// Package lightfast is the client of Lightfast's search API. The API has changed shape several times; see Generation.
package lightfast

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/uselamina/lamina/internal/api"
)

// A Generation is a version of the API, from the oldest, a, to the newest, e. It determines the paths and bodies of requests.
// Responses are accepted in the form of every generation.
type Generation string

// The generations.
const (
	A Generation = "a" // https://api.lightfast.ai/v1: search, contents, similar
	B Generation = "b" // with X-Workspace-ID and nested filters
	C Generation = "c" // responses in data and meta
	D Generation = "d" // the documented one, and the default
	E Generation = "e" // no search
)

// A Client calls the API.
type Client struct {
	API        *api.Client
	Generation Generation
}

// An UnsupportedError means that the generation does not have a feature. Nothing was sent.
type UnsupportedError struct {
	Generation Generation
	What       string // such as "search" or "filter by actor"
}

// Error returns the generation and the feature.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("generation %s of Lightfast's API has no %s", e.Generation, e.What)
}

func (c *Client) generation() Generation {
	if c.Generation == "" {
		return D
	}
	return c.Generation
}

// checkSearch returns an *UnsupportedError for the generation that can only check a key.
func (c *Client) checkSearch() error {
	if c.generation() == E {
		return &UnsupportedError{E, "search"}
	}
	return nil
}

// post sends a query, which may be repeated because it changes nothing, and decodes the response with read.
func post[T any](ctx context.Context, c *Client, path string, body any, read func(json.RawMessage) (T, error)) (T, error) {
	call := api.Call{Method: http.MethodPost, Path: path, Body: body, Repeatable: true}
	resp, err := c.API.Do(ctx, call)
	if err != nil {
		var none T
		return none, err
	}
	v, err := read(resp.Raw)
	if err != nil {
		err = resp.Unexpected(call, "the response has none of the shapes that Lightfast's API has had", err)
	}
	return v, err
}
