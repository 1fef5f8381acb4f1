package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/uselamina/lamina/internal/api/loose"
)

// A Usage is the response of GET /v1/account/usage. Credits are fractional.
type Usage struct {
	Credits struct {
		Balance     loose.Number `json:"balance"`
		TotalEarned loose.Number `json:"totalEarned"`
		TotalSpent  loose.Number `json:"totalSpent"`
	} `json:"credits"`
	RateLimit struct {
		Limit    loose.Number `json:"limit"` // requests in a window
		WindowMs loose.Number `json:"windowMs"`
	} `json:"rateLimit"`
}

// Usage returns the credits and the rate limit of the workspace.
func (c *Client) Usage(ctx context.Context) (*Reply[Usage], error) {
	return call[Usage](ctx, c, Call{Method: http.MethodGet, Path: "/v1/account/usage"})
}

// Workflow returns the graph of an app.
func (c *Client) Workflow(ctx context.Context, appID string) (*Reply[Workflow], error) {
	return call[Workflow](ctx, c, Call{Method: http.MethodGet, Path: "/v1/apps/" + url.PathEscape(appID) + "/workflow"})
}

// UnmarshalJSON implements json.Unmarshaler. The service may send null for an unknown cost, and a number instead of a range.
func (r *CreditRange) UnmarshalJSON(raw []byte) error {
	*r = CreditRange{}
	var single loose.Number
	var bounds struct {
		Expected, Min loose.Number
		Max           *loose.Number
	}
	_ = json.Unmarshal(raw, &single) // every JSON value fits
	if single.IsSet {
		*r = CreditRange{Expected: single.Value, Min: single.Value, Max: single.Value, isKnown: true}
		return nil
	}
	if loose.Unmarshal(raw, &bounds) == nil {
		*r = CreditRange{Expected: bounds.Expected.Value, Min: bounds.Min.Value, isKnown: bounds.Expected.IsSet}
		if bounds.Max != nil { // a limit that cannot be read is not the expected cost
			r.Max, r.isKnown = bounds.Max.Value, bounds.Max.IsSet
		}
	}
	return nil
}

// Most returns the largest number of credits that a run may cost, and false if the service does not say it.
func (r CreditRange) Most() (credits float64, isKnown bool) {
	credits = max(r.Expected, r.Max)
	return credits, r.isKnown && credits >= 0
}
