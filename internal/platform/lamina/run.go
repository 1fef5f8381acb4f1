package lamina

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/models"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// Buckets of runs.
const (
	bucketRuns  = "runs"  // run id → run
	bucketQueue = "queue" // order of the run → id of a run that has not ended
)

// maxUnfinished is the number of runs that may be queued or running.
const maxUnfinished = 100

// A run is a run of an app: its state in the API, and the data that its worker needs.
type run struct {
	api.Run
	Order       string      `json:"order"` // key in the queue; increases with each run
	UserID      string      `json:"userId"`
	WorkspaceID string      `json:"workspaceId"`
	Inputs      apps.Inputs `json:"inputs"`
	Indexes     []int       `json:"indexes"` // index of the app's output for each of Outputs
	WebhookURL  string      `json:"webhookUrl,omitempty"`

	Family   family        `json:"family,omitempty"`
	Params   models.Params `json:"params,omitempty"` // of a generation, whose WorkflowID is its model
	IsRecipe bool          `json:"isRecipe,omitempty"`
}

// errFinal means that a run has ended and can no longer change.
var errFinal = errors.New("the run has ended")

// app returns the app of the run, or the model of a generation.
func (r *run) app() apps.App {
	if r.Family == familyGenerate {
		m, _ := models.Find(r.WorkflowID)
		return m.App(r.Params)
	}
	app, _ := apps.Find(r.WorkflowID)
	return app
}

// isMissing reports whether an output was requested and is not finished.
func (r *run) isMissing(output int) bool {
	i := slices.Index(r.Indexes, output)
	return i >= 0 && r.Outputs[i].Status == "pending"
}

// cost returns the credits of the completed run.
func (r *run) cost() float64 {
	return r.app().Credits(func(output int) bool { return slices.Contains(r.Indexes, output) })
}

// updateProgress counts the outputs by status.
func (r *run) updateProgress() {
	r.Progress.TotalOutputs, r.Progress.CompletedOutputs, r.Progress.FailedOutputs = len(r.Outputs), 0, 0
	for _, o := range r.Outputs {
		switch o.Status {
		case "completed":
			r.Progress.CompletedOutputs++
		case "error":
			r.Progress.FailedOutputs++
		}
	}
}

// fail ends the run and its pending outputs with an error. The type of such an output stays pending: only its status changes.
func (r *run) fail(message string) {
	r.Status, r.ErrorMessage = api.Failed, &message
	for i, o := range r.Outputs {
		if o.Status == "pending" {
			r.Outputs[i].Status, r.Outputs[i].Error = "error", &message
		}
	}
}

// cancel ends the run and its pending outputs.
func (r *run) cancel() {
	message := "The run was cancelled"
	r.Status, r.ErrorMessage = api.Cancelled, &message
	for i, o := range r.Outputs {
		if o.Status == "pending" {
			r.Outputs[i].Status = "cancelled"
		}
	}
}

// complete stores a finished output.
func (r *run) complete(index int, o apps.Output, res apps.Result, value string) {
	i := slices.Index(r.Indexes, index)
	out := &r.Outputs[i]
	out.Type, out.Status, out.MimeType, out.ContentDescription = o.Type, "completed", o.MimeType, res.Description
	out.Value, _ = json.Marshal(strings.ToValidUTF8(value, "\uFFFD")) // marshaling a string cannot fail
	out.DurationSeconds = res.DurationSeconds
	if res.Size.X > 0 {
		out.Dimensions = &api.Dimensions{Width: res.Size.X, Height: res.Size.Y}
	}
}

// newRun returns a queued run.
func newRun(app apps.App, p wire.Principal, inputs apps.Inputs, indexes []int) run {
	r := run{
		Run:    api.Run{RunID: wire.NewUUID(), WorkflowID: app.ID, Status: api.Queued, Progress: &api.Progress{}},
		UserID: p.UserID, WorkspaceID: p.WorkspaceID, Inputs: inputs, Indexes: indexes,
	}
	for _, i := range indexes {
		r.Outputs = append(r.Outputs, api.Output{ID: wire.NewUUID(), Label: app.Outputs[i].Label, Type: "pending", Status: "pending"})
	}
	r.updateProgress()
	return r
}

// enqueue stores a run and adds it to the queue, unless the queue is full.
func (s *Server) enqueue(r run) error {
	select {
	case <-s.done:
		return wire.Unavailable("The platform is shutting down")
	default:
	}
	err := s.Store.Update(func(tx *wire.Tx) error {
		if len(tx.Keys(bucketQueue)) >= maxUnfinished {
			return wire.Unavailable(fmt.Sprintf("%d runs are waiting already", maxUnfinished))
		}
		r.Order = tx.NextOrder()
		wire.Put(tx, bucketRuns, r.RunID, r)
		wire.Put(tx, bucketQueue, r.Order, r.RunID)
		return nil
	})
	if err == nil {
		s.queueChanged.notify()
	}
	return err
}

// changeRun changes a run that has not ended, and notifies the waiting requests. If fn ends the run, changeRun also
// finishes it. It fails with errFinal or with the error of fn.
func (s *Server) changeRun(id string, fn func(tx *wire.Tx, r *run) error) error {
	err := s.Store.Update(func(tx *wire.Tx) error {
		r, ok := wire.Get[run](tx, bucketRuns, id)
		if !ok || r.Status.Final() {
			return errFinal
		}
		if err := fn(tx, &r); err != nil {
			return err
		}
		r.updateProgress()
		if r.Status.Final() {
			s.finish(tx, &r)
		}
		wire.Put(tx, bucketRuns, id, r)
		return nil
	})
	if err == nil {
		s.runsChanged.notify()
		s.outboxChanged.notify()
	}
	return err
}

// finish removes a run from the queue, charges its workspace and adds its webhook delivery.
func (s *Server) finish(tx *wire.Tx, r *run) {
	now := s.Clock.Now()
	r.CompletedAt = &now
	tx.Remove(bucketQueue, r.Order)
	if r.Status == api.Completed {
		charge(tx, r.WorkspaceID, r.cost())
	}
	if r.WebhookURL != "" {
		s.addDelivery(tx, r)
	}
}
