package lamina

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// An event is one server-sent event.
type event struct{ name, data string }

// stream opens the event stream of a run. next returns the next event, or an empty one at the end.
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
		rg.T.Fatalf("stream: got %d %v, want 200 text/event-stream", resp.StatusCode, resp.Header)
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
				rg.T.Errorf("stream: got the line %q, want event or data", lines.Text())
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
		t.Errorf("event: got %+v, want progress at 0", e)
	}
	rg.Fire(pingEvery)
	if e := next(); e.name != "ping" || e.data != strconv.FormatInt(rg.Clock.Now().UnixMilli(), 10) {
		t.Errorf("event: got %+v, want a ping with the time", e)
	}
	rg.Fire(time.Second)
	if e := next(); e.name != "progress" || *e.run(t).Progress.PercentComplete != 50 {
		t.Errorf("event: got %+v, want progress at 50", e)
	}
	rg.Fire(pingEvery)
	if e := next(); e.name != "ping" {
		t.Errorf("event: got %+v, want a ping", e)
	}
	rg.Fire(time.Second)
	if e := next(); e.name != "complete" || e.run(t).Status != api.Completed {
		t.Errorf("event: got %+v, want complete", e)
	}
	if e := next(); e != (event{}) {
		t.Errorf("after the last event: got %+v, want the end", e)
	}
	if e := rg.stream(id)(); e.name != "complete" {
		t.Errorf("event of a finished run: got %+v, want complete", e)
	}
}

func TestStreamOfACancelledRun(t *testing.T) {
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
		t.Errorf("event: got %+v, want error with a cancelled run", e)
	}
	if e := next(); e != (event{}) {
		t.Errorf("after the last event: got %+v, want the end", e)
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
		t.Errorf("event: got %+v, want timeout with a message", e)
	}
	if e := next(); e != (event{}) {
		t.Errorf("after the last event: got %+v, want the end", e)
	}
}
