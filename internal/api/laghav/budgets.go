package laghav

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// A Budget is what a team may spend in a month, in USD.
type Budget struct {
	ID       string  `json:"id,omitempty"`
	Team     string  `json:"team_name"`
	Limit    float64 `json:"monthly_budget_usd"`
	Alert    float64 `json:"alert_threshold_pct"`
	HardStop bool    `json:"hard_stop"`
	Spent    float64 `json:"spent_this_month_usd,omitempty"`
	SpentPct float64 `json:"spent_pct,omitempty"`
}

// Budgets lists the budgets, and returns the answer as it came.
func (c *Client) Budgets(ctx context.Context) ([]Budget, json.RawMessage, error) {
	call := api.Call{Method: http.MethodGet, Path: "/api/budgets"}
	answer, err := c.api.Do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	var body struct {
		Budgets *[]Budget `json:"budgets"`
	}
	if err := answer.Decode(call, &body); err != nil {
		return nil, nil, err
	}
	if body.Budgets == nil {
		return nil, nil, answer.Unexpected(call, "the answer is no list of budgets", loose.ErrShape)
	}
	return *body.Budgets, answer.Raw, nil
}

// MakeBudget makes a budget, of which ID and figures are left out.
func (c *Client) MakeBudget(ctx context.Context, b Budget) (Budget, json.RawMessage, error) {
	call := api.Call{Method: http.MethodPost, Path: "/api/budgets", Body: b}
	answer, err := c.api.Do(ctx, call)
	if err != nil {
		return Budget{}, nil, err
	}
	made := b
	err = answer.Decode(call, &made)
	return made, answer.Raw, err
}
