package pace

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// headers returns the headers of a rate limit.
func headers(limit, left, reset string) http.Header {
	h := http.Header{}
	for name, value := range map[string]string{"RateLimit-Limit": limit, "RateLimit-Remaining": left, "RateLimit-Reset": reset} {
		if value != "" {
			h.Set(name, value)
		}
	}
	return h
}

// send waits, and lets the service answer at once. It returns how long it waited.
func send(t *testing.T, p *Pacer, status int, h http.Header) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := p.Wait(t.Context(), Start); err != nil {
		t.Fatal(err)
	}
	waited := time.Since(begin)
	p.Observe(status, h, time.Now())
	return waited
}

// TestNoHeaders: without a rate limit in the responses there is no wait until a refusal. A refusal halves the rate, which then grows.
func TestNoHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		for range 100 {
			if waited := send(t, p, http.StatusOK, nil); waited != 0 {
				t.Fatalf("waited %s, want no wait before a refusal", waited)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if rate, known := p.Rate(); known {
			t.Errorf("the rate is %f, want an unknown one", rate)
		}
		before := time.Now()
		send(t, p, http.StatusServiceUnavailable, nil)
		first, known := p.Rate()
		if !known || first < 250 || first > 350 {
			t.Errorf("the rate is %f, %t, want half of 600 a minute", first, known)
		}
		p.Observe(http.StatusTooManyRequests, nil, before.Add(-time.Second))
		if rate, _ := p.Rate(); rate != first {
			t.Errorf("the rate fell from %f to %f for a request of the same round trip", first, rate)
		}
		if waited := send(t, p, http.StatusOK, nil); waited < 150*time.Millisecond || waited > 250*time.Millisecond {
			t.Errorf("waited %s, want about 200ms", waited)
		}
		time.Sleep(time.Minute)
		if rate, _ := p.Rate(); rate < 4*first || rate > 40*first {
			t.Errorf("the rate is %f after a minute without refusals, want it between four and forty times %f", rate, first)
		}
		time.Sleep(time.Hour)
		if rate, known := p.Rate(); known {
			t.Errorf("the rate is %f after an hour without refusals, want no limit", rate)
		}
	})
}

// TestRefusedWithoutHeaders: a service that refuses everything gets few requests.
func TestRefusedWithoutHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		n, end := 0, time.Now().Add(time.Hour)
		for ; time.Now().Before(end); n++ {
			send(t, p, http.StatusTooManyRequests, nil)
		}
		if n < 50 || n > 900 {
			t.Errorf("sent %d requests in an hour of refusals, want at most fifteen a minute", n)
		}
	})
}

// TestHostileHeaders: no header stops the requests for more than a minute, and none lets a refused client send without a pause.
func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	tests := []struct{ limit, left, reset string }{
		{"100", "0", "253402300799"}, // in the year 9999
		{"100", "0", "3600"},
		{"100", "0", "1e300"},
		{"100", "0", "-5"},
		{"100", "0", "0"},
		{"100", "0", "946684000"}, // before the clock of the test
		{"100", "0", "1000000000000000000"},
		{"0", "0", "60"},
		{"0", "-7", "60"},
		{"-1", "0", "60"},
		{"100", "-99999999999999999999999", "60"},
		{"", "0", "60"},
		{"1", "1", "3600"},
		{"1e308", "0", "60"},
		{"NaN", "0", "60"},
		{"100", "Inf", "NaN"},
		{"100", "0", "soon"},
	}
	for _, tt := range tests {
		t.Run(tt.limit+","+tt.left+","+tt.reset, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, h := New(Options{}), headers(tt.limit, tt.left, tt.reset)
				begin := time.Now()
				for range 60 {
					if waited := send(t, p, http.StatusTooManyRequests, h); waited > time.Minute {
						t.Fatalf("waited %s, want at most a minute", waited)
					}
				}
				if took := time.Since(begin); took < time.Minute {
					t.Errorf("sent 60 refused requests in %s, want pauses", took)
				}
			})
		})
	}
}

// TestEvenly: what remains is spent evenly until the reset, which is an absolute time or seconds from now.
func TestEvenly(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		reset func(now time.Time) http.Header
	}{
		{"seconds", func(time.Time) http.Header { return headers("100", "29", "30") }},
		{"parameters", func(time.Time) http.Header { return headers("100, 100;w=60", "29", "30") }},
		{"Unix seconds", func(now time.Time) http.Header {
			return headers("100", "29", strconv.FormatInt(now.Add(30*time.Second).Unix(), 10))
		}},
		{"Unix milliseconds", func(now time.Time) http.Header {
			return headers("100", "29", strconv.FormatInt(now.Add(30*time.Second).UnixMilli(), 10))
		}},
		{"Unix seconds of another clock", func(now time.Time) http.Header {
			there := now.Add(-72 * time.Hour)
			h := headers("100", "29", strconv.FormatInt(there.Add(30*time.Second).Unix(), 10))
			h.Set("Date", there.UTC().Format(http.TimeFormat))
			return h
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := New(Options{})
				send(t, p, http.StatusOK, tt.reset(time.Now()))
				begin := time.Now()
				if err := p.Wait(t.Context(), Start); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(begin); waited != time.Second {
					t.Errorf("waited %s, want 1s: 29 requests in 30 seconds", waited)
				}
			})
		})
	}
}

// TestOthersSpend: the pace slows down when clients that share the key spend what remains.
func TestOthersSpend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		send(t, p, http.StatusOK, headers("100", "99", "60"))
		alone := send(t, p, http.StatusOK, headers("100", "50", "60"))
		if shared := send(t, p, http.StatusOK, headers("100", "49", "60")); shared < 5*alone {
			t.Errorf("waited %s after others spent 48 requests, want much longer than %s", shared, alone)
		}
	})
}

// TestRetryAfter: Wait obeys the header for ten minutes.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for after, want := range map[string]time.Duration{"90": 90 * time.Second, "600": 10 * time.Minute, "7200": 10 * time.Minute} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := New(Options{})
				send(t, p, http.StatusTooManyRequests, http.Header{"Retry-After": {after}})
				if waited := send(t, p, http.StatusOK, nil); waited != want {
					t.Errorf("waited %s, want %s", waited, want)
				}
			})
		})
	}
}

// TestSweeps: sweeps have a tenth of the requests while starts wait, and all of them otherwise.
func TestSweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		send(t, p, http.StatusOK, headers("1000", "999", "60"))
		var (
			mu    sync.Mutex
			count [kinds]int
			all   sync.WaitGroup
		)
		work := func(ctx context.Context, k Kind) {
			for p.Wait(ctx, k) == nil {
				mu.Lock()
				count[k]++
				mu.Unlock()
			}
		}
		both, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		for range 3 {
			all.Go(func() { work(both, Start) })
			all.Go(func() { work(both, Sweep) })
		}
		all.Wait()
		if part := float64(count[Sweep]) / float64(count[Start]+count[Sweep]); part < 0.08 || part > 0.11 {
			t.Errorf("%d starts and %d sweeps, want a tenth of them to be sweeps", count[Start], count[Sweep])
		}
		alone, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		before := count[Sweep]
		work(alone, Sweep)
		if n := count[Sweep] - before; n < 900 {
			t.Errorf("%d sweeps in five minutes without starts, want the whole rate", n)
		}
	})
}

// TestWaitEnds: a call ends with its context, wherever it waits, and disturbs no other.
func TestWaitEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		send(t, p, http.StatusTooManyRequests, http.Header{"Retry-After": {"300"}})
		var all sync.WaitGroup
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			for k := range kinds {
				all.Go(func() {
					if err := p.Wait(ctx, k); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("got %v, want that the context ended", err)
					}
				})
			}
		}
		begin := time.Now()
		all.Go(func() {
			if err := p.Wait(t.Context(), Sweep); err != nil || time.Since(begin) != 300*time.Second {
				t.Errorf("got %v after %s, want a permission after 5m", err, time.Since(begin))
			}
		})
		all.Wait()
	})
}

// TestNoResponses: requests that nobody answers do not stop the pacer.
func TestNoResponses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		send(t, p, http.StatusOK, headers("10", "9", "60"))
		begin := time.Now()
		for range 200 {
			if err := p.Wait(t.Context(), Start); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took > 4*time.Hour {
			t.Errorf("200 requests without a response took %s, want at most a minute for each", took)
		}
	})
}

// TestClockSetBack: a clock that is set back stops nothing for more than a minute.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 11, 12, 0, 0, 0, time.UTC)
	p := New(Options{
		Now:   func() time.Time { return now },
		Sleep: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
	})
	round := func(status int) time.Duration {
		begin := now
		if err := p.Wait(t.Context(), Start); err != nil {
			t.Fatal(err)
		}
		p.Observe(status, headers("100", "50", "60"), now)
		return now.Sub(begin)
	}
	round(http.StatusOK)
	round(http.StatusTooManyRequests)
	now = now.Add(-24 * time.Hour)
	for range 5 {
		if waited := round(http.StatusOK); waited > time.Minute {
			t.Errorf("waited %s after the clock was set back, want at most a minute", waited)
		}
	}
}

// TestMayRetry: repetitions are at most a tenth of the starts, and ten.
func TestMayRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		retries := func() (n int) {
			for p.MayRetry() {
				n++
			}
			return n
		}
		if n := retries(); n != 10 {
			t.Errorf("%d repetitions at the beginning, want 10", n)
		}
		for range 200 {
			send(t, p, http.StatusOK, nil)
		}
		if n := retries(); n != 20 {
			t.Errorf("%d more repetitions after 200 starts, want 20", n)
		}
	})
}

// FuzzObserve: no headers let a request wait for more than a minute, or for ten if the service asks for it.
func FuzzObserve(f *testing.F) {
	f.Add(200, "100", "99", "60", "", "")
	f.Add(429, "0", "-1", "253402300799", "99999999", "Sat, 11 Apr 2026 12:00:00 GMT")
	f.Add(503, "NaN", "1e308", "1e11", "soon", "yesterday")
	f.Fuzz(func(t *testing.T, status int, limit, left, reset, after, date string) {
		now := time.Date(2026, 4, 11, 12, 0, 0, 0, time.UTC)
		p := New(Options{
			Now:   func() time.Time { return now },
			Sleep: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
		})
		h := headers(limit, left, reset)
		h.Set("Retry-After", after)
		h.Set("Date", date)
		most := maxWait
		if after != "" {
			most = maxAfter
		}
		for range 8 {
			begin := now
			if err := p.Wait(t.Context(), Start); err != nil {
				t.Fatal(err)
			}
			if waited := now.Sub(begin); waited < 0 || waited > most {
				t.Fatalf("waited %s, want at most %s", waited, most)
			}
			p.Observe(status, h, now)
			if rate, known := p.Rate(); known && (math.IsNaN(rate) || math.IsInf(rate, 0) || rate <= 0) {
				t.Fatalf("the rate is %f", rate)
			}
		}
	})
}
