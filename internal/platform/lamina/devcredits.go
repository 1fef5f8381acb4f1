package lamina

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// mostAdded is the largest number of credits that one request adds.
const mostAdded = 1e9

// addCredits answers POST /dev/credits: it gives credits to a workspace, so that a test can start more runs than the first ones pay for.
func (s *Server) addCredits(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		Add         float64 `json:"add"`
		WorkspaceID string  `json:"workspaceId"` // empty: the first one
	}
	if err := wire.DecodeStrict(w, r, &req); err != nil {
		return err
	}
	if !(req.Add > 0 && req.Add <= mostAdded) {
		return wire.Invalid(`"add" must be a number of credits above 0 and up to a thousand million`)
	}
	workspace := cmp.Or(req.WorkspaceID, wire.SampleWorkspaces()[0].ID)
	var l ledger
	err := s.Store.Update(func(tx *wire.Tx) error {
		if !slices.Contains(wire.WorkspaceIDs(tx), workspace) {
			return wire.NotFound("Workspace not found")
		}
		l = ledgerOf(tx, workspace)
		l.Earned += req.Add
		wire.Put(tx, bucketLedgers, workspace, l)
		return nil
	})
	if err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusOK, map[string]any{"workspaceId": workspace, "balance": l.balance(), "spent": l.Spent})
}
