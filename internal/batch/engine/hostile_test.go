package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uselamina/lamina/internal/batch/batchtest"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/pace"
)

// hostile is a Service whose list of runs is not to be trusted.
type hostile struct {
	*fake
	list  func(offset int, runs []Run) Page
	pages int
}

func (h *hostile) List(_ context.Context, _ time.Time, offset int) (Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pages++
	return h.list(offset, h.runs), nil
}

// page returns a full page of runs that were created at a time, or at none.
func page(offset int, at time.Time) (p Page) {
	for i := range pageSize {
		p.Runs = append(p.Runs, Run{ID: fmt.Sprintf("other-%d", offset+i), CreatedAt: at})
	}
	return p
}

// TestHostileLists: whatever the list of runs says, the engine ends after a limited number of requests, starts nothing twice, and takes no
// run of another app.
func TestHostileLists(t *testing.T) {
	for _, c := range []struct {
		name      string
		list      func(offset int, runs []Run) Page
		completed int
		pages     int
	}{
		{"the same page for ever", func(int, []Run) Page { return page(0, time.Now()) }, 1, 2000},
		{"no end", func(offset int, _ []Run) Page { return page(offset, time.Now()) }, 1, 2000},
		{"no end and no times", func(offset int, _ []Run) Page { return page(offset, time.Time{}) }, 1, 2000},
		{"no end and older runs", func(offset int, _ []Run) Page { return page(offset, time.Now().Add(-time.Duration(offset))) }, 1, 50_000},
		{"the run of another app", func(_ int, runs []Run) Page {
			p := Page{IsLast: true}
			for _, r := range runs {
				r.IsForeign = r.ID == "run-a"
				p.Runs = append(p.Runs, r)
			}
			return p
		}, 1, 2000},
		{"a page without ids", func(offset int, runs []Run) Page {
			if offset < pageSize {
				return Page{Size: pageSize}
			}
			return Page{IsLast: true, Runs: runs}
		}, 2, 2000},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hostile{list: c.list}
				lost := false
				h.fake = &fake{pacer: pace.New(pace.Options{}), latency: time.Millisecond, starts: map[string]int{}, keys: map[string][]string{}}
				h.fail = func(f *fake, method, item string) (int, time.Duration) {
					if method == "start" && item == "a" && !lost {
						lost = true
						f.runs = append(f.runs, Run{ID: "run-a", State: "completed", CreatedAt: time.Now()})
						return http.StatusBadGateway, 0
					}
					return 0, 0
				}
				r := runHostile(t, h)
				if r.Err != nil || r.Counts.Completed != c.completed || r.Counts.Held != 2-c.completed {
					t.Errorf("got %+v, want %d completed, the others held", r, c.completed)
				}
				if h.starts["a"] != 1 || h.starts["b"] != 1 {
					t.Errorf("got the starts %v, want one each", h.starts)
				}
				if h.pages > c.pages {
					t.Errorf("got %d pages, want at most %d", h.pages, c.pages)
				}
			})
		})
	}
}

// runHostile runs a batch of the items a and b.
func runHostile(t *testing.T, h *hostile) Result {
	t.Helper()
	e, err := New(Options{Plan: batchtest.Folder(t, "a", "b"), Shards: []int{0}, Service: h, Pacer: h.pacer, MaxCredits: -1, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	return e.Run(t.Context())
}

// TestClockSetBack: a start that was lost while the clock was ahead is neither waited for until then nor repeated.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := batchtest.Folder(t, "a")
		ahead := time.Now().Add(30 * 24 * time.Hour)
		batchtest.Write(t, p, journal.Record{Type: journal.Intent, ID: "a", Attempt: 1, At: ahead},
			journal.Record{Type: journal.Unknown, ID: "a", Attempt: 1, At: ahead.Add(time.Second)})
		f := &fake{pacer: pace.New(pace.Options{}), starts: map[string]int{}, fail: func(*fake, string, string) (int, time.Duration) { return 0, 0 }}
		e, err := New(Options{Plan: p, Shards: []int{0}, Service: f, Pacer: f.pacer, MaxCredits: -1, TimeLimit: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = e.Close() }()
		if r := e.Run(t.Context()); r.Counts.Held != 1 || len(f.starts) != 0 {
			t.Errorf("got %+v and %d starts, want a held item", r, len(f.starts))
		}
	})
}

// TestInterruptedEarly: a batch that is interrupted by its first request is not done.
func TestInterruptedEarly(t *testing.T) {
	t.Parallel()
	p := batchtest.Folder(t, "a")
	for range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		h := &hostile{fake: &fake{pacer: pace.New(pace.Options{})}, list: func(int, []Run) Page {
			go cancel()
			<-ctx.Done()
			return Page{IsLast: true}
		}}
		e, err := New(Options{Plan: p, Shards: []int{0}, Service: h, Pacer: h.pacer, MaxCredits: -1})
		if err != nil {
			t.Fatal(err)
		}
		r := e.Run(ctx)
		if err := errors.Join(r.Err, e.Close()); err != nil || r.Reason != Interrupted {
			t.Fatalf("got %q, %v, want %q", r.Reason, err, Interrupted)
		}
	}
}
