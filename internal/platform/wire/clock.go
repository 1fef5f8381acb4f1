package wire

import (
	"context"
	"sync"
	"time"
)

// Bounds of the clock's offset: of one step and of all steps together. The sum stays far below the largest
// time.Duration.
const (
	MaxClockStep   = 10 * 365 * 24 * time.Hour
	maxClockOffset = 10 * MaxClockStep
)

// A Clock is the clock of the platform. Tests can move it ahead.
type Clock struct {
	now func() time.Time

	mu      sync.Mutex
	ahead   time.Duration
	changed chan struct{} // closed when the clock is moved ahead; nil: nobody waits
}

// NewClock returns a clock that follows now.
func NewClock(now func() time.Time) *Clock { return &Clock{now: now} }

// Now returns the time on the clock, in UTC.
func (c *Clock) Now() time.Time { return c.now().Add(c.Offset()).UTC() }

// Offset returns how far the clock was moved ahead.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead
}

// Advance moves the clock ahead. It reports whether the offset stays within its bound; otherwise it changes nothing.
func (c *Clock) Advance(by time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ahead+by > maxClockOffset {
		return false
	}
	c.ahead += by
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
	return true
}

// next returns the offset and a channel that is closed when it changes.
func (c *Clock) next() (ahead time.Duration, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.ahead, c.changed
}

// A Sleeper waits for one task on the platform's clock: the time by which the clock is moved ahead after the begin of the task counts as
// waited, once.
type Sleeper struct {
	clock  *Clock
	timing Timing
	used   time.Duration // the part of the clock's offset that was waited, or was there before the task
}

// NewSleeper returns the Sleeper of a task that begins now.
func (t Timing) NewSleeper(clock *Clock) *Sleeper { return &Sleeper{clock, t, clock.Offset()} }

// Sleep waits for d. It fails when ctx ends first.
func (sl *Sleeper) Sleep(ctx context.Context, d time.Duration) error {
	for d > 0 && ctx.Err() == nil {
		ahead, changed := sl.clock.next()
		counted := min(d, ahead-sl.used)
		sl.used, d = sl.used+counted, d-counted
		if d == 0 {
			break
		}
		begin := sl.clock.now()
		select {
		case <-sl.timing.After(d):
			d = 0
		case <-changed:
			d -= min(d, max(0, sl.clock.now().Sub(begin)))
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// Pause waits for the pause between two steps, unless the clock was moved ahead by more than the task has waited.
func (sl *Sleeper) Pause(ctx context.Context) error {
	if sl.clock.Offset() > sl.used {
		return ctx.Err()
	}
	return sl.timing.Sleep(ctx, sl.timing.Pause)
}

// Timing is how the platform waits. Tests make it short.
type Timing struct {
	// Pause is the time between two steps of an app, so that a user sees progress.
	Pause time.Duration
	// Retries are the times between the attempts of a webhook delivery.
	Retries []time.Duration
	// After returns a channel that receives after a time.
	After func(time.Duration) <-chan time.Time
	// Bodies limits the time in which the bodies of requests arrive.
	Bodies BodyTiming
}

// RealTiming returns the timing of a platform that is not under test.
func RealTiming() Timing {
	return Timing{
		Pause:   180 * time.Millisecond,
		Retries: []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute},
		After:   time.After,
		Bodies:  BodyTiming{Idle: 30 * time.Second, Whole: time.Minute},
	}
}

// Sleep waits for d. It fails when ctx ends first.
func (t Timing) Sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		select {
		case <-t.After(d):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
