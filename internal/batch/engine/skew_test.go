package engine

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uselamina/lamina/internal/batch/state"
)

// TestSkewedRuns: lost starts are found, although the creation times of runs are of another clock than the Date headers. The runs do not
// take too long by that clock, either.
func TestSkewedRuns(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, -90 * time.Second, 90 * time.Second, -3 * time.Hour, 3 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, r, _ := performSkewed(t, 60, time.Second, func() time.Duration { return skew })
				if r.Reason != Done || r.Counts.Completed != 60 {
					t.Errorf("the batch ended with %q, %v, %+v, want all completed", r.Reason, r.Err, r.Counts)
				}
				requireOnce(t, f)
			})
		})
	}
}

// TestClockSetDuringRun: no start is repeated because the clock that dates the runs was set.
func TestClockSetDuringRun(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				f, r, _ := performSkewed(t, 60, time.Second, func() time.Duration {
					if time.Since(began) < 31*time.Second {
						return 0
					}
					return skew
				})
				if r.Reason != Done || r.Counts.Completed+r.Counts.Held != 60 {
					t.Errorf("the batch ended with %q, %v, %+v, want all completed or held", r.Reason, r.Err, r.Counts)
				}
				requireOnce(t, f)
			})
		})
	}
}

// performSkewed carries out a batch of n items, one after the other. The creation times of runs are skewed. Each tenth response is lost.
func performSkewed(t *testing.T, n int, latency time.Duration, skew func() time.Duration) (*fake, Result, time.Duration) {
	t.Helper()
	starts := 0
	return perform(t, n, latency, Options{Concurrency: 1, RunTimeout: time.Hour}, func(f *fake, method, item string) (int, time.Duration) {
		f.skew, f.takes = skew(), 30*time.Second
		if method != "start" {
			return 0, 0
		}
		if starts++; starts%10 != 0 {
			return 0, 0
		}
		f.runs = append(f.runs, Run{ID: "run-" + item, State: "completed", CreatedAt: time.Now().Add(f.skew)})
		return http.StatusBadGateway, 0
	})
}

// requireOnce fails if an item was started twice.
func requireOnce(t *testing.T, f *fake) {
	t.Helper()
	for item, n := range f.starts {
		if n != 1 {
			t.Errorf("%s was started %d times, want once", item, n)
		}
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	sent := time.Date(2026, 4, 11, 8, 0, 0, 0, time.UTC)
	ours := state.Run{Sent: sent, At: sent.Add(3 * time.Second)}
	for _, tt := range []struct {
		name     string
		ours     state.Run
		created  []time.Duration // after the start was sent
		min, max time.Duration
	}{
		{"none", ours, nil, 0, 0},
		{"between", ours, []time.Duration{0, time.Second, 3 * time.Second}, 0, 0},
		{"rounded", ours, []time.Duration{-time.Second, 5 * time.Second}, 0, 0},
		{"before", ours, []time.Duration{-time.Minute}, -time.Minute, -time.Minute},
		{"after", ours, []time.Duration{time.Minute}, 57 * time.Second, 57 * time.Second},
		{"set meanwhile", ours, []time.Duration{0, time.Minute, -time.Hour}, -time.Hour, 57 * time.Second},
		{"sent at an unknown time", state.Run{At: sent}, []time.Duration{time.Minute}, 0, 0},
	} {
		var s skew
		for _, after := range tt.created {
			s.observe(tt.ours, sent.Add(after))
		}
		if s.observe(tt.ours, time.Time{}); s.min != tt.min || s.max != tt.max {
			t.Errorf("%s: got %v to %v, want %v to %v", tt.name, s.min, s.max, tt.min, tt.max)
		}
	}
}
