package poll_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/webhook/inbox"
	"github.com/uselamina/lamina/internal/webhook/poll"
)

// service is the part of the API that lists runs, with a clock of its own.
type service struct {
	mu       sync.Mutex
	now      time.Time
	runs     []api.Run // oldest first
	failing  bool
	requests int
	missing  map[string]bool // runs of another family: listed, but not found by id
	broken   map[string]int  // runs that cannot be read, with the status of the response
	ignores  bool            // the time from which runs are listed
	odd      []any           // items before the runs of a list
	between  func()          // called once, after the first page of several
}

func (s *service) start(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Second)
	s.runs = append(s.runs, api.Run{RunID: id, Status: api.Running, CreatedAt: s.now, Outputs: []api.Output{}})
}

func (s *service) end(id string, status api.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Second)
	i := slices.IndexFunc(s.runs, func(r api.Run) bool { return r.RunID == id })
	at := s.now
	s.runs[i].Status, s.runs[i].CompletedAt = status, &at
}

func (s *service) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	w.Header().Set("Content-Type", "application/json")
	if s.failing {
		w.WriteHeader(http.StatusBadRequest) // not repeated by the client
		return
	}
	if r.URL.Path != "/v1/runs" {
		id, isApp := strings.CutPrefix(r.URL.Path, "/v1/runs/")
		id = strings.TrimPrefix(id, "/v1/generate/runs/")
		if status := s.broken[id]; status != 0 {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(map[bool]string{true: "<html>", false: `{"error": "no"}`}[status == http.StatusOK]))
			return
		}
		i := slices.IndexFunc(s.runs, func(r api.Run) bool { return r.RunID == id })
		if i < 0 || isApp == s.missing[id] {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": s.runs[i]})
		return
	}
	q := r.URL.Query()
	since, _ := time.Parse(time.RFC3339, q.Get("since"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	offset, _ := strconv.Atoi(q.Get("offset"))
	list := slices.Clone(s.odd)
	for _, run := range slices.Backward(s.runs) {
		if (s.ignores || !run.CreatedAt.Before(since)) && (q.Get("status") == "" || q.Get("status") == string(run.Status)) {
			list = append(list, api.RunSummary{RunID: run.RunID, Status: run.Status, CreatedAt: run.CreatedAt, CompletedAt: run.CompletedAt})
		}
	}
	total := len(list)
	list = list[min(offset, total):min(offset+limit, total)]
	_ = json.NewEncoder(w).Encode(map[string]any{"data": list, "pagination": map[string]int{"total": total, "limit": limit, "offset": offset}})
	if between := s.between; between != nil && offset+limit < total {
		s.between = nil
		s.mu.Unlock()
		between()
		s.mu.Lock()
	}
}

// rig follows the runs of a service, process after process.
type rig struct {
	t *testing.T
	*service
	client *api.Client
	file   string
	poller *poll.Poller
	told   []string
	full   bool // storing fails
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, service: &service{now: time.Unix(1_800_000_000, 0).UTC(), missing: map[string]bool{}, broken: map[string]int{}}, file: filepath.Join(t.TempDir(), "cursor.json")}
	server := httptest.NewServer(r.service)
	t.Cleanup(server.Close)
	r.client = &api.Client{BaseURL: server.URL}
	return r
}

// restart is the beginning of a process, after a crash of the one before: what is not in the file is lost.
func (r *rig) restart(workspace string) (resumes bool) {
	r.t.Helper()
	r.poller = &poll.Poller{
		API: r.client, File: r.file, Workspace: workspace,
		Has: func(id string) bool { return slices.Contains(r.told, id) },
		Report: func(_ context.Context, d inbox.Delivery) error {
			if r.full {
				return errors.New("no space")
			}
			var body struct{ Data api.Run }
			if err := json.Unmarshal(d.Body, &body); err != nil || body.Data.RunID != d.ID || string(body.Data.Status) != d.Status || !body.Data.Status.Final() {
				r.t.Errorf("got the body %s for %+v", d.Body, d)
			}
			r.told = append(r.told, d.ID)
			return nil
		},
	}
	resumes, err := r.poller.Begin(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return resumes
}

func (r *rig) poll() {
	r.t.Helper()
	if err := r.poller.Poll(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) wantTold(ids ...string) {
	r.t.Helper()
	if !slices.Equal(r.told, ids) {
		r.t.Errorf("got %q, want %q", r.told, ids)
	}
}

func TestPollTellsEachEndOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start("before")
	r.end("before", api.Completed)
	r.start("active")
	if r.restart("w") {
		t.Error("got a process that resumes, want one that begins")
	}
	r.poll()
	r.wantTold()
	r.end("active", api.Failed)
	r.start("second")
	r.start("first")
	r.end("first", api.Cancelled)
	r.end("second", api.Completed)
	r.poll()
	r.wantTold("active", "first", "second")
	r.poll()
	r.wantTold("active", "first", "second")

	// The process is down for a week, in which hundreds of runs end.
	r.start("long")
	r.poll()
	for n := range 250 {
		r.start(fmt.Sprint("gap-", n))
		r.end(fmt.Sprint("gap-", n), api.Completed)
	}
	r.advance(7 * 24 * time.Hour)
	if !r.restart("w") {
		t.Error("got a process that begins, want one that resumes")
	}
	r.poll()
	if len(r.told) != 253 {
		t.Errorf("got %d runs told, want 253", len(r.told))
	}
	r.start("after")
	r.poll()
	r.end("long", api.Completed) // it is not in the list any more
	r.poll()
	r.end("after", api.Completed)
	r.poll()
	if !slices.Equal(r.told[253:], []string{"long", "after"}) {
		t.Errorf("got %q, want long and after", r.told[253:])
	}
}

func TestPollSurvivesFailures(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.restart("w")
	r.start("a")
	r.poll()
	r.end("a", api.Completed)
	r.failing = true
	if err := r.poller.Poll(t.Context()); err == nil {
		t.Error("got no error from a service that fails")
	}
	r.failing, r.full = false, true
	if err := r.poller.Poll(t.Context()); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("got %v, want the error of the inbox", err)
	}
	r.full = false
	r.poll()
	r.wantTold("a")

	// A run of another family, which ends when the list does not go back to it any more.
	r.missing["generation"] = true
	r.start("generation")
	r.poll()
	r.advance(2 * time.Hour)
	r.start("later")
	r.poll()
	r.end("generation", api.Completed)
	r.poll()
	r.wantTold("a", "generation")

	// Another workspace, or a damaged cursor, begins anew.
	if r.restart("other") {
		t.Error("got a process that resumes in another workspace")
	}
	if err := os.WriteFile(r.file, []byte(`{"workspace":"other"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r.restart("other") {
		t.Error("got a process that resumes with a damaged cursor")
	}
	r.poll()
	r.wantTold("a", "generation")
}

// TestPollOneOddRun: a run that the service cannot show does not hold up the others, and is told later.
func TestPollOneOddRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		told   []string // while the run is broken
	}{
		{"fails", http.StatusInternalServerError, []string{"good"}},
		{"web page", http.StatusOK, []string{"good"}},
		{"forbidden", http.StatusForbidden, []string{"odd", "good"}}, // what the list says is told
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.client.Sleep = func(context.Context, time.Duration) error { return nil }
			r.restart("w")
			for _, id := range []string{"odd", "good"} {
				r.start(id)
				r.end(id, api.Completed)
			}
			r.broken["odd"] = tt.status
			err := r.poller.Poll(t.Context())
			r.wantTold(tt.told...)
			unreadable := (*poll.UnreadableError)(nil)
			if isNamed := errors.As(err, &unreadable) && unreadable.RunID == "odd"; isNamed != (len(tt.told) == 1) {
				t.Errorf("got the error %v", err)
			}
			r.restart("w") // what is not told yet survives a crash, and runs that move the list on
			r.advance(2 * time.Hour)
			r.start("later")
			_ = r.poller.Poll(t.Context())
			delete(r.broken, "odd")
			r.poll()
			if slices.Sort(r.told); !slices.Equal(r.told, []string{"good", "odd"}) {
				t.Errorf("got %q, want each run once", r.told)
			}
		})
	}
}

// TestPollOddLists: items that cannot be read, and a service that lists older runs than it was asked for, cause no old run to be told.
func TestPollOddLists(t *testing.T) {
	t.Parallel()
	for _, ignores := range []bool{false, true} {
		r := newRig(t)
		r.ignores = ignores
		r.odd = []any{nil, "text", map[string]any{"runId": "", "status": "completed"}, map[string]any{"runId": 7, "createdAt": "never"}}
		r.start("old")
		r.end("old", api.Completed)
		r.advance(24 * time.Hour)
		r.start("active")
		r.restart("w")
		r.poll()
		r.advance(24 * time.Hour)
		r.start("new")
		r.end("new", api.Completed)
		r.poll()
		r.poll()
		r.wantTold("new")
	}
}

// TestPollIsCheap counts the requests: the limit is 100 a minute, for all programs of a user.
func TestPollIsCheap(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for n := range 60 {
		r.start(fmt.Sprint("old-", n))
	}
	r.advance(48 * time.Hour)
	r.start("new")
	r.restart("w")
	r.requests = 0
	r.poll()
	if r.requests > 5 {
		t.Errorf("got %d requests for one poll with 60 old active runs, want at most 5", r.requests)
	}
	for n := range 60 {
		r.end(fmt.Sprint("old-", n), api.Completed)
	}
	for range 20 {
		r.poll()
	}
	if len(r.told) != 60 {
		t.Errorf("got %d runs told, want 60", len(r.told))
	}
}

// TestPollFirstPages lets runs end while the pages of active runs are read for the first time: those of later pages move forward, and are
// followed nevertheless. All of them began long ago, so that no later list has them.
func TestPollFirstPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var ids []string
	for n := range 120 {
		ids = append(ids, fmt.Sprint("old-", n))
		r.start(ids[n])
	}
	r.advance(2 * time.Hour)
	r.start("new")
	r.end("new", api.Completed)
	r.between = func() {
		for _, id := range ids[110:] {
			r.end(id, api.Completed)
		}
	}
	r.restart("w")
	for _, id := range ids[:110] {
		r.end(id, api.Completed)
	}
	for range 40 { // a few are looked up in each
		r.poll()
	}
	if got := len(r.told); got != len(ids) {
		t.Errorf("got %d runs reported, want %d", got, len(ids))
	}
}

// TestPollInAnyOrder lets runs start and end, and processes crash, in many random orders: each run is told once.
func TestPollInAnyOrder(t *testing.T) {
	t.Parallel()
	seeds := uint64(3)
	if os.Getenv("LAMINA_TEST_LONG") == "1" {
		seeds = 30
	}
	for seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 1))
		r := newRig(t)
		r.restart("w")
		var active, all []string
		for step := range 200 {
			switch random.IntN(6) {
			case 0, 1:
				id := fmt.Sprint("run-", step)
				r.start(id)
				active, all = append(active, id), append(all, id)
			case 2, 3:
				if len(active) > 0 {
					i := random.IntN(len(active))
					r.end(active[i], api.Completed)
					active = slices.Delete(active, i, i+1)
				}
			case 4:
				r.poll()
			case 5:
				r.advance(time.Duration(random.IntN(3600)) * time.Second)
				r.restart("w")
			}
		}
		for _, id := range active {
			r.end(id, api.Completed)
		}
		for range 50 {
			r.poll()
		}
		slices.Sort(r.told)
		slices.Sort(all)
		if !slices.Equal(r.told, all) {
			t.Fatalf("seed %d: got %d runs told, want each of %d once", seed, len(r.told), len(all))
		}
	}
}
