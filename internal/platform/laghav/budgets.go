package laghav

import (
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A budget limits the cost of a team in a month.
type budget struct {
	ID        string    `json:"id"`
	Team      string    `json:"team"`
	Limit     float64   `json:"limit"` // USD
	Alert     float64   `json:"alert"` // percent
	HardStop  bool      `json:"hardStop"`
	CreatedAt time.Time `json:"createdAt"`
	Month     string    `json:"month"` // of Spent
	Spent     float64   `json:"spent"` // USD
}

// findBudget returns the budget with an id or a team. In a new month nothing is spent.
func (s *server) findBudget(tx *wire.Tx, name string) (budget, error) {
	for _, b := range wire.List[budget](tx, bucketBudgets) {
		if b.ID == name || strings.EqualFold(b.Team, name) {
			return s.thisMonth(b), nil
		}
	}
	return budget{}, invalid("There is no budget with this id or team")
}

func (s *server) thisMonth(b budget) budget {
	if month := s.Clock.Now().Format("2006-01"); b.Month != month {
		b.Month, b.Spent = month, 0
	}
	return b
}

// exceeded returns the refusal of Laghav's page Budget Controls. The page Error Codes has status 403 for it.
func (b budget) exceeded() error {
	return &refusal{
		status: http.StatusPaymentRequired, code: "BUDGET_EXCEEDED", message: "Team monthly budget cap reached",
		more: map[string]any{"budget_id": b.ID, "spent_usd": round(b.Spent, 6), "limit_usd": b.Limit},
	}
}

func (b budget) entry() map[string]any {
	spent := 0.0
	if b.Limit > 0 {
		spent = math.Round(100 * b.Spent / b.Limit)
	}
	return map[string]any{
		"id": b.ID, "team_name": b.Team, "monthly_budget_usd": b.Limit, "alert_threshold_pct": b.Alert, "hard_stop": b.HardStop,
		"spent_this_month_usd": round(b.Spent, 6), "spent_pct": spent,
	}
}

func (s *server) listBudgets(w http.ResponseWriter, _ *http.Request, _ wire.Key) error {
	entries := []map[string]any{}
	s.Store.View(func(tx *wire.Tx) {
		for _, b := range wire.List[budget](tx, bucketBudgets) {
			entries = append(entries, s.thisMonth(b).entry())
		}
	})
	wire.WriteJSON(w, http.StatusOK, map[string]any{"budgets": entries})
	return nil
}

func (s *server) createBudget(w http.ResponseWriter, r *http.Request, _ wire.Key) error {
	var body struct {
		Team     string   `json:"team_name"`
		Limit    *float64 `json:"monthly_budget_usd"`
		Alert    *float64 `json:"alert_threshold_pct"`
		HardStop bool     `json:"hard_stop"`
	}
	if err := decodeBody(w, r, &body); err != nil {
		return err
	}
	b := budget{ID: "budget_" + wire.RandomToken(9), Team: wire.CleanText(body.Team, 80), Alert: 80, HardStop: body.HardStop, CreatedAt: s.Clock.Now()}
	if body.Alert != nil {
		b.Alert = *body.Alert
	}
	switch {
	case b.Team == "" || body.Limit == nil:
		return invalid("team_name and monthly_budget_usd are required")
	case *body.Limit < 0 || math.IsInf(*body.Limit, 0):
		return invalid("monthly_budget_usd must be a number that is not negative")
	case b.Alert < 0 || b.Alert > 100:
		return invalid("alert_threshold_pct must be between 0 and 100")
	}
	b.Limit = *body.Limit
	err := s.Store.Update(func(tx *wire.Tx) error {
		if _, err := s.findBudget(tx, b.Team); err == nil {
			return invalid("The team has a budget already")
		}
		wire.Put(tx, bucketBudgets, b.ID, s.thisMonth(b))
		return nil
	})
	if err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusCreated, s.thisMonth(b).entry())
	return nil
}
