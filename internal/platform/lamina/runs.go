package lamina

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// findRun returns a run of an app in the principal's workspace. A run of another workspace or family is not found.
func (s *Server) findRun(r *http.Request, p wire.Principal) (run, error) {
	found, err := s.findAnyRun(r, p)
	if err == nil && found.Family != familyApps {
		err = wire.NotFound("Run not found")
	}
	return found, err
}

// findAnyRun returns a run of any family in the principal's workspace.
func (s *Server) findAnyRun(r *http.Request, p wire.Principal) (run, error) {
	var found run
	var ok bool
	s.Store.View(func(tx *wire.Tx) { found, ok = wire.Get[run](tx, bucketRuns, r.PathValue("runId")) })
	if !ok || found.WorkspaceID != p.WorkspaceID {
		return run{}, wire.NotFound("Run not found")
	}
	return found, nil
}

func (s *Server) startRun(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	if err := s.acceptKey(w, r); err != nil {
		return err
	}
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
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	inputs, problems := resolveInputs(app, req.Inputs)
	indexes, more := selectOutputs(app, req.Outputs)
	if problems = append(problems, more...); len(problems) > 0 {
		return wire.Invalid("Invalid inputs", problems...)
	}
	started := newRun(app, p, inputs, indexes)
	started.WebhookURL, started.IdempotencyKey = webhookURL, idempotencyKey(r)
	started, err = s.enqueueOnce(started, digestStart(app.ID, webhookURL, req))
	if err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusAccepted, api.RunStarted{
		RunID: started.RunID, WorkflowID: app.ID, WorkflowName: app.Name, Status: api.Queued, WebhookURL: webhookURL,
		Outputs: started.pendingOutputs(),
	})
}

// checkWebhookURL refuses a URL to which no delivery can be sent.
func checkWebhookURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return &wire.Error{
			Status: http.StatusBadRequest, Code: "WEBHOOK_INVALID_URL",
			Message: "The webhook must be an http or https URL",
		}
	}
	return nil
}

func (s *Server) listRuns(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	q := wire.NewQuery(r)
	status := q.Choice("status", "queued", "running", "completed", "failed", "cancelled")
	limit, offset := q.Number("limit", 25, 1, 100), q.Number("offset", 0, 0, 1<<31-1)
	since := q.Time("since")
	if err := q.Err(); err != nil {
		return err
	}
	appID := r.URL.Query().Get("appId")
	if app, ok := apps.Find(appID); ok {
		appID = app.ID
	}
	query := runQuery{groupKey{p.WorkspaceID, familyApps, appID}, status, since, limit, offset}
	var (
		ids     []string
		records [][]byte
		total   int
	)
	s.Store.View(func(tx *wire.Tx) {
		ids, total = s.index.find(query)
		for _, id := range ids {
			records = append(records, tx.Bytes(bucketRuns, id))
		}
	})
	summaries := []api.RunSummary{}
	for i, id := range ids {
		r := wire.Decode[api.RunSummary](bucketRuns, id, records[i]) // a part of a run
		r.Source = "api_app"
		summaries = append(summaries, r)
	}
	writePage(w, summaries, total, limit, offset)
	return nil
}

// cancelRun ends a run of any family: the API has no other address for it. It answers with the status of a run that has ended.
func (s *Server) cancelRun(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	found, err := s.findAnyRun(r, p)
	if err != nil {
		return err
	}
	err = s.changeRun(found.RunID, func(_ *wire.Tx, r *run) error {
		r.cancel()
		return nil
	})
	if err != nil && !errors.Is(err, errFinal) {
		return err
	}
	s.stopWork(found.RunID)
	if found, err = s.findAnyRun(r, p); err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusOK, api.CancelledRun{RunID: found.RunID, Status: found.Status})
}

// waitForRun answers when a run ends, or at the timeout.
func (s *Server) waitForRun(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	q := wire.NewQuery(r)
	seconds := q.Number("timeout", 60, 1, 120)
	if err := q.Err(); err != nil {
		return err
	}
	timeout := s.Timing.After(time.Duration(seconds) * time.Second)
	timedOut := false
	for {
		changed := s.runsChanged.next()
		found, err := s.findRun(r, p)
		if err != nil {
			return err
		}
		if timedOut || found.Status.Final() {
			isUnfinished := !found.Status.Final()
			wire.WriteJSON(w, http.StatusOK, envelope{Data: found.Run, Timeout: &isUnfinished})
			return nil
		}
		select {
		case <-changed:
		case <-timeout:
			timedOut = true
		case <-r.Context().Done():
			return nil
		case <-s.done:
			return wire.Unavailable("The platform is shutting down")
		}
	}
}
