package wire

import (
	"context"
	"sync/atomic"
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
	now   func() time.Time
	ahead atomic.Int64 // nanoseconds
}

// NewClock returns a clock that follows now.
func NewClock(now func() time.Time) *Clock { return &Clock{now: now} }

// Now returns the time on the clock, in UTC.
func (c *Clock) Now() time.Time { return c.now().Add(c.Offset()).UTC() }

// Offset returns how far the clock was moved ahead.
func (c *Clock) Offset() time.Duration { return time.Duration(c.ahead.Load()) }

// Advance moves the clock ahead. It reports whether the offset stays within its bound; otherwise it changes nothing.
func (c *Clock) Advance(by time.Duration) bool {
	for {
		was := c.ahead.Load()
		if time.Duration(was)+by > maxClockOffset {
			return false
		}
		if c.ahead.CompareAndSwap(was, was+int64(by)) {
			return true
		}
	}
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
