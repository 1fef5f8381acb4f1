package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/uselamina/lamina/internal/api"
)

// A rig is a platform behind real HTTP, with a clock and timers that the test moves. All traffic below /v1 is
// validated against docs/openapi.yaml.
type rig struct {
	t      *testing.T
	s      *Server
	http   *httptest.Server
	key    string // of an API key in the first workspace
	clock  *testClock
	timers *testTimers
	router routers.Router
}

// newRig starts a platform. change, if not nil, adjusts its options.
func newRig(t *testing.T, change func(*Options)) *rig {
	t.Helper()
	rg := &rig{t: t, clock: &testClock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}, timers: newTestTimers()}
	rg.router = loadRouter(t)
	rg.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { rg.s.ServeHTTP(w, r) }))
	opts := Options{
		BaseURL: "http://" + rg.http.Listener.Addr().String(), RateLimit: -1, Now: rg.clock.Now,
		timing: &timing{after: rg.timers.after, retries: realTiming.retries},
	}
	if change != nil {
		change(&opts)
	}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	rg.s = s
	rg.http.Start()
	t.Cleanup(rg.close)
	if rg.key, _, err = s.NewAPIKey("test"); err != nil {
		t.Fatal(err)
	}
	return rg
}

func (rg *rig) close() {
	if rg.s == nil {
		return
	}
	s := rg.s
	if err := s.Close(); err != nil {
		rg.t.Error(err)
	}
	rg.http.Close()
	rg.s = nil
}

func loadRouter(t *testing.T) routers.Router {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil // the test's address is another
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// A reply is an answer with its body read.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// keyFor adds an API key for a workspace.
func (rg *rig) keyFor(workspaceID string) string {
	rg.t.Helper()
	key := "lma_" + randomToken(32)
	rg.update(func(tx *tx) {
		put(tx, bucketAPIKeys, rg.s.digest(key), apiKey{UserID: sampleUser.ID, WorkspaceID: workspaceID})
	})
	return key
}

func (rg *rig) update(fn func(tx *tx)) {
	rg.t.Helper()
	if err := rg.s.store.update(func(tx *tx) error { fn(tx); return nil }); err != nil {
		rg.t.Fatal(err)
	}
}

// call makes a request with the rig's key. body is sent as it is if it is a string, else as JSON; headers come in
// pairs, and an empty value removes one.
func (rg *rig) call(method, path string, body any, headers ...string) reply {
	rg.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			rg.t.Fatal(err)
		}
	}
	req := httptest.NewRequestWithContext(rg.t.Context(), method, rg.http.URL+path, bytes.NewReader(raw))
	req.RequestURI = ""
	req.Header.Set("X-Api-Key", rg.key)
	if raw != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Del(headers[i])
		if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := rg.http.Client().Do(req)
	if err != nil {
		rg.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		rg.t.Fatal(err)
	}
	req.Body = io.NopCloser(bytes.NewReader(raw))
	rg.validate(req, resp, answer)
	return reply{rg.t, resp.StatusCode, resp.Header, answer}
}

// validate checks an exchange against the description of the API. A request that was refused may be wrong; an answer
// may not.
func (rg *rig) validate(req *http.Request, resp *http.Response, body []byte) {
	rg.t.Helper()
	if !strings.HasPrefix(req.URL.Path, "/v1/") || req.Method == http.MethodHead {
		return
	}
	route, params, err := rg.router.FindRoute(req)
	if err != nil {
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			rg.t.Errorf("%s %s is not described, but was answered %d", req.Method, req.URL.Path, resp.StatusCode)
		}
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if resp.StatusCode < 400 {
		if err := openapi3filter.ValidateRequest(rg.t.Context(), input); err != nil {
			rg.t.Errorf("%s %s was accepted, against its description: %v", req.Method, req.URL, err)
		}
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	output.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(rg.t.Context(), output); err != nil {
		rg.t.Errorf("%s %s: the answer differs from its description: %v", req.Method, req.URL, err)
	}
}

// want fails the test if the status is another.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// wantError fails the test unless the reply is the error envelope with a status and a code.
func (r reply) wantError(status int, code string) api.ErrorBody {
	r.t.Helper()
	r.want(status)
	var e api.ErrorBody
	if err := json.Unmarshal(r.body, &e); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	if e.Code != code || e.RequestID == "" || e.RequestID != r.header.Get("X-Request-Id") {
		r.t.Errorf("got %s, want code %s and the request id %q", r.body, code, r.header.Get("X-Request-Id"))
	}
	return e
}

// data decodes what is in the envelope of a reply.
func data[T any](r reply) T {
	r.t.Helper()
	var e struct {
		Data T `json:"data"`
	}
	if err := json.Unmarshal(r.body, &e); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	return e.Data
}

// start starts a run and returns its id.
func (rg *rig) start(app string, inputs map[string]any, outputs ...string) string {
	rg.t.Helper()
	r := rg.call("POST", "/v1/apps/"+app+"/runs", api.StartRun{Inputs: inputs, Outputs: outputs})
	return data[api.RunStarted](r.want(http.StatusAccepted)).RunID
}

// finish waits for a run to end.
func (rg *rig) finish(id string) api.Run {
	rg.t.Helper()
	return data[api.Run](rg.call("GET", "/v1/runs/"+id+"/wait?timeout=120", nil).want(http.StatusOK))
}

// make starts a run and waits for it to complete.
func (rg *rig) make(app string, inputs map[string]any, outputs ...string) api.Run {
	rg.t.Helper()
	r := rg.finish(rg.start(app, inputs, outputs...))
	if r.Status != api.Completed {
		rg.t.Fatalf("the run of %s ended %s: %v", app, r.Status, deref(r.ErrorMessage))
	}
	return r
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// value is the string in an output.
func value(t *testing.T, o api.Output) string {
	t.Helper()
	var v string
	if err := json.Unmarshal(o.Value, &v); err != nil {
		t.Fatalf("output %s: %v: %s", o.Label, err, o.Value)
	}
	return v
}

// await polls until ok, which some other goroutine makes true, and fails the test if that does not happen.
func (rg *rig) await(what string, ok func() bool) {
	rg.t.Helper()
	for range 12000 { // a minute: machines may be busy
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	rg.t.Fatal("waited in vain: " + what)
}

// running waits until a run works, and returns it.
func (rg *rig) running(id string) api.Run {
	rg.t.Helper()
	var r api.Run
	rg.await("run "+id+" to be running", func() bool {
		r = data[api.Run](rg.call("GET", "/v1/runs/"+id, nil))
		return r.Status == api.Running
	})
	return r
}

// A testClock is a clock that stands still.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// testTimers are timers that end when the test says so.
type testTimers struct {
	mu      sync.Mutex
	pending map[time.Duration][]chan time.Time
	free    map[time.Duration]bool // end at once
}

func newTestTimers() *testTimers {
	return &testTimers{pending: map[time.Duration][]chan time.Time{}, free: map[time.Duration]bool{}}
}

func (tt *testTimers) after(d time.Duration) <-chan time.Time {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	ch := make(chan time.Time, 1)
	if tt.free[d] {
		ch <- time.Time{}
	} else {
		tt.pending[d] = append(tt.pending[d], ch)
	}
	return ch
}

// release ends all timers of a length, now and in the future.
func (tt *testTimers) release(d time.Duration) {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	tt.free[d] = true
	for _, ch := range tt.pending[d] {
		ch <- time.Time{}
	}
	delete(tt.pending, d)
}

// fire waits for a timer of a length to be set, and ends it.
func (rg *rig) fire(d time.Duration) {
	rg.t.Helper()
	rg.fireTogether(d, 1)
}

// pass waits for a number of timers of a length to be set, moves the clock to where they end, and ends them.
func (rg *rig) pass(d time.Duration, count int) {
	rg.t.Helper()
	rg.await(fmt.Sprintf("%d timers of %s", count, d), func() bool {
		rg.timers.mu.Lock()
		defer rg.timers.mu.Unlock()
		return len(rg.timers.pending[d]) >= count
	})
	rg.clock.advance(d)
	rg.fireTogether(d, count)
}

// fireTogether waits for a number of timers of a length to be set, and ends them.
func (rg *rig) fireTogether(d time.Duration, count int) {
	rg.t.Helper()
	rg.await(fmt.Sprintf("%d timers of %s", count, d), func() bool {
		tt := rg.timers
		tt.mu.Lock()
		defer tt.mu.Unlock()
		if len(tt.pending[d]) < count {
			return false
		}
		for _, ch := range tt.pending[d][:count] {
			ch <- time.Time{}
		}
		tt.pending[d] = tt.pending[d][count:]
		return true
	})
}
