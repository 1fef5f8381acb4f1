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

const bucketRuns = "runs" // run id → run

// A run is a run of an app: its state in the API, and the data that its worker needs.
type run struct {
	api.Run
	Order       string      `json:"order"` // increases with each run
	UserID      string      `json:"userId"`
	WorkspaceID string      `json:"workspaceId"`
	Inputs      apps.Inputs `json:"inputs"`
	Indexes     []int       `json:"indexes"` // index of the app's output for each of Outputs
	WebhookURL  string      `json:"webhookUrl,omitempty"`

	Family   family        `json:"family,omitempty"`
	IsRecipe bool          `json:"isRecipe,omitempty"` // the run is also a freestyle run
	Params   models.Params `json:"params,omitempty"`   // of a generation, whose WorkflowID is its model

	IdempotencyKey string `json:"idempotencyKey,omitempty"` // that the start was sent with
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
		Run: api.Run{
			RunID: wire.NewUUID(), WorkflowID: app.ID, Status: api.Queued, Outputs: []api.Output{}, Progress: &api.Progress{},
		},
		UserID: p.UserID, WorkspaceID: p.WorkspaceID, Inputs: inputs, Indexes: indexes,
	}
	for _, i := range indexes {
		r.Outputs = append(r.Outputs, api.Output{ID: wire.NewUUID(), Label: app.Outputs[i].Label, Type: "pending", Status: "pending"})
	}
	r.updateProgress()
	return r
}

// enqueue stores a run, which a worker then performs, unless there are too many unfinished runs.
func (s *Server) enqueue(r run) error {
	_, err := s.enqueueOnce(r, "")
	return err
}

// enqueueOnce enqueues a run, or returns the run that was started before with the same idempotency key. request is the digest of the
// request that it starts.
func (s *Server) enqueueOnce(r run, request string) (run, error) {
	select {
	case <-s.done:
		return run{}, wire.Unavailable("The platform is shutting down")
	default:
	}
	err := s.Store.Update(func(tx *wire.Tx) error {
		first, isRepeated, err := s.firstStart(tx, &r, request)
		if err != nil || isRepeated {
			r = first
			return err
		}
		if len(s.index.elements) >= s.opts.Capacity {
			return wire.Unavailable(fmt.Sprintf("%d runs are waiting already", s.opts.Capacity))
		}
		r.Order, r.CreatedAt = tx.NextOrder(), s.Clock.Now() // here, so that the index is in the order of both
		s.putRun(tx, &r)
		s.rememberStart(tx, &r, request)
		return nil
	})
	if err == nil {
		s.queueChanged.notify()
	}
	return r, err
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
		s.putRun(tx, &r)
		return nil
	})
	if err == nil {
		s.runsChanged.notify()
		s.outboxChanged.notify()
	}
	return err
}

// finish charges the workspace of a run that has ended and adds its webhook delivery.
func (s *Server) finish(tx *wire.Tx, r *run) {
	now := s.Clock.Now()
	r.CompletedAt = &now
	if r.Status == api.Completed {
		charge(tx, r.WorkspaceID, r.cost())
	}
	if r.WebhookURL != "" {
		s.addDelivery(tx, r)
	}
}
