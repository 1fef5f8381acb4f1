package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/batch/batchtest"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/platform"
	"github.com/uselamina/lamina/internal/provider"
)

// A lamaticSite is the local platform with its key of Lamatic.
type lamaticSite struct {
	t      *testing.T
	url    string
	access platform.ServiceAccess
}

// newLamaticSite starts a platform whose clock advances by a second whenever it is read, so that no test waits for a workflow.
func newLamaticSite(t *testing.T) *lamaticSite {
	t.Helper()
	listener := httptest.NewUnstartedServer(nil)
	base := "http://" + listener.Listener.Addr().String()
	var reads atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(reads.Add(1)) * time.Second) }
	server, err := platform.New(platform.Options{BaseURL: base, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	listener.Config.Handler = server
	listener.Start()
	t.Cleanup(func() {
		listener.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	all, err := server.NewServiceKeys("test")
	if err != nil {
		t.Fatal(err)
	}
	return &lamaticSite{t: t, url: base, access: all["lamatic"]}
}

// RoundTrip adds the key and the project to a request.
func (s *lamaticSite) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+s.access.APIKey)
	r.Header.Set("X-Project-Id", s.access.Settings["project-id"])
	return http.DefaultTransport.RoundTrip(r)
}

// fault plans a fault for the next requests.
func (s *lamaticSite) fault(fields string) {
	s.t.Helper()
	resp, err := http.Post(s.url+"/dev/faults", "application/json", strings.NewReader(`{"path":"/lamatic/graphql",`+fields+`}`))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		s.t.Fatalf("planning a fault: %s", resp.Status)
	}
}

// requests returns the number of requests that the platform received.
func (s *lamaticSite) requests() int {
	s.t.Helper()
	resp, err := http.Get(s.url + "/dev/requests")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var log struct{ Data []json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&log); err != nil {
		s.t.Fatal(err)
	}
	return len(log.Data)
}

// perform carries out a batch of a workflow.
func (s *lamaticSite) perform(p *plan.Plan, workflow string, o Options) Result {
	s.t.Helper()
	client := &api.Client{Provider: provider.Lamatic(), BaseURL: s.access.BaseURL, HTTP: &http.Client{Transport: s}, Timeout: time.Minute}
	o.Pacer, o.Clock = pace.New(pace.Options{}), &Clock{}
	o.Service = &Lamatic{Client: lamatic.New(PacedClient(client, o.Pacer, o.Clock)), Workflow: workflow}
	o.Plan, o.Shards, o.MaxCredits, o.Settle, o.Concurrency = p, []int{0}, -1, time.Nanosecond, 2
	e, err := New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	r := e.Run(s.t.Context())
	if err := e.Close(); err != nil {
		s.t.Error(err)
	}
	return r
}

// A workflow that answers at once needs one request, and one record says how it ended. The same batch again sends nothing.
func TestLamaticAnswersAtOnce(t *testing.T) {
	t.Parallel()
	s, p := newLamaticSite(t), batchtest.Folder(t, "1", "2", "99999999999")
	for range 2 {
		r := s.perform(p, "spell-numbers", Options{})
		if r.Reason != Done || r.Counts.Completed != 2 || r.Counts.Failed != 1 {
			t.Fatalf("got %+v, want two completed and one failed", r)
		}
	}
	if got := s.requests(); got != 3 {
		t.Errorf("got %d requests, want 3", got)
	}
	table := batchtest.Open(t, p)
	for i, want := range []string{`{"numbers":1,"text":"Hello one"}`, `{"numbers":1,"text":"Hello two"}`} {
		last, err := table.Last(i)
		if err != nil || last.Type != journal.Ended || string(LamaticResult(last.Outputs)) != want {
			t.Errorf("item %d: got %+v, %v; want the result %s", i, last, err, want)
		}
	}
	last, err := table.Last(2)
	if err != nil || last.Type != journal.Refused || !strings.Contains(last.Error, "too large to spell") {
		t.Errorf("got %+v, %v; want the reason of the workflow", last, err)
	}
}

// A slow workflow is asked for until it has ended. Without a list, that takes one request a run.
func TestLamaticIsPolled(t *testing.T) {
	t.Parallel()
	s, p := newLamaticSite(t), batchtest.Folder(t, "a", "b")
	r := s.perform(p, "report", Options{StartsOnly: true})
	if r.Reason != Done || r.Counts.Running != 2 || s.requests() != 2 {
		t.Fatalf("got %+v after %d requests, want two running workflows after 2", r, s.requests())
	}
	r = s.perform(p, "report", Options{Interval: 20 * time.Millisecond})
	if r.Reason != Done || r.Counts.Completed != 2 {
		t.Fatalf("got %+v, want two completed", r)
	}
	last, err := batchtest.Open(t, p).Last(0)
	if err != nil || last.Run == "" || !strings.Contains(string(LamaticResult(last.Outputs)), `"words":2`) {
		t.Errorf("got %+v, %v; want a run with its result", last, err)
	}
}

// A run that takes longer than FollowFor stays as it is, and is no failure.
func TestLamaticIsNotFollowedForever(t *testing.T) {
	t.Parallel()
	s, p := newLamaticSite(t), batchtest.Folder(t, "a")
	s.fault(`"body":"{\"data\":{\"executeWorkflow\":{\"status\":\"processing\",\"result\":{\"requestId\":\"r\"}}}}"`)
	s.fault(`"body":"{\"data\":{\"checkStatus\":\"processing\"}}","times":100000`)
	r := s.perform(p, "report", Options{Interval: 10 * time.Millisecond, FollowFor: 100 * time.Millisecond})
	if r.Reason != Done || r.Counts.Running != 1 {
		t.Errorf("got %+v, want one running workflow", r)
	}
}

// A lost response is not repeated: there is no list that could tell what became of the start, and the item is held.
func TestLamaticHoldsLostStarts(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{`"cut":"after"`, `"cut":"before"`, `"cut":"body"`, `"status":503`, `"status":500`, `"garbage":true`, `"html":true`} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s, p := newLamaticSite(t), batchtest.Folder(t, "1")
			s.fault(fault)
			for range 2 {
				if r := s.perform(p, "spell-numbers", Options{}); r.Reason != Done || r.Counts.Held != 1 {
					t.Fatalf("got %+v, want one held", r)
				}
			}
			if got := s.requests(); got != 1 {
				t.Errorf("got %d requests, want 1", got)
			}
			last, err := batchtest.Open(t, p).Last(0)
			if err != nil || !strings.HasPrefix(last.Reason, "the response was lost (") || !strings.Contains(last.Reason, errNoList.Error()) {
				t.Errorf("got %+v, %v; want both reasons", last, err)
			}
		})
	}
}

// An item may name its own workflow. A workflow that continues without a request id is a lost start.
func TestLamaticStart(t *testing.T) {
	t.Parallel()
	s := newLamaticSite(t)
	client := &api.Client{Provider: provider.Lamatic(), BaseURL: s.access.BaseURL, Once: true, HTTP: &http.Client{Transport: s}}
	own := &Lamatic{Client: lamatic.New(client)}
	inputs, err := json.Marshal(LamaticItem{Workflow: "spell-numbers", Payload: json.RawMessage(`{"text":"7"}`)})
	if err != nil {
		t.Fatal(err)
	}
	run, err := own.Start(t.Context(), plan.Item{ID: "0", Inputs: inputs}, "key")
	if err != nil || run.State != state.Completed.String() || string(LamaticResult(run.Outputs)) != `{"numbers":1,"text":"seven"}` {
		t.Errorf("got %+v, %v; want the result of the workflow", run, err)
	}
	s.fault(`"body":"{\"data\":{\"executeWorkflow\":{\"status\":\"processing\"}}}"`)
	if _, err := own.Start(t.Context(), plan.Item{ID: "0", Inputs: inputs}, "key"); own.Judge(err).Meaning != Lost {
		t.Errorf("got %v, want a lost start: nothing can be asked for", err)
	}
	if _, err := own.Get(t.Context(), "no-such-request"); own.Judge(err).Meaning != Missing {
		t.Errorf("got %v, want a missing run", err)
	}
	if _, err := own.Cancel(t.Context(), "r"); !isUnsupported(err) {
		t.Errorf("got %v, want %v", err, errors.ErrUnsupported)
	}
}

// TestLamaticJudge: a failure of the server may come after the execution of the workflow. Everything else is judged as for Lamina.
func TestLamaticJudge(t *testing.T) {
	t.Parallel()
	refused := func(status int) error {
		return &api.Error{Status: status, Rule: provider.Lamatic().Classify(status, "")}
	}
	flow := &lamatic.FlowError{Problems: []lamatic.Problem{{Message: "a"}, {Message: "b"}}}
	tests := []struct {
		name string
		err  error
		want Verdict
	}{
		{"errors of GraphQL", fmt.Errorf("start: %w", flow), Verdict{Meaning: Refused, Message: "a; b"}},
		{"unknown request", &noResultError{flow}, Verdict{Meaning: Missing, Code: api.CodeNotFound, Message: "a"}},
		{"no request id", errNoRequestID, Verdict{Meaning: Lost}},
		{"unavailable", refused(503), Verdict{Meaning: Lost}},
		{"internal error", refused(500), Verdict{Meaning: Lost}},
		{"page with 503", &api.UnexpectedError{Status: 503}, Verdict{Meaning: Lost}},
		{"page with 200", &api.UnexpectedError{Status: 200}, Verdict{Meaning: Lost}},
		{"too many requests", refused(429), Verdict{Meaning: Busy}},
		{"unknown host", &api.UnreachableError{Kind: api.DNS, Err: errors.New("x")}, Verdict{Meaning: Busy}},
		{"cut", &api.UnreachableError{Kind: api.Cut, Err: errors.New("x")}, Verdict{Meaning: Lost}},
		{"refused key", refused(401), Verdict{Meaning: Fatal}},
		{"expired token", refused(403), Verdict{Meaning: Fatal}},
		{"unknown project", refused(404), Verdict{Meaning: Fatal}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := (&Lamatic{}).Judge(tt.err); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// FuzzLamaticResult checks that each result of a workflow comes back from the journal as it was.
func FuzzLamaticResult(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"<b>"]}`, `"text"`, `12345678901234567890`, `[]`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		want, err := json.Marshal(json.RawMessage(raw))
		if err != nil {
			t.Fatal(err)
		}
		if got := LamaticResult(lamaticOutputs(raw)); string(got) != string(want) {
			t.Errorf("got %s, want %s", got, want)
		}
		_ = LamaticResult(raw) // any content of a journal
	})
}
