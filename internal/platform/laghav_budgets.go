package platform

import (
	"math"
	"net/http"
	"strings"
	"time"
)

// A laghavBudget is what a team may spend in a month.
type laghavBudget struct {
	ID        string    `json:"id"`
	Team      string    `json:"team"`
	Limit     float64   `json:"limit"` // USD
	Alert     float64   `json:"alert"` // percent
	HardStop  bool      `json:"hardStop"`
	CreatedAt time.Time `json:"createdAt"`
	Month     string    `json:"month"` // of Spent
	Spent     float64   `json:"spent"` // USD
}

// laghavBudgetIn returns the budget of that id or team, as of now.
func (s *Server) laghavBudgetIn(tx *tx, name string) (laghavBudget, error) {
	for _, b := range list[laghavBudget](tx, bucketLaghavBudgets) {
		if b.ID == name || strings.EqualFold(b.Team, name) {
			return s.thisMonth(b), nil
		}
	}
	return laghavBudget{}, laghavInvalid("There is no budget with this id or team")
}

func (s *Server) thisMonth(b laghavBudget) laghavBudget {
	if month := s.now().Format("2006-01"); b.Month != month {
		b.Month, b.Spent = month, 0
	}
	return b
}

// exceeded is the refusal of the page Budget Controls. The page Error Codes gives it status 403.
func (b laghavBudget) exceeded() error {
	return &laghavError{
		status: http.StatusPaymentRequired, code: "BUDGET_EXCEEDED", message: "Team monthly budget cap reached",
		more: map[string]any{"budget_id": b.ID, "spent_usd": round(b.Spent, 6), "limit_usd": b.Limit},
	}
}

func (b laghavBudget) entry() map[string]any {
	spent := 0.0
	if b.Limit > 0 {
		spent = math.Round(100 * b.Spent / b.Limit)
	}
	return map[string]any{
		"id": b.ID, "team_name": b.Team, "monthly_budget_usd": b.Limit, "alert_threshold_pct": b.Alert, "hard_stop": b.HardStop,
		"spent_this_month_usd": round(b.Spent, 6), "spent_pct": spent,
	}
}

func (s *Server) laghavListBudgets(w http.ResponseWriter, _ *http.Request, _ serviceKey) error {
	entries := []map[string]any{}
	s.store.view(func(tx *tx) {
		for _, b := range list[laghavBudget](tx, bucketLaghavBudgets) {
			entries = append(entries, s.thisMonth(b).entry())
		}
	})
	writeJSON(w, http.StatusOK, map[string]any{"budgets": entries})
	return nil
}

func (s *Server) laghavMakeBudget(w http.ResponseWriter, r *http.Request, _ serviceKey) error {
	var body struct {
		Team     string   `json:"team_name"`
		Limit    *float64 `json:"monthly_budget_usd"`
		Alert    *float64 `json:"alert_threshold_pct"`
		HardStop bool     `json:"hard_stop"`
	}
	if err := laghavBody(w, r, &body); err != nil {
		return err
	}
	b := laghavBudget{ID: "budget_" + randomToken(9), Team: cleanText(body.Team, 80), Alert: 80, HardStop: body.HardStop, CreatedAt: s.now()}
	if body.Alert != nil {
		b.Alert = *body.Alert
	}
	switch {
	case b.Team == "" || body.Limit == nil:
		return laghavInvalid("team_name and monthly_budget_usd are required")
	case *body.Limit < 0 || math.IsInf(*body.Limit, 0):
		return laghavInvalid("monthly_budget_usd must be a number that is not negative")
	case b.Alert < 0 || b.Alert > 100:
		return laghavInvalid("alert_threshold_pct must be between 0 and 100")
	}
	b.Limit = *body.Limit
	err := s.store.update(func(tx *tx) error {
		if _, err := s.laghavBudgetIn(tx, b.Team); err == nil {
			return laghavInvalid("The team has a budget already")
		}
		put(tx, bucketLaghavBudgets, b.ID, s.thisMonth(b))
		return nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, s.thisMonth(b).entry())
	return nil
}
