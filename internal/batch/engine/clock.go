package engine

import (
	"net/http"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/batch/pace"
)

// A Clock is the clock of the service, read from its responses. The journals have its times, so that a clock of this machine that
// is wrong, or is set meanwhile, does no harm. It is safe for several goroutines.
type Clock struct {
	mu      sync.Mutex
	date    time.Time // of the newest response
	at      time.Time // when it arrived; has a monotonic reading
	isKnown bool      // a response had a date; date is of this machine otherwise
}

// Now returns the time of the service, to about a second. Before the first response with a date it is the time of this machine, as it was
// at the first call and went on since.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.date.IsZero() {
		c.at = time.Now()
		c.date = c.at.Round(0)
	}
	return c.date.Add(time.Since(c.at)).UTC()
}

// observe reads the Date header of a response (RFC 9110 section 6.6.1). The clock never goes back by less than an hour: headers of
// whole seconds would make it.
func (c *Clock) observe(h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if ahead := c.date.Add(now.Sub(c.at)).Sub(date); !c.isKnown || ahead < 0 || ahead > time.Hour {
		c.date, c.at, c.isKnown = date, now, true
	}
}

// A Transport passes each response to a pacer and a clock.
type Transport struct {
	Base  http.RoundTripper
	Pacer *pace.Pacer
	Clock *Clock
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := t.Base.RoundTrip(r)
	if err != nil {
		t.Pacer.Observe(0, nil, sent)
		return resp, err
	}
	t.Clock.observe(resp.Header)
	t.Pacer.Observe(resp.StatusCode, resp.Header, sent)
	return resp, err
}
