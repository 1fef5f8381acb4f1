package pace

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A limiter is a service's limit of requests a minute. The methods are called by one goroutine at a time.
type limiter interface {
	// count counts a request, and returns whether it is refused, how many remain, and the seconds until the reset.
	count(now time.Time) (refused bool, left int, reset time.Duration)
}

const limit = 100

// fixed counts as the local platform does: a window begins with the first request after the last one.
type fixed struct {
	ends time.Time
	used int
}

func (l *fixed) count(now time.Time) (bool, int, time.Duration) {
	if !now.Before(l.ends) {
		l.ends, l.used = now.Add(time.Minute), 0
	}
	l.used++
	return l.used > limit, max(0, limit-l.used), l.ends.Sub(now)
}

// sliding counts the requests of the last minute.
type sliding struct {
	times  []time.Time
	oldest bool // the reset is when the oldest request is free again; otherwise it is always a minute from now
}

func (l *sliding) count(now time.Time) (bool, int, time.Duration) {
	for len(l.times) > 0 && !now.Before(l.times[0].Add(time.Minute)) {
		l.times = l.times[1:]
	}
	refused := len(l.times) >= limit
	if !refused {
		l.times = append(l.times, now)
	}
	reset := time.Minute
	if l.oldest {
		reset = l.times[0].Add(time.Minute).Sub(now)
	}
	return refused, limit - len(l.times), reset
}

// a simulation has clients that send as fast as their pacers let them, to one service.
type simulation struct {
	mu       sync.Mutex
	limiter  limiter
	headers  bool
	accepted []int // by client
	refused  int
	sweeps   int
}

// answer returns the response of the service to a request that arrives now.
func (s *simulation) answer(client int) (status int, h http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused, left, reset := s.limiter.count(time.Now())
	h = http.Header{}
	if s.headers {
		h.Set("RateLimit-Limit", strconv.Itoa(limit))
		h.Set("RateLimit-Remaining", strconv.Itoa(left))
		h.Set("RateLimit-Reset", strconv.Itoa(int((reset+time.Second-1)/time.Second)))
	}
	if refused {
		s.refused++
		return http.StatusTooManyRequests, h
	}
	s.accepted[client]++
	return http.StatusAccepted, h
}

// run lets clients send for a time.
func (s *simulation) run(t *testing.T, clients int, d time.Duration) {
	s.accepted = make([]int, clients)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		var all sync.WaitGroup
		for client := range clients {
			p := New(Options{})
			for worker := range 9 {
				kind := Start
				if worker == 8 {
					kind = Sweep
				}
				all.Go(func() {
					time.Sleep(time.Duration(client) * 1300 * time.Millisecond)
					s.work(ctx, p, client, kind)
				})
			}
		}
		all.Wait()
	})
}

// work sends requests one after the other.
func (s *simulation) work(ctx context.Context, p *Pacer, client int, k Kind) {
	latency := func() { time.Sleep(time.Duration(10+rand.IntN(200)) * time.Millisecond) }
	for p.Wait(ctx, k) == nil {
		sent := time.Now()
		latency()
		status, h := s.answer(client)
		latency()
		p.Observe(status, h, sent)
		if k == Sweep {
			s.mu.Lock()
			s.sweeps++
			s.mu.Unlock()
			time.Sleep(2 * time.Second)
		}
	}
}

// TestQuotaIsUsed: clients use nearly all of the quota, are hardly ever refused, and share it fairly.
func TestQuotaIsUsed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		limiter func() limiter
		clients int
		use     float64 // at least
		refused float64 // at most
	}{
		{"fixed window, one client", func() limiter { return &fixed{} }, 1, 0.9, 0.001},
		{"fixed window, four clients", func() limiter { return &fixed{} }, 4, 0.9, 0.02},
		{"fixed window, eight clients", func() limiter { return &fixed{} }, 8, 0.9, 0.02},
		{"sliding window, one client", func() limiter { return &sliding{} }, 1, 0.9, 0.001},
		{"sliding window, four clients", func() limiter { return &sliding{} }, 4, 0.8, 0.02},
		{"sliding window, eight clients", func() limiter { return &sliding{} }, 8, 0.8, 0.02},
		{"sliding window that names its oldest, one client", func() limiter { return &sliding{oldest: true} }, 1, 0.9, 0.001},
		{"sliding window that names its oldest, four clients", func() limiter { return &sliding{oldest: true} }, 4, 0.8, 0.02},
		{"sliding window that names its oldest, eight clients", func() limiter { return &sliding{oldest: true} }, 8, 0.8, 0.02},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const minutes = 60
			s := &simulation{limiter: tt.limiter(), headers: true}
			s.run(t, tt.clients, minutes*time.Minute)
			sum, least := 0, s.accepted[0]
			for _, n := range s.accepted {
				sum, least = sum+n, min(least, n)
			}
			use, refused := float64(sum)/(limit*minutes), float64(s.refused)/float64(sum+s.refused)
			share := float64(least*tt.clients) / float64(sum)
			t.Logf("used %.3f of the quota, %.4f refused, smallest share %.2f of an equal one, %d sweeps", use, refused, share, s.sweeps)
			if use < tt.use || refused > tt.refused || share < 0.5 {
				t.Errorf("want at least %.2f used, at most %.3f refused, and at least half of an equal share", tt.use, tt.refused)
			}
		})
	}
}
