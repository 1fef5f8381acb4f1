package platform

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// rateWindow is how long a count of requests lasts.
const rateWindow = time.Minute

// A limiter counts the requests of each address in fixed windows. The zero value is ready.
type limiter struct {
	mu      sync.Mutex
	windows map[string]*countedWindow
}

type countedWindow struct {
	ends  time.Time
	count int
}

// take counts a request, and returns how many there were in this window and how long it lasts.
func (l *limiter) take(address string, now time.Time) (count int, left time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.windows[address]
	if w == nil || !now.Before(w.ends) {
		l.forget(now)
		w = &countedWindow{ends: now.Add(rateWindow)}
		l.windows[address] = w
	}
	w.count++
	return w.count, w.ends.Sub(now)
}

// forget drops the windows that are over, so that the memory is bounded by the addresses of one minute.
func (l *limiter) forget(now time.Time) {
	if l.windows == nil {
		l.windows = map[string]*countedWindow{}
	}
	for address, w := range l.windows {
		if !now.Before(w.ends) {
			delete(l.windows, address)
		}
	}
}

// meter counts a request against the limit of its address, says so in the headers, and refuses what is too much.
func (s *Server) meter(w http.ResponseWriter, r *http.Request) error {
	limit := s.opts.RateLimit
	if limit < 0 {
		return nil
	}
	count, left := s.limiter.take(clientAddress(r), s.now())
	reset := int((left + time.Second - 1) / time.Second)
	h := w.Header()
	h.Set("RateLimit-Limit", strconv.Itoa(limit))
	h.Set("RateLimit-Remaining", strconv.Itoa(max(0, limit-count)))
	h.Set("RateLimit-Reset", strconv.Itoa(reset))
	if count <= limit {
		return nil
	}
	h.Set("Retry-After", strconv.Itoa(reset))
	return &apiError{
		status: http.StatusTooManyRequests, code: "RATE_LIMITED", message: "Too many requests from this address",
		retryAfter: reset,
	}
}
