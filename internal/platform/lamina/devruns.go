package lamina

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// A storedRun is a run of any workspace and family, for programs that judge what a client has started.
type storedRun struct {
	Order          string      `json:"order"`
	RunID          string      `json:"runId"`
	WorkspaceID    string      `json:"workspaceId"`
	AppID          string      `json:"appId"` // or the model
	Status         api.Status  `json:"status"`
	Inputs         apps.Inputs `json:"inputs"`
	IdempotencyKey string      `json:"idempotencyKey"`
	CreatedAt      time.Time   `json:"createdAt"`
	CompletedAt    *time.Time  `json:"completedAt"`
}

// mostStored is the largest page of GET /dev/runs.
const mostStored = 10_000

// listStored answers GET /dev/runs with the runs after an order, oldest first.
func (s *Server) listStored(w http.ResponseWriter, r *http.Request) error {
	q := wire.NewQuery(r)
	limit := q.Number("limit", 1000, 1, mostStored)
	if err := q.Err(); err != nil {
		return err
	}
	var records [][]byte
	var total int
	s.Store.View(func(tx *wire.Tx) {
		for _, id := range s.index.after(r.URL.Query().Get("after"), limit) {
			records = append(records, tx.Bytes(bucketRuns, id))
		}
		total = len(s.index.entries)
	})
	runs := make([]storedRun, 0, len(records))
	for _, record := range records { // outside of the View, so that starts do not wait
		var stored run
		if err := json.Unmarshal(record, &stored); err != nil {
			return err
		}
		runs = append(runs, stored.stored())
	}
	writePage(w, runs, total, limit, 0)
	return nil
}

func (r *run) stored() storedRun {
	return storedRun{
		r.Order, r.RunID, r.WorkspaceID, r.WorkflowID, r.Status, r.inputs(), r.IdempotencyKey, r.CreatedAt, r.CompletedAt,
	}
}
