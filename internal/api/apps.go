package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// ListApps returns the apps of the workspace. limit is the largest number of apps; 0 means the default of the service.
func (c *Client) ListApps(ctx context.Context, limit int) (*Reply[[]AppSummary], error) {
	query := url.Values{}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return call[[]AppSummary](ctx, c, Call{Method: http.MethodGet, Path: "/v1/apps", Query: query})
}

// Discover returns the apps that match an intent, best match first.
func (c *Client) Discover(ctx context.Context, req DiscoverRequest) (*Reply[Discovery], error) {
	return call[Discovery](ctx, c, Call{Method: http.MethodPost, Path: "/v1/apps/discover", Body: req, Repeatable: true})
}

// App returns an app with its inputs and outputs.
func (c *Client) App(ctx context.Context, appID string) (*Reply[App], error) {
	return call[App](ctx, c, Call{Method: http.MethodGet, Path: "/v1/apps/" + url.PathEscape(appID)})
}

// Estimate returns what a run of an app costs, in credits. It starts no run.
func (c *Client) Estimate(ctx context.Context, appID string) (*Reply[CostEstimate], error) {
	path := "/v1/apps/" + url.PathEscape(appID) + "/estimate"
	return call[CostEstimate](ctx, c, Call{Method: http.MethodPost, Path: path, Repeatable: true})
}

// StartRun starts a run, which may cost credits, and returns before the run ends. webhook, if not empty, is the URL that the
// service notifies when the run ends. The request is repeated only if it certainly did not start a run.
func (c *Client) StartRun(ctx context.Context, appID string, req StartRun, webhook string) (*Reply[RunStarted], error) {
	query := url.Values{}
	if webhook != "" {
		query.Set("webhook", webhook)
	}
	post := Call{Method: http.MethodPost, Path: "/v1/apps/" + url.PathEscape(appID) + "/runs", Query: query, Body: req}
	reply, err := call[RunStarted](ctx, c, post)
	if err == nil {
		err = post.checkRunID(reply.Data.RunID)
	}
	return reply, err
}

// StartRunOnce is StartRun for a caller that finds out itself whether a run was started when the response is lost: it sends one request
// with an Idempotency-Key, which services may ignore. inputs is a JSON object.
func (c *Client) StartRunOnce(ctx context.Context, appID string, inputs json.RawMessage, key string) (*Reply[RunStarted], error) {
	once := *c
	once.Once = true
	post := Call{
		Method: http.MethodPost, Path: "/v1/apps/" + url.PathEscape(appID) + "/runs", Header: http.Header{"Idempotency-Key": {key}},
		Body: map[string]json.RawMessage{"inputs": inputs},
	}
	reply, err := call[RunStarted](ctx, &once, post)
	if err == nil {
		err = post.checkRunID(reply.Data.RunID)
	}
	return reply, err
}

// checkRunID returns an error for the response to a start that does not have the id of the run.
func (c Call) checkRunID(id string) error {
	if id == "" {
		return &UnexpectedError{Method: c.Method, Path: c.Path, Reason: "the response names no run"}
	}
	return nil
}
