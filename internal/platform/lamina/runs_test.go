package lamina

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestRunGoesFromQueuedToCompleted(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	started := wiretest.Data[api.RunStarted](rg.Call("POST", "/v1/apps/countdown/runs", `{"inputs":{"seconds":"2"}}`).Want(202))
	countdown, _ := apps.Find("countdown")
	if started.Status != api.Queued || started.WorkflowID != countdown.ID || started.WorkflowName != "Countdown" {
		t.Errorf("started: got %+v, want a queued run of Countdown", started)
	}
	r := rg.running(started.RunID)
	if r.StartedAt == nil || r.CompletedAt != nil || !r.CreatedAt.Equal(rg.Clock.Now()) {
		t.Errorf("running: got %+v, want a start, no end, and the time of the clock", r)
	}
	rg.Fire(time.Second)
	rg.Await("half of it", func() bool {
		r = wiretest.Data[api.Run](rg.Call("GET", "/v1/runs/"+started.RunID, nil))
		return *r.Progress.PercentComplete == 50
	})
	if r.Outputs[0].Status != "completed" || r.Outputs[1].Status != "pending" || r.Progress.CompletedOutputs != 1 {
		t.Errorf("halfway: got %+v, want one of two outputs", r)
	}
	rg.Fire(time.Second)
	r = rg.finish(started.RunID)
	if r.Status != api.Completed || *r.Progress.PercentComplete != 100 || r.CompletedAt == nil || value(t, r.Outputs[1]) != "2\n1\n0" {
		t.Errorf("completed: got %+v, want 100 percent, an end, and the log", r)
	}
}

func TestFailedRunKeepsItsOutputs(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rg.Timers.Release(time.Second)
	r := rg.finish(rg.start("countdown", map[string]any{"seconds": "2", "ending": "Fail"}))
	if r.Status != api.Failed || !strings.Contains(text(r.ErrorMessage), "failed at its end") {
		t.Errorf("run: got %+v, want failed, with the message of the app", r)
	}
	if r.Outputs[0].Status != "completed" || r.Outputs[1].Status != "error" || r.Outputs[1].Error == nil || r.Progress.FailedOutputs != 1 {
		t.Errorf("outputs: got %+v, want one completed and one failed", r.Outputs)
	}
	if u := wiretest.Data[usage](rg.Call("GET", "/v1/account/usage", nil)); u.Credits.TotalSpent != 0 {
		t.Errorf("credits of a failed run: got %v, want 0", u.Credits.TotalSpent)
	}
}

func TestRunWithoutCredits(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rg.Update(func(tx *wire.Tx) { wire.Put(tx, bucketLedgers, "wsp_atelier", ledger{Earned: 5.4}) })
	holding := rg.start("countdown", map[string]any{"seconds": "5"}) // will cost 0.5
	rg.running(holding)
	r := rg.finish(rg.start("poster", map[string]any{"text": "x"})) // costs 5
	if r.Status != api.Failed || text(r.ErrorMessage) != "Insufficient credits" {
		t.Errorf("run: got %+v, want failed: Insufficient credits", r)
	}
	rg.Call("POST", "/v1/runs/"+holding+"/cancel", nil).Want(200)
	rg.make("poster", map[string]any{"text": "x"})
	if r := rg.finish(rg.start("countdown", map[string]any{"seconds": "0"})); text(r.ErrorMessage) != "Insufficient credits" {
		t.Errorf("run: got %+v, want failed: Insufficient credits", r)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	id := rg.start("countdown", map[string]any{"seconds": "100"})
	rg.running(id)
	for range 2 { // a second cancel has the same result
		if c := wiretest.Data[api.CancelledRun](rg.Call("POST", "/v1/runs/"+id+"/cancel", nil).Want(200)); c.RunID != id || c.Status != api.Cancelled {
			t.Errorf("cancel: got %+v, want %s cancelled", c, id)
		}
	}
	rg.Await("the worker to be free", func() bool {
		rg.s.claimed.Lock()
		defer rg.s.claimed.Unlock()
		return len(rg.s.claimed.runs) == 0
	})
	if r := rg.finish(id); r.Status != api.Cancelled || r.CompletedAt == nil || r.Outputs[0].Status != "cancelled" || r.ErrorMessage == nil {
		t.Errorf("run: got %+v, want cancelled, with an end and a cancelled output", r)
	}
	done := rg.make("countdown", map[string]any{"seconds": "0"})
	if c := wiretest.Data[api.CancelledRun](rg.Call("POST", "/v1/runs/"+done.RunID+"/cancel", nil).Want(200)); c.Status != api.Completed {
		t.Errorf("cancelling a completed run: got %s, want completed", c.Status)
	}
	rg.Call("POST", "/v1/runs/none/cancel", nil).WantError(404, "NOT_FOUND")
}

func TestCancelInTheQueue(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for range workerCount {
		rg.running(rg.start("countdown", nil))
	}
	waiting := rg.start("countdown", nil)
	rg.Call("POST", "/v1/runs/"+waiting+"/cancel", nil).Want(200)
	if r := rg.finish(waiting); r.Status != api.Cancelled || r.StartedAt != nil || r.Progress.PercentComplete != nil {
		t.Errorf("run: got %+v, want cancelled without a start", r)
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	rg := newRigWith(t, "", Options{Capacity: 7}, nil)
	for range 7 {
		rg.start("countdown", nil)
	}
	if e := rg.Call("POST", "/v1/apps/countdown/runs", `{}`).WantError(503, "RESOURCE_UNAVAILABLE"); !e.Retryable {
		t.Errorf("error: got %+v, want retryable", e)
	}
}

func TestNoRunStartsDuringShutdown(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	waiting := rg.start("countdown", nil)
	rg.running(waiting)
	answered := make(chan wiretest.Reply, 1)
	go func() { answered <- rg.Call("GET", "/v1/runs/"+waiting+"/wait", nil) }()
	rg.Await("the request to wait", func() bool {
		return rg.Timers.Pending(time.Minute) == 1
	})
	rg.s.stop()
	(<-answered).WantError(503, "RESOURCE_UNAVAILABLE")
	rg.Call("POST", "/v1/apps/countdown/runs", `{}`).WantError(503, "RESOURCE_UNAVAILABLE")
}

func TestWait(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	id := rg.start("countdown", nil)
	answered := make(chan wiretest.Reply, 1)
	go func() { answered <- rg.Call("GET", "/v1/runs/"+id+"/wait?timeout=7", nil) }()
	rg.Fire(7 * time.Second)
	e := wiretest.Decode[envelope]((<-answered).Want(200))
	if e.Timeout == nil || !*e.Timeout {
		t.Errorf("wait: got %+v, want a timeout", e)
	}
	go func() { answered <- rg.Call("GET", "/v1/runs/"+id+"/wait", nil) }()
	rg.Timers.Release(time.Second)
	r := (<-answered).Want(200)
	if e = wiretest.Decode[envelope](r); *e.Timeout || wiretest.Data[api.Run](r).Status != api.Completed {
		t.Errorf("wait: got %s, want completed without a timeout", r.Body)
	}
	for _, bad := range []string{"0", "121", "-1", "x", "1.5"} {
		rg.Call("GET", "/v1/runs/"+id+"/wait?timeout="+bad, nil).WantError(400, "VALIDATION_ERROR")
	}
	rg.Call("GET", "/v1/runs/none/wait", nil).WantError(404, "NOT_FOUND")
}

func TestListRuns(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	var ids []string
	for i := range 5 {
		ids = append(ids, rg.start("countdown", map[string]any{"seconds": "0"}))
		rg.finish(ids[i])
		if i == 2 {
			rg.Clock.Advance(time.Hour)
		}
	}
	failed := rg.finish(rg.start("countdown", map[string]any{"seconds": "bad"})).RunID
	palette := rg.finish(rg.start("palette", map[string]any{"image": "data:,x"})).RunID
	countdown, _ := apps.Find("countdown")
	newest := []string{palette, failed, ids[4], ids[3], ids[2], ids[1], ids[0]}
	tests := []struct {
		query string
		want  []string
		total int
	}{
		{"", newest, 7},
		{"?limit=2", newest[:2], 7},
		{"?limit=2&offset=6", newest[6:], 7},
		{"?offset=100", nil, 7},
		{"?status=failed", newest[:2], 2},
		{"?status=running", nil, 0},
		{"?appId=" + countdown.ID, newest[1:], 6},
		{"?appId=PALETTE&status=failed", newest[:1], 1},
		{"?appId=unknown", nil, 0},
		{"?since=" + url.QueryEscape(rg.Clock.Now().Format(time.RFC3339)), newest[:4], 4},
		{"?since=2026-05-02", nil, 0},
		{"?since=2026-05-01", newest, 7},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			r := rg.Call("GET", "/v1/runs"+tt.query, nil).Want(200)
			var got []string
			for _, s := range wiretest.Data[[]api.RunSummary](r) {
				got = append(got, s.RunID)
			}
			total := wiretest.Decode[envelope](r).Pagination.Total
			if !slices.Equal(got, tt.want) || total != tt.total {
				t.Errorf("got %d of %d runs, want %d of %d", len(got), total, len(tt.want), tt.total)
			}
		})
	}
	e := rg.Call("GET", "/v1/runs?limit=0&offset=-1&status=done&since=yesterday", nil).WantError(400, "VALIDATION_ERROR")
	if problems := decode[[]wire.Problem](t, e.Details); len(problems) != 4 {
		t.Errorf("details: got %s, want 4 problems", e.Details)
	}
}

func TestWorkspacesAreIsolated(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	id := rg.make("countdown", map[string]any{"seconds": "0"}).RunID
	other := []string{"X-Api-Key", rg.NewKey(Service, "", "wsp_northwind")}
	for _, path := range []string{"", "/wait", "/stream"} {
		rg.Call("GET", "/v1/runs/"+id+path, nil, other...).WantError(404, "NOT_FOUND")
	}
	rg.Call("POST", "/v1/runs/"+id+"/cancel", nil, other...).WantError(404, "NOT_FOUND")
	if runs := wiretest.Data[[]api.RunSummary](rg.Call("GET", "/v1/runs", nil, other...).Want(200)); len(runs) != 0 {
		t.Errorf("runs of another workspace: got %d, want 0", len(runs))
	}
	if assets := wiretest.Data[[]assetEntry](rg.Call("GET", "/v1/assets", nil, other...).Want(200)); len(assets) != 0 {
		t.Errorf("assets of another workspace: got %d, want 0", len(assets))
	}
	if u := wiretest.Data[usage](rg.Call("GET", "/v1/account/usage", nil, other...).Want(200)); u.Credits.TotalSpent != 0 {
		t.Errorf("credits for another workspace: got %v, want 0", u.Credits.TotalSpent)
	}
}

func TestRunsSurviveARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	before := newRigAt(t, file)
	done := before.make("poster", map[string]any{"text": "Kept", "aspect_ratio": "1:1"})
	var unfinished []string
	for range workerCount + 1 { // the last run stays in the queue
		unfinished = append(unfinished, before.start("countdown", map[string]any{"seconds": "4"}))
	}
	for _, id := range unfinished[:workerCount] {
		before.running(id)
	}
	for range 2 {
		before.FireAll(time.Second, workerCount)
	}
	before.Await("all first outputs", func() bool {
		return !slices.ContainsFunc(unfinished[:workerCount], func(id string) bool {
			return wiretest.Data[api.Run](before.Call("GET", "/v1/runs/"+id, nil)).Progress.CompletedOutputs == 0
		})
	})
	answered := wiretest.Data[api.Run](before.Call("GET", "/v1/runs/"+unfinished[0], nil))
	before.close()

	after := newRigAt(t, file)
	after.Timers.Release(time.Second)
	for _, id := range unfinished {
		if r := after.finish(id); r.Status != api.Completed || r.Progress.CompletedOutputs != 2 {
			t.Errorf("run %s after a restart: got %+v, want completed with two outputs", id, r)
		}
	}
	r := wiretest.Data[api.Run](after.Call("GET", "/v1/runs/"+unfinished[0], nil))
	if !r.StartedAt.Equal(*answered.StartedAt) || string(r.Outputs[0].Value) != string(answered.Outputs[0].Value) || r.Outputs[0].ID != answered.Outputs[0].ID {
		t.Errorf("run after a restart: got %+v, want what was answered before: %+v", r, answered)
	}
	u, err := url.Parse(value(t, done.Outputs[0]))
	if err != nil {
		t.Fatal(err)
	}
	if got := after.Call("GET", u.Path, nil).Want(200); got.Header.Get("Content-Type") != "image/png" {
		t.Errorf("file after a restart: got %v, want an image/png", got.Header)
	}
}

func TestPanickingAppFails(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	rg := newRigWith(t, "", Options{}, func(d *wire.Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	id := rg.start("countdown", nil)
	r, _ := rg.stored(id)
	r.Inputs = nil
	r.Indexes = nil
	r.Outputs = nil
	r.WorkflowID = "gone" // an unknown app: its Make is nil
	if err := rg.s.runApp(t.Context(), r, rg.Deps.Timing.NewSleeper(rg.Deps.Clock)); err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("runApp: got %v, want a panic", err)
	}
	if text := log.String(); !strings.Contains(text, "run="+id) || strings.Count(text, "\n") != 1 {
		t.Errorf("log: got %q, want one line with the id of the run", text)
	}
}

func (rg *rig) stored(id string) (r run, ok bool) {
	rg.Deps.Store.View(func(tx *wire.Tx) { r, ok = wire.Get[run](tx, bucketRuns, id) })
	return r, ok
}

func TestConcurrentRuns(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	ids := make(chan string)
	for i := range 12 {
		go func() {
			ids <- rg.start("countdown", map[string]any{"seconds": "0", "ending": []string{"Complete", "Fail"}[i%2]}, "Log")
		}()
	}
	count := map[api.Status]int{}
	for range 12 {
		count[rg.finish(<-ids).Status]++
	}
	if got := fmt.Sprint(count); got != "map[completed:6 failed:6]" {
		t.Errorf("runs by status: got %s, want 6 completed and 6 failed", got)
	}
}
