package platform

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
)

// Buckets of runs.
const (
	bucketRuns  = "runs"  // run id → run
	bucketQueue = "queue" // order of creation → id of a run that is not final
)

// maxUnfinished is how many runs may wait or work at a time.
const maxUnfinished = 100

// A run is the state of a run as the API tells it, with what is needed to do it.
type run struct {
	api.Run
	Order       string      `json:"order"` // its key in the queue; later runs have greater ones
	UserID      string      `json:"userId"`
	WorkspaceID string      `json:"workspaceId"`
	Inputs      apps.Inputs `json:"inputs"`
	Indexes     []int       `json:"indexes"` // the app's output behind each of Outputs
	WebhookURL  string      `json:"webhookUrl,omitempty"`
}

// errFinal means that a run has ended and cannot change any more.
var errFinal = errors.New("the run has ended")

// nextOrder returns a key that sorts after all that were given out before.
func nextOrder(tx *tx) string {
	n, _ := get[int64](tx, bucketServer, "order")
	put(tx, bucketServer, "order", n+1)
	return fmt.Sprintf("%016d", n+1)
}

// app returns what the run is a run of.
func (r *run) app() apps.App {
	app, _ := apps.Find(r.WorkflowID)
	return app
}

// missing reports whether an output was asked for and is not there yet.
func (r *run) missing(output int) bool {
	i := slices.Index(r.Indexes, output)
	return i >= 0 && r.Outputs[i].Status == "pending"
}

// cost is what the run costs when it completes.
func (r *run) cost() float64 {
	return r.app().Credits(func(output int) bool { return slices.Contains(r.Indexes, output) })
}

// count brings the progress up to date with the outputs.
func (r *run) count() {
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

// fail ends the run, and with it the outputs that are not there.
func (r *run) fail(message string) {
	r.Status, r.ErrorMessage = api.Failed, &message
	for i, o := range r.Outputs {
		if o.Status == "pending" {
			r.Outputs[i].Type = r.app().Outputs[r.Indexes[i]].Type
			r.Outputs[i].Status, r.Outputs[i].Error = "error", &message
		}
	}
}

// changeRun changes a run that is not final, and tells those who watch. A run that fn ends is settled with it: taken
// from the queue, paid for, and its webhook made ready. It fails with errFinal, or as fn does.
func (s *Server) changeRun(id string, fn func(tx *tx, r *run) error) error {
	err := s.store.update(func(tx *tx) error {
		r, ok := get[run](tx, bucketRuns, id)
		if !ok || r.Status.Final() {
			return errFinal
		}
		if err := fn(tx, &r); err != nil {
			return err
		}
		r.count()
		if r.Status.Final() {
			s.settle(tx, &r)
		}
		put(tx, bucketRuns, id, r)
		return nil
	})
	if err == nil {
		s.runsChanged.notify()
		s.outboxChanged.notify()
	}
	return err
}

func (s *Server) settle(tx *tx, r *run) {
	now := s.now()
	r.CompletedAt = &now
	tx.remove(bucketQueue, r.Order)
	if r.Status == api.Completed {
		charge(tx, r.WorkspaceID, r.cost())
	}
	if r.WebhookURL != "" {
		s.addDelivery(tx, r)
	}
}

// findRun returns a run of the caller's workspace. Others are not there for them.
func (s *Server) findRun(r *http.Request, p principal) (run, error) {
	var found run
	var ok bool
	s.store.view(func(tx *tx) { found, ok = get[run](tx, bucketRuns, r.PathValue("runId")) })
	if !ok || found.WorkspaceID != p.WorkspaceID {
		return run{}, notFound("Run not found")
	}
	return found, nil
}

func (s *Server) getRun(w http.ResponseWriter, r *http.Request, p principal) error {
	found, err := s.findRun(r, p)
	if err != nil {
		return err
	}
	return writeData(w, http.StatusOK, found.Run)
}

func (s *Server) startRun(w http.ResponseWriter, r *http.Request, p principal) error {
	app, err := findApp(r)
	if err != nil {
		return err
	}
	webhookURL := r.URL.Query().Get("webhook")
	if r.URL.Query().Has("webhook") {
		if err := checkWebhookURL(webhookURL); err != nil {
			return err
		}
	}
	var req api.StartRun
	if err := decodeBody(w, r, &req); err != nil {
		return err
	}
	inputs, problems := resolveInputs(app, req.Inputs)
	indexes, more := selectOutputs(app, req.Outputs)
	if problems = append(problems, more...); len(problems) > 0 {
		return invalid("Invalid inputs", problems...)
	}
	started := newRun(app, p, inputs, indexes)
	started.WebhookURL, started.CreatedAt = webhookURL, s.now()
	if err := s.enqueue(started); err != nil {
		return err
	}
	return writeData(w, http.StatusAccepted, api.RunStarted{
		RunID: started.RunID, WorkflowID: app.ID, WorkflowName: app.Name, Status: api.Queued, WebhookURL: webhookURL,
		Outputs: started.Outputs,
	})
}

func newRun(app apps.App, p principal, inputs apps.Inputs, indexes []int) run {
	r := run{
		Run:    api.Run{RunID: newUUID(), WorkflowID: app.ID, Status: api.Queued, Progress: &api.Progress{}},
		UserID: p.UserID, WorkspaceID: p.WorkspaceID, Inputs: inputs, Indexes: indexes,
	}
	for _, i := range indexes {
		r.Outputs = append(r.Outputs, api.Output{ID: newUUID(), Label: app.Outputs[i].Label, Type: "pending", Status: "pending"})
	}
	r.count()
	return r
}

// enqueue stores a run and hands it to the workers, if they have room.
func (s *Server) enqueue(r run) error {
	select {
	case <-s.done:
		return unavailable("The platform is shutting down")
	default:
	}
	err := s.store.update(func(tx *tx) error {
		if len(tx.keys(bucketQueue)) >= maxUnfinished {
			return unavailable(fmt.Sprintf("%d runs are waiting already", maxUnfinished))
		}
		r.Order = nextOrder(tx)
		put(tx, bucketRuns, r.RunID, r)
		put(tx, bucketQueue, r.Order, r.RunID)
		return nil
	})
	if err == nil {
		s.wakeWorkers()
	}
	return err
}

// checkWebhookURL refuses what no delivery can be made to.
func checkWebhookURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return &apiError{
			status: http.StatusBadRequest, code: "WEBHOOK_INVALID_URL",
			message: "The webhook must be an http or https URL",
		}
	}
	return nil
}

func (s *Server) listRuns(w http.ResponseWriter, r *http.Request, p principal) error {
	q := &query{r: r}
	status := q.choice("status", "queued", "running", "completed", "failed", "cancelled")
	limit, offset := q.number("limit", 25, 1, 100), q.number("offset", 0, 0, 1<<31-1)
	since := q.instant("since")
	if err := q.err(); err != nil {
		return err
	}
	appID := r.URL.Query().Get("appId")
	if app, ok := apps.Find(appID); ok {
		appID = app.ID
	}
	var runs []run
	s.store.view(func(tx *tx) { runs = list[run](tx, bucketRuns) })
	runs = slices.DeleteFunc(runs, func(r run) bool {
		return r.WorkspaceID != p.WorkspaceID || status != "" && string(r.Status) != status ||
			appID != "" && r.WorkflowID != appID || r.CreatedAt.Before(since)
	})
	slices.SortFunc(runs, func(a, b run) int { return cmp.Compare(b.Order, a.Order) })
	summaries := []api.RunSummary{}
	for _, r := range page(runs, limit, offset) {
		summaries = append(summaries, api.RunSummary{
			RunID: r.RunID, WorkflowID: r.WorkflowID, Status: r.Status, Source: "api_app", ErrorMessage: r.ErrorMessage,
			StartedAt: r.StartedAt, CompletedAt: r.CompletedAt, CreatedAt: r.CreatedAt,
		})
	}
	writePage(w, summaries, len(runs), limit, offset)
	return nil
}

// page returns up to limit of the values, from offset on.
func page[T any](all []T, limit, offset int) []T {
	all = all[min(offset, len(all)):]
	return all[:min(limit, len(all))]
}

func writePage(w http.ResponseWriter, data any, total, limit, offset int) {
	writeJSON(w, http.StatusOK, envelope{Data: data, Pagination: &api.Pagination{Total: total, Limit: limit, Offset: offset}})
}

// cancelRun ends a run that has not ended. A run that has is answered as it is.
func (s *Server) cancelRun(w http.ResponseWriter, r *http.Request, p principal) error {
	found, err := s.findRun(r, p)
	if err != nil {
		return err
	}
	err = s.changeRun(found.RunID, func(_ *tx, r *run) error {
		message := "The run was cancelled"
		r.Status, r.ErrorMessage = api.Cancelled, &message
		return nil
	})
	if err != nil && !errors.Is(err, errFinal) {
		return err
	}
	s.stopWork(found.RunID)
	if found, err = s.findRun(r, p); err != nil {
		return err
	}
	return writeData(w, http.StatusOK, api.CancelledRun{RunID: found.RunID, Status: found.Status})
}

// waitForRun answers when a run ends or the time is over, whichever comes first.
func (s *Server) waitForRun(w http.ResponseWriter, r *http.Request, p principal) error {
	q := &query{r: r}
	seconds := q.number("timeout", 60, 1, 120)
	if err := q.err(); err != nil {
		return err
	}
	over := s.timing.after(time.Duration(seconds) * time.Second)
	timedOut := false
	for {
		changed := s.runsChanged.next()
		found, err := s.findRun(r, p)
		if err != nil {
			return err
		}
		if timedOut || found.Status.Final() {
			timeout := !found.Status.Final()
			writeJSON(w, http.StatusOK, envelope{Data: found.Run, Timeout: &timeout})
			return nil
		}
		select {
		case <-changed:
		case <-over:
			timedOut = true
		case <-r.Context().Done():
			return nil
		case <-s.done:
			return unavailable("The platform is shutting down")
		}
	}
}

// complete records a finished output.
func (r *run) complete(index int, o apps.Output, res apps.Result, value string) {
	i := slices.Index(r.Indexes, index)
	out := &r.Outputs[i]
	out.Type, out.Status, out.MimeType, out.ContentDescription = o.Type, "completed", o.MimeType, res.Description
	out.Value, _ = json.Marshal(strings.ToValidUTF8(value, "\uFFFD")) // a string always has a JSON form
	out.DurationSeconds = res.DurationSeconds
	if res.Size.X > 0 {
		out.Dimensions = &api.Dimensions{Width: res.Size.X, Height: res.Size.Y}
	}
}
