package api

import (
	"context"
	"net/http"

	"github.com/uselamina/lamina/internal/api/loose"
)

// A Named is one item of GET /v1/brand-profiles and GET /v1/campaigns. Only these fields are known.
type Named struct {
	ID   loose.Text `json:"id"`
	Name loose.Text `json:"name"`
}

// BrandProfiles returns the brand profiles of the workspace.
func (c *Client) BrandProfiles(ctx context.Context) (*Reply[[]Named], error) {
	return call[[]Named](ctx, c, Call{Method: http.MethodGet, Path: "/v1/brand-profiles"})
}

// Campaigns returns the campaigns of the workspace.
func (c *Client) Campaigns(ctx context.Context) (*Reply[[]Named], error) {
	return call[[]Named](ctx, c, Call{Method: http.MethodGet, Path: "/v1/campaigns"})
}
