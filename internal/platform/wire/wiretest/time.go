package wiretest

import (
	"fmt"
	"sync"
	"time"
)

// A Clock stands still until the test advances it.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock ahead.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Timers are timers that end when the test ends them.
type Timers struct {
	mu       sync.Mutex
	pending  map[time.Duration][]chan time.Time
	released map[time.Duration]bool
}

func newTimers() *Timers {
	return &Timers{pending: map[time.Duration][]chan time.Time{}, released: map[time.Duration]bool{}}
}

// After implements wire.Timing.After.
func (t *Timers) After(d time.Duration) <-chan time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	ch := make(chan time.Time, 1)
	if t.released[d] {
		ch <- time.Time{}
	} else {
		t.pending[d] = append(t.pending[d], ch)
	}
	return ch
}

// Release ends all timers with a duration, now and later.
func (t *Timers) Release(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.released[d] = true
	for _, ch := range t.pending[d] {
		ch <- time.Time{}
	}
	delete(t.pending, d)
}

// Pending returns the number of running timers with a duration.
func (t *Timers) Pending(d time.Duration) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pending[d])
}

// Fire waits until a timer with a duration runs, and ends it.
func (rg *Rig) Fire(d time.Duration) {
	rg.T.Helper()
	rg.FireAll(d, 1)
}

// FireAll waits until a number of timers with a duration run, and ends them.
func (rg *Rig) FireAll(d time.Duration, count int) {
	rg.T.Helper()
	rg.awaitTimers(d, count)
	t := rg.Timers
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, ch := range t.pending[d][:count] {
		ch <- time.Time{}
	}
	t.pending[d] = t.pending[d][count:]
}

// Pass waits until a number of timers with a duration run, moves the clock to their end, and ends them.
func (rg *Rig) Pass(d time.Duration, count int) {
	rg.T.Helper()
	rg.awaitTimers(d, count)
	rg.Clock.Advance(d)
	rg.FireAll(d, count)
}

func (rg *Rig) awaitTimers(d time.Duration, count int) {
	rg.T.Helper()
	rg.Await(fmt.Sprintf("%d timers of %s", count, d), func() bool { return rg.Timers.Pending(d) >= count })
}
