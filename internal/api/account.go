package api

import (
	"context"
	"net/http"
)

// Account returns who the credential belongs to.
func (c *Client) Account(ctx context.Context) (*Reply[Account], error) {
	return call[Account](ctx, c, request{method: http.MethodGet, path: "/v1/account"})
}
