package lamina

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// A rig is a client of the API. Its exchanges below /v1 are validated against docs/openapi.yaml.
type rig struct {
	*wiretest.Rig
	s      *Server
	key    string // API key in the first workspace; every request has it
	tokens map[string]wire.Principal
	router routers.Router
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigWith(t, "", Options{}, nil)
}

// newRigAt returns a rig with a data file.
func newRigAt(t *testing.T, file string) *rig {
	t.Helper()
	return newRigWith(t, file, Options{}, nil)
}

// newRigWith returns a rig. A rate limit of 0 is none. change, if not nil, adjusts the dependencies.
func newRigWith(t *testing.T, file string, opts Options, change func(*wire.Deps)) *rig {
	t.Helper()
	rg := &rig{Rig: wiretest.New(t, file, KeyType()), tokens: map[string]wire.Principal{}}
	rg.Clock.Advance(61 * 24 * time.Hour) // to May
	rg.Validate = rg.validate
	if change != nil {
		change(&rg.Deps)
	}
	opts.RateLimit = cmp.Or(opts.RateLimit, -1)
	opts.AccessToken = func(token string) (wire.Principal, bool) { p, ok := rg.tokens[token]; return p, ok }
	var err error
	if rg.router, err = loadRouter(); err != nil {
		t.Fatal(err)
	}
	if rg.s, err = New(rg.Deps, opts); err != nil {
		t.Fatal(err)
	}
	rg.s.Start()
	rg.Serve(rg.s)
	t.Cleanup(rg.close)
	rg.key = rg.NewKey(Service, "", "")
	rg.Header.Set("X-Api-Key", rg.key)
	return rg
}

// close ends the process of the rig.
func (rg *rig) close() {
	rg.s.Close()
	if err := rg.Deps.Store.Close(); err != nil {
		rg.T.Error(err)
	}
}

// loadRouter reads docs/openapi.yaml once.
var loadRouter = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("../../../docs/openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // the test has another address
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

// validate validates an exchange against docs/openapi.yaml: every answer, and every accepted request.
func (rg *rig) validate(req *http.Request, resp *http.Response, body []byte) {
	rg.T.Helper()
	if !strings.HasPrefix(req.URL.Path, "/v1/") || req.Method == http.MethodHead {
		return
	}
	route, params, err := rg.router.FindRoute(req)
	if err != nil {
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			rg.T.Errorf("%s %s: got status %d, want 404 or 405 for an undescribed address", req.Method, req.URL.Path, resp.StatusCode)
		}
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if resp.StatusCode < 400 {
		if err := openapi3filter.ValidateRequest(rg.T.Context(), input); err != nil {
			rg.T.Errorf("%s %s: accepted a request that differs from its description: %v", req.Method, req.URL, err)
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
	if err := openapi3filter.ValidateResponse(rg.T.Context(), output); err != nil {
		rg.T.Errorf("%s %s: got an answer that differs from its description: %v", req.Method, req.URL, err)
	}
}

// decode decodes JSON.
func decode[T any](t *testing.T, raw []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

// start starts a run and returns its id.
func (rg *rig) start(app string, inputs map[string]any, outputs ...string) string {
	rg.T.Helper()
	r := rg.Call("POST", "/v1/apps/"+app+"/runs", api.StartRun{Inputs: inputs, Outputs: outputs})
	return wiretest.Data[api.RunStarted](r.Want(http.StatusAccepted)).RunID
}

// finish waits for a run to end.
func (rg *rig) finish(id string) api.Run {
	rg.T.Helper()
	return wiretest.Data[api.Run](rg.Call("GET", "/v1/runs/"+id+"/wait?timeout=120", nil).Want(http.StatusOK))
}

// make starts a run and waits for it to complete.
func (rg *rig) make(app string, inputs map[string]any, outputs ...string) api.Run {
	rg.T.Helper()
	r := rg.finish(rg.start(app, inputs, outputs...))
	if r.Status != api.Completed {
		rg.T.Fatalf("run of %s: got %s (%v), want completed", app, r.Status, text(r.ErrorMessage))
	}
	return r
}

// text returns the text that s points to, or "".
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// value returns the value of an output, a string.
func value(t *testing.T, o api.Output) string {
	t.Helper()
	var v string
	if err := json.Unmarshal(o.Value, &v); err != nil {
		t.Fatalf("output %s: %v: %s", o.Label, err, o.Value)
	}
	return v
}

// running waits until a run is running, and returns it.
func (rg *rig) running(id string) api.Run {
	rg.T.Helper()
	var r api.Run
	rg.Await("run "+id+" to be running", func() bool {
		r = wiretest.Data[api.Run](rg.Call("GET", "/v1/runs/"+id, nil))
		return r.Status == api.Running
	})
	return r
}
