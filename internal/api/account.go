package api

import (
	"context"
	"net/http"
)

// Account returns the account of the credential.
func (c *Client) Account(ctx context.Context) (*Reply[Account], error) {
	return call[Account](ctx, c, Call{Method: http.MethodGet, Path: "/v1/account"})
}
