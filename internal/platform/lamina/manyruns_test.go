package lamina

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// A cost is the median of the allocated bytes and of the times of an operation. The test compares the bytes, which do not depend on how
// busy the machine is: work on all runs copies or decodes them. The times are for people.
type cost struct {
	bytes uint64
	time  time.Duration
}

// costOf measures an operation. Nothing else may run.
func costOf(operation func()) cost {
	const times = 51
	bytes, durations := make([]uint64, times), make([]time.Duration, times)
	for i := range times {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		operation()
		durations[i] = time.Since(begin)
		runtime.ReadMemStats(&after)
		bytes[i] = after.TotalAlloc - before.TotalAlloc
	}
	slices.Sort(bytes)
	slices.Sort(durations)
	return cost{bytes[times/2], durations[times/2]}
}

// manyRuns is a server without workers, whose handler the test calls.
type manyRuns struct {
	t   *testing.T
	s   *Server
	key string
	n   int // starts
}

func newManyRuns(t *testing.T) *manyRuns {
	t.Helper()
	deps := wiretest.NewDeps(t, "", "http://127.0.0.1", wire.RealTiming(), time.Now, KeyType())
	s, err := New(deps, Options{RateLimit: -1, Capacity: 1 << 30, HonourKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := deps.Keys.Make(Service, "test", "", "")
	if err != nil {
		t.Fatal(err)
	}
	return &manyRuns{t: t, s: s, key: key}
}

func (m *manyRuns) call(method, path, body, key string, want int) {
	r := httptest.NewRequestWithContext(m.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", m.key)
	if key != "" {
		r.Header.Set(keyHeader, key)
	}
	w := httptest.NewRecorder()
	m.s.ServeHTTP(w, r)
	if w.Code != want {
		m.t.Fatalf("%s %s: got %d %s, want %d", method, path, w.Code, w.Body, want)
	}
}

func (m *manyRuns) start() {
	m.n++
	m.call("POST", "/v1/apps/noop/runs", fmt.Sprintf(`{"inputs":{"n":"%d"}}`, m.n), fmt.Sprintf("b-1/%d/1", m.n), http.StatusAccepted)
}

// perform does what a worker does with the oldest run.
func (m *manyRuns) perform() {
	id, ctx, ok := m.s.claim(m.t.Context())
	if !ok {
		m.t.Fatal("got no run to perform")
	}
	m.s.perform(ctx, id)
	m.s.release(id)
}

func TestManyRuns(t *testing.T) { // not parallel: it counts what the process allocates
	if testing.Short() {
		t.Skip("starts many runs")
	}
	few, many := 1000, 20_000
	if os.Getenv("LAMINA_TEST_FIGURES") != "" {
		many = 300_000
	}
	m := newManyRuns(t)
	if _, err := ledgerFor(m.s, 1e9); err != nil {
		t.Fatal(err)
	}
	noop := "/v1/runs?limit=100&appId=noop"
	operations := map[string]func(){
		"start":                m.start,
		"start again":          func() { m.n--; m.start() },
		"perform":              m.perform,
		"list":                 func() { m.call("GET", "/v1/runs?limit=100", "", "", 200) },
		"list far back":        func() { m.call("GET", "/v1/runs?limit=100&offset=800", "", "", 200) },
		"list by status":       func() { m.call("GET", "/v1/runs?limit=100&status=queued", "", "", 200) },
		"list none by status":  func() { m.call("GET", "/v1/runs?status=failed", "", "", 200) },
		"list by app and time": func() { m.call("GET", noop+"&since=2020-01-01", "", "", 200) },
		"list none by time":    func() { m.call("GET", noop+"&since=2200-01-01", "", "", 200) },
		"list for the pages":   func() { m.s.NewestRuns("", 20) },
		"list for judges":      func() { m.call("GET", "/dev/runs?limit=100&after=0000000000000100", "", "", 200) },
	}
	measure := func(count int) map[string]cost {
		for m.n < count {
			m.start()
		}
		costs := map[string]cost{}
		for name, operation := range operations {
			costs[name] = costOf(operation)
		}
		return costs
	}
	before, after := measure(few), measure(many)
	for name, a := range after {
		b := before[name]
		t.Logf("%-24s at %d runs: %6d bytes, %9s; at %d runs: %6d bytes, %9s", name, few, b.bytes, b.time, many, a.bytes, a.time)
		if a.bytes > 2*b.bytes {
			t.Errorf("%s: got %d bytes at %d runs and %d at %d, want at most twice as many", name, b.bytes, few, a.bytes, many)
		}
	}
}

// ledgerFor gives credits to the first workspace.
func ledgerFor(s *Server, credits float64) (l ledger, err error) {
	err = s.Store.Update(func(tx *wire.Tx) error {
		l = ledger{Earned: credits}
		wire.Put(tx, bucketLedgers, wire.SampleWorkspaces()[0].ID, l)
		return nil
	})
	return l, err
}
