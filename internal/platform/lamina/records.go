package lamina

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/models"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// A RunRecord is a run of any workspace, for the pages of the platform.
type RunRecord struct {
	api.Run
	AppName     string
	WorkspaceID string
	Inputs      map[string][]string
}

func (r *run) record() RunRecord {
	return RunRecord{Run: r.Run, AppName: r.app().Name, WorkspaceID: r.WorkspaceID, Inputs: r.inputs()}
}

// inputs returns the inputs of a run as texts, also those of a generation.
func (r *run) inputs() map[string][]string {
	if r.Family == familyGenerate {
		return textsOf(r.Params)
	}
	return r.Inputs
}

// textsOf returns the parameters of a generation as texts: a text as it is, other values as JSON.
func textsOf(params models.Params) map[string][]string {
	texts := map[string][]string{}
	for name, value := range params {
		text, ok := value.(string)
		if !ok {
			raw, _ := json.Marshal(value) // it came as JSON
			text = string(raw)
		}
		texts[name] = []string{text}
	}
	return texts
}

// NewestRuns returns up to most runs of an app, or of all apps if the id is empty.
func (s *Server) NewestRuns(appID string, most int) []RunRecord {
	var runs []RunRecord
	s.Store.View(func(tx *wire.Tx) {
		ids, _ := s.index.find(runQuery{group: groupKey{app: appID}, limit: most})
		for _, id := range ids {
			r, _ := wire.Get[run](tx, bucketRuns, id)
			runs = append(runs, r.record())
		}
	})
	return runs
}

// RunByID returns a run of any workspace.
func (s *Server) RunByID(id string) (record RunRecord, found bool) {
	var r run
	s.Store.View(func(tx *wire.Tx) { r, found = wire.Get[run](tx, bucketRuns, id) })
	return r.record(), found
}

// A DeliveryRecord is a webhook delivery, for the pages of the platform.
type DeliveryRecord struct {
	RunID, State string
	Receiver     string // its URL without user and query, which may be secret
	Attempts     []Attempt
}

// An Attempt is one request of a delivery.
type Attempt = attempt

// NewestDeliveries returns up to most deliveries of a run, or of all runs if the id is empty.
func (s *Server) NewestDeliveries(runID string, most int) []DeliveryRecord {
	var records []DeliveryRecord
	s.Store.View(func(tx *wire.Tx) {
		for _, d := range slices.Backward(wire.List[delivery](tx, bucketDeliveries)) {
			if runID == "" || d.RunID == runID {
				records = append(records, DeliveryRecord{d.RunID, string(d.State), receiverOf(d.URL), d.Attempts})
			}
		}
	})
	return page(records, most, 0)
}

func receiverOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Credits returns the credits that a workspace has and has spent.
func (s *Server) Credits(workspaceID string) (balance, spent float64) {
	s.Store.View(func(tx *wire.Tx) {
		l := ledgerOf(tx, workspaceID)
		balance, spent = l.balance(), l.Spent
	})
	return balance, spent
}
