package lamina

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
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
		t.Errorf("%+v", started)
	}
	r := rg.running(started.RunID)
	if r.StartedAt == nil || r.CompletedAt != nil || !r.CreatedAt.Equal(rg.Clock.Now()) {
		t.Errorf("running: %+v", r)
	}
	rg.Fire(time.Second)
	rg.Await("half of it", func() bool {
		r = wiretest.Data[api.Run](rg.Call("GET", "/v1/runs/"+started.RunID, nil))
		return *r.Progress.PercentComplete == 50
	})
	if r.Outputs[0].Status != "completed" || r.Outputs[1].Status != "pending" || r.Progress.CompletedOutputs != 1 {
		t.Errorf("halfway: %+v", r)
	}
	rg.Fire(time.Second)
	r = rg.finish(started.RunID)
	if r.Status != api.Completed || *r.Progress.PercentComplete != 100 || r.CompletedAt == nil || value(t, r.Outputs[1]) != "2\n1\n0" {
		t.Errorf("completed: %+v", r)
	}
}

func TestFailedRunKeepsWhatItMade(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rg.Timers.Release(time.Second)
	r := rg.finish(rg.start("countdown", map[string]any{"seconds": "2", "ending": "Fail"}))
	if r.Status != api.Failed || !strings.Contains(text(r.ErrorMessage), "failed at its end") {
		t.Errorf("%+v", r)
	}
	if r.Outputs[0].Status != "completed" || r.Outputs[1].Status != "error" || r.Outputs[1].Error == nil || r.Progress.FailedOutputs != 1 {
		t.Errorf("%+v", r.Outputs)
	}
	if u := wiretest.Data[usage](rg.Call("GET", "/v1/account/usage", nil)); u.Credits.TotalSpent != 0 {
		t.Errorf("a failed run cost %v", u.Credits.TotalSpent)
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
		t.Errorf("%+v", r)
	}
	rg.Call("POST", "/v1/runs/"+holding+"/cancel", nil).Want(200)
	rg.make("poster", map[string]any{"text": "x"})
	if r := rg.finish(rg.start("countdown", map[string]any{"seconds": "0"})); text(r.ErrorMessage) != "Insufficient credits" {
		t.Errorf("%+v", r)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	id := rg.start("countdown", map[string]any{"seconds": "100"})
	rg.running(id)
	for range 2 { // a second time changes nothing
		if c := wiretest.Data[api.CancelledRun](rg.Call("POST", "/v1/runs/"+id+"/cancel", nil).Want(200)); c.RunID != id || c.Status != api.Cancelled {
			t.Errorf("%+v", c)
		}
	}
	rg.Await("the worker to be free", func() bool {
		rg.s.claimed.Lock()
		defer rg.s.claimed.Unlock()
		return len(rg.s.claimed.runs) == 0
	})
	if r := rg.finish(id); r.Status != api.Cancelled || r.CompletedAt == nil || r.Outputs[0].Status != "pending" || r.ErrorMessage == nil {
		t.Errorf("%+v", r)
	}
	done := rg.make("countdown", map[string]any{"seconds": "0"})
	if c := wiretest.Data[api.CancelledRun](rg.Call("POST", "/v1/runs/"+done.RunID+"/cancel", nil).Want(200)); c.Status != api.Completed {
		t.Errorf("a completed run became %s", c.Status)
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
		t.Errorf("%+v", r)
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for range maxUnfinished {
		rg.start("countdown", nil)
	}
	if e := rg.Call("POST", "/v1/apps/countdown/runs", `{}`).WantError(503, "RESOURCE_UNAVAILABLE"); !e.Retryable {
		t.Errorf("%+v", e)
	}
}

func TestNothingStartsWhileShuttingDown(t *testing.T) {
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
		t.Errorf("%+v", e)
	}
	go func() { answered <- rg.Call("GET", "/v1/runs/"+id+"/wait", nil) }()
	rg.Timers.Release(time.Second)
	r := (<-answered).Want(200)
	if e = wiretest.Decode[envelope](r); *e.Timeout || wiretest.Data[api.Run](r).Status != api.Completed {
		t.Errorf("%s", r.Body)
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
		r := rg.Call("GET", "/v1/runs"+tt.query, nil).Want(200)
		var got []string
		for _, s := range wiretest.Data[[]api.RunSummary](r) {
			got = append(got, s.RunID)
		}
		e := wiretest.Decode[envelope](r)
		if !slices.Equal(got, tt.want) || e.Pagination.Total != tt.total {
			t.Errorf("%s: %d of %d runs, want %d of %d", tt.query, len(got), e.Pagination.Total, len(tt.want), tt.total)
		}
	}
	e := rg.Call("GET", "/v1/runs?limit=0&offset=-1&status=done&since=yesterday", nil).WantError(400, "VALIDATION_ERROR")
	if problems := decode[[]wire.Problem](t, e.Details); len(problems) != 4 {
		t.Errorf("%s", e.Details)
	}
}

func TestWorkspacesDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	id := rg.make("countdown", map[string]any{"seconds": "0"}).RunID
	other := []string{"X-Api-Key", rg.NewKey(Service, "", "wsp_northwind")}
	for _, path := range []string{"", "/wait", "/stream"} {
		rg.Call("GET", "/v1/runs/"+id+path, nil, other...).WantError(404, "NOT_FOUND")
	}
	rg.Call("POST", "/v1/runs/"+id+"/cancel", nil, other...).WantError(404, "NOT_FOUND")
	if runs := wiretest.Data[[]api.RunSummary](rg.Call("GET", "/v1/runs", nil, other...).Want(200)); len(runs) != 0 {
		t.Errorf("sees %d runs", len(runs))
	}
	if assets := wiretest.Data[[]assetEntry](rg.Call("GET", "/v1/assets", nil, other...).Want(200)); len(assets) != 0 {
		t.Errorf("sees %d assets", len(assets))
	}
	if u := wiretest.Data[usage](rg.Call("GET", "/v1/account/usage", nil, other...).Want(200)); u.Credits.TotalSpent != 0 {
		t.Errorf("paid %v for the other", u.Credits.TotalSpent)
	}
}

// An event is one server-sent event.
type event struct{ name, data string }

// stream follows a run. next returns the next event, or an empty one at the end.
func (rg *rig) stream(id string) (next func() event) {
	rg.T.Helper()
	req, err := http.NewRequestWithContext(rg.T.Context(), http.MethodGet, rg.URL+"/v1/runs/"+id+"/stream", nil)
	if err != nil {
		rg.T.Fatal(err)
	}
	req.Header.Set("X-Api-Key", rg.key)
	resp, err := rg.HTTP.Do(req)
	if err != nil {
		rg.T.Fatal(err)
	}
	rg.T.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		rg.T.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	return func() (e event) {
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				return e
			default:
				rg.T.Errorf("unknown line %q", lines.Text())
			}
		}
		return event{}
	}
}

func (e event) run(t *testing.T) api.Run {
	t.Helper()
	return decode[api.Run](t, []byte(e.data))
}

func TestStream(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	id := rg.start("countdown", map[string]any{"seconds": "2"}, "Log")
	rg.running(id)
	next := rg.stream(id)
	if e := next(); e.name != "progress" || e.run(t).Status != api.Running || *e.run(t).Progress.PercentComplete != 0 {
		t.Errorf("%+v", e)
	}
	rg.Fire(pingEvery)
	if e := next(); e.name != "ping" || e.data != strconv.FormatInt(rg.Clock.Now().UnixMilli(), 10) {
		t.Errorf("%+v", e)
	}
	rg.Fire(time.Second)
	if e := next(); e.name != "progress" || *e.run(t).Progress.PercentComplete != 50 {
		t.Errorf("%+v", e)
	}
	rg.Fire(pingEvery)
	if e := next(); e.name != "ping" {
		t.Errorf("%+v", e)
	}
	rg.Fire(time.Second)
	if e := next(); e.name != "complete" || e.run(t).Status != api.Completed {
		t.Errorf("%+v", e)
	}
	if e := next(); e != (event{}) {
		t.Errorf("after the end: %+v", e)
	}
	if e := rg.stream(id)(); e.name != "complete" {
		t.Errorf("on a finished run: %+v", e)
	}
}

func TestStreamOfARunThatEndsBadly(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	id := rg.start("countdown", nil)
	rg.running(id)
	next := rg.stream(id)
	next()
	rg.Call("POST", "/v1/runs/"+id+"/cancel", nil).Want(200)
	e := next()
	for e.name == "progress" {
		e = next()
	}
	if e.name != "error" || e.run(t).Status != api.Cancelled || e.run(t).ErrorMessage == nil {
		t.Errorf("%+v", e)
	}
	if e := next(); e != (event{}) {
		t.Errorf("after the end: %+v", e)
	}
	rg.Call("GET", "/v1/runs/none/stream", nil).WantError(404, "NOT_FOUND")
}

func TestStreamEndsAfterTenMinutes(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	id := rg.start("countdown", nil)
	next := rg.stream(id)
	rg.running(id)
	rg.Fire(10 * time.Minute)
	e := next()
	for e.name == "progress" {
		e = next()
	}
	if e.name != "timeout" || !strings.Contains(e.data, `"message"`) {
		t.Errorf("%+v", e)
	}
	if e := next(); e != (event{}) {
		t.Errorf("after the end: %+v", e)
	}
}

func TestRunsSurviveARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	before := newRigAt(t, file)
	done := before.make("poster", map[string]any{"text": "Kept", "aspect_ratio": "1:1"})
	var unfinished []string
	for range workerCount + 1 { // the last one stays in the queue
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
			t.Errorf("run %s: %+v", id, r)
		}
	}
	r := wiretest.Data[api.Run](after.Call("GET", "/v1/runs/"+unfinished[0], nil))
	if !r.StartedAt.Equal(*answered.StartedAt) || string(r.Outputs[0].Value) != string(answered.Outputs[0].Value) || r.Outputs[0].ID != answered.Outputs[0].ID {
		t.Errorf("what had been answered has changed: %+v, was %+v", r, answered)
	}
	u, err := url.Parse(value(t, done.Outputs[0]))
	if err != nil {
		t.Fatal(err)
	}
	if got := after.Call("GET", u.Path, nil).Want(200); got.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the file is %v", got.Header)
	}
}

func TestAppsThatPanicFail(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	rg := newRigWith(t, "", Options{}, func(d *wire.Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	id := rg.start("countdown", nil)
	r, _ := rg.stored(id)
	r.Inputs = nil
	r.Indexes = nil
	r.Outputs = nil
	r.WorkflowID = "gone" // an app of an older version: its Make is nil
	if err := rg.s.runApp(t.Context(), r); err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("%v", err)
	}
	if text := log.String(); !strings.Contains(text, "run="+id) || strings.Count(text, "\n") != 1 {
		t.Errorf("logged %q, want one line that names the run", text)
	}
}

func (rg *rig) stored(id string) (r run, ok bool) {
	rg.Deps.Store.View(func(tx *wire.Tx) { r, ok = wire.Get[run](tx, bucketRuns, id) })
	return r, ok
}

func TestRunsOfManyCallersAtOnce(t *testing.T) {
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
		t.Error(got)
	}
}
