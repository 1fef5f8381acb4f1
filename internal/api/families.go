package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// A Family is a kind of run with an address of its own.
type Family int

// The families of runs, in the order in which FindRun looks for an id.
const (
	AppRuns Family = iota
	Generations
	FreestyleRuns // older runs of recipes
	families
)

// FindRun returns the run with an id and its family. The error for an id that no family has is a refusal with status
// 404, if any family gives one. Reply.Raw is the response of the family as it came.
func (c *Client) FindRun(ctx context.Context, runID string) (*Reply[Run], Family, error) {
	return c.findRun(ctx, runID, AppRuns)
}

// findRun is FindRun from one family on.
func (c *Client) findRun(ctx context.Context, runID string, first Family) (*Reply[Run], Family, error) {
	var unknown error
	for family := first; family < families; family++ {
		reply, err := c.RunOf(ctx, family, runID)
		if err == nil || !isNoRun(err) {
			return reply, family, err
		}
		if !IsNotFound(unknown) {
			unknown = err
		}
	}
	return nil, AppRuns, unknown
}

// isNoRun reports whether a family has no run of an id. A family may call the ids of another one invalid.
func isNoRun(err error) bool {
	var refused *Error
	return IsNotFound(err) || errors.As(err, &refused) && refused.Status == http.StatusBadRequest
}

// RunOf returns the state of a run of a family.
func (c *Client) RunOf(ctx context.Context, family Family, runID string) (*Reply[Run], error) {
	switch family {
	case Generations:
		reply, err := c.Generation(ctx, runID)
		if err != nil {
			return nil, err
		}
		return &Reply[Run]{Data: reply.Data.Run(), Raw: reply.Raw}, nil
	case FreestyleRuns:
		return call[Run](ctx, c, Call{Method: http.MethodGet, Path: "/v1/freestyle/" + url.PathEscape(runID)})
	}
	return c.Run(ctx, runID)
}
