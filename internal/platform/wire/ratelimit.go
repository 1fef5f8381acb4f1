package wire

import (
	"sync"
	"time"
)

// RateWindow is the length of a window in which requests are counted.
const RateWindow = time.Minute

// A Limiter counts requests by name in fixed windows. The zero value is ready.
type Limiter struct {
	mu      sync.Mutex
	windows map[string]*rateWindow
}

type rateWindow struct {
	ends  time.Time
	count int
}

// A RateCount is the state of a window after a request was counted.
type RateCount struct {
	Limit int
	Used  int           // requests in this window, this one included
	Left  time.Duration // until the window ends
}

// Count counts a request under a name, for example an address.
func (l *Limiter) Count(name string, limit int, now time.Time) RateCount {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.windows[name]
	if w == nil || !now.Before(w.ends) {
		l.forget(now)
		w = &rateWindow{ends: now.Add(RateWindow)}
		l.windows[name] = w
	}
	w.count++
	return RateCount{Limit: limit, Used: w.count, Left: w.ends.Sub(now)}
}

// forget drops the windows that have ended. It bounds the memory by the names of one window.
func (l *Limiter) forget(now time.Time) {
	if l.windows == nil {
		l.windows = map[string]*rateWindow{}
	}
	for name, w := range l.windows {
		if !now.Before(w.ends) {
			delete(l.windows, name)
		}
	}
}

// Exceeded reports whether the request is above the limit.
func (c RateCount) Exceeded() bool { return c.Used > c.Limit }

// Remaining returns how many requests the window still allows.
func (c RateCount) Remaining() int { return max(0, c.Limit-c.Used) }

// Seconds returns the time until the window ends in seconds, rounded up.
func (c RateCount) Seconds() int { return int((c.Left + time.Second - 1) / time.Second) }
