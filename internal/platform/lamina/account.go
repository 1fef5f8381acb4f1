package lamina

import (
	"net/http"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
)

const bucketLedgers = "ledgers" // workspace id → ledger

// initialCredits are the credits of a new workspace.
const initialCredits = 1000

// A ledger holds the sums of a workspace's credits.
type ledger struct {
	Earned float64 `json:"earned"`
	Spent  float64 `json:"spent"`
}

func (l ledger) balance() float64 { return l.Earned - l.Spent }

func ledgerOf(tx *wire.Tx, workspaceID string) ledger {
	l, ok := wire.Get[ledger](tx, bucketLedgers, workspaceID)
	if !ok {
		l.Earned = initialCredits
	}
	return l
}

func charge(tx *wire.Tx, workspaceID string, credits float64) {
	l := ledgerOf(tx, workspaceID)
	l.Spent += credits
	wire.Put(tx, bucketLedgers, workspaceID, l)
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

func (s *Server) getAccount(w http.ResponseWriter, _ *http.Request, p wire.Principal) error {
	var user wire.User
	var memberships []wire.Membership
	s.Store.View(func(tx *wire.Tx) { user, memberships = wire.Memberships(tx, p.UserID) })
	acc := api.Account{User: api.User{ID: user.ID, Email: user.Email}, Memberships: []api.Membership{}}
	for _, m := range memberships {
		acc.Memberships = append(acc.Memberships, api.Membership{WorkspaceID: m.ID, Name: m.Name, Slug: m.Slug, Role: m.Role})
		if m.ID == p.WorkspaceID {
			acc.Workspace = &api.Workspace{ID: m.ID, Name: m.Name, Slug: m.Slug, Role: m.Role}
		}
	}
	return wire.WriteData(w, http.StatusOK, acc)
}

func (s *Server) getUsage(w http.ResponseWriter, _ *http.Request, p wire.Principal) error {
	var l ledger
	s.Store.View(func(tx *wire.Tx) { l = ledgerOf(tx, p.WorkspaceID) })
	var u usage
	u.Credits.Balance, u.Credits.TotalEarned, u.Credits.TotalSpent = l.balance(), l.Earned, l.Spent
	u.RateLimit.Limit, u.RateLimit.WindowMs = max(0, s.opts.RateLimit), wire.RateWindow.Milliseconds()
	return wire.WriteData(w, http.StatusOK, u)
}
