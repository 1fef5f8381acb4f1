package lamina

import (
	"cmp"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/openapitest"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// A rig is a client of the API. Its exchanges below /v1 are validated against docs/openapi.yaml.
type rig struct {
	*wiretest.Rig
	s      *Server
	key    string // API key in the first workspace; every request has it
	tokens map[string]wire.Principal
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
	opts.RateLimit, opts.Capacity = cmp.Or(opts.RateLimit, -1), cmp.Or(opts.Capacity, 100)
	opts.AccessToken = func(token string) (wire.Principal, bool) { p, ok := rg.tokens[token]; return p, ok }
	var err error
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

// description reads docs/openapi.yaml once.
var description = sync.OnceValues(func() (*openapitest.Description, error) { return openapitest.Load("../../../docs/openapi.yaml") })

// validate validates an exchange against docs/openapi.yaml.
func (rg *rig) validate(req *http.Request, resp *http.Response, body []byte) {
	rg.T.Helper()
	d, err := description()
	if err != nil {
		rg.T.Fatal(err)
	}
	if err := d.Check(req, openapitest.Response{Status: resp.StatusCode, Header: resp.Header, Body: body}); err != nil {
		rg.T.Error(err)
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
