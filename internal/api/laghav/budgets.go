package laghav

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// A Budget limits what a team spends in a month, in US dollars.
type Budget struct {
	ID       string  `json:"id,omitempty"`
	Team     string  `json:"team_name"`
	Limit    float64 `json:"monthly_budget_usd"`
	Alert    float64 `json:"alert_threshold_pct"`
	HardStop bool    `json:"hard_stop"`
	Spent    float64 `json:"spent_this_month_usd,omitempty"`
	SpentPct float64 `json:"spent_pct,omitempty"`
}

// Budgets lists the budgets. It also returns the response as JSON.
func (c *Client) Budgets(ctx context.Context) ([]Budget, json.RawMessage, error) {
	call := api.Call{Method: http.MethodGet, Path: "/api/budgets"}
	resp, err := c.api.Do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	list, err := loose.List(resp.Raw, "budgets", "data", "items")
	if err != nil {
		return nil, nil, resp.Unexpected(call, "the response is not a list of budgets", err)
	}
	return loose.Items[Budget](list), resp.Raw, nil
}

// CreateBudget creates a budget. The ID and the spent amounts of b are ignored.
func (c *Client) CreateBudget(ctx context.Context, b Budget) (Budget, json.RawMessage, error) {
	call := api.Call{Method: http.MethodPost, Path: "/api/budgets", Body: b}
	resp, err := c.api.Do(ctx, call)
	if err != nil {
		return Budget{}, nil, err
	}
	created := b
	err = resp.Decode(call, &created)
	return created, resp.Raw, err
}
