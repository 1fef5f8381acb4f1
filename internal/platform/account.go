package platform

import (
	"net/http"

	"github.com/uselamina/lamina/internal/api"
)

const bucketLedgers = "ledgers" // workspace id → ledger

// initialCredits is what a new workspace has.
const initialCredits = 1000

// A ledger is the sum of a workspace's credits.
type ledger struct {
	Earned float64 `json:"earned"`
	Spent  float64 `json:"spent"`
}

func (l ledger) balance() float64 { return l.Earned - l.Spent }

func ledgerOf(tx *tx, workspaceID string) ledger {
	l, ok := get[ledger](tx, bucketLedgers, workspaceID)
	if !ok {
		l.Earned = initialCredits
	}
	return l
}

func charge(tx *tx, workspaceID string, credits float64) {
	l := ledgerOf(tx, workspaceID)
	l.Spent += credits
	put(tx, bucketLedgers, workspaceID, l)
}

// A usage is the reply of GET /v1/account/usage.
type usage struct {
	Credits struct {
		Balance     float64 `json:"balance"`
		TotalEarned float64 `json:"totalEarned"`
		TotalSpent  float64 `json:"totalSpent"`
	} `json:"credits"`
	RateLimit struct {
		Limit    int   `json:"limit"` // 0: none
		WindowMs int64 `json:"windowMs"`
	} `json:"rateLimit"`
}

func (s *Server) getAccount(w http.ResponseWriter, _ *http.Request, p principal) error {
	var acc api.Account
	s.store.view(func(tx *tx) { acc = account(tx, p) })
	return writeData(w, http.StatusOK, acc)
}

func (s *Server) getUsage(w http.ResponseWriter, _ *http.Request, p principal) error {
	var l ledger
	s.store.view(func(tx *tx) { l = ledgerOf(tx, p.WorkspaceID) })
	var u usage
	u.Credits.Balance, u.Credits.TotalEarned, u.Credits.TotalSpent = l.balance(), l.Earned, l.Spent
	u.RateLimit.Limit, u.RateLimit.WindowMs = max(0, s.opts.RateLimit), rateWindow.Milliseconds()
	return writeData(w, http.StatusOK, u)
}
