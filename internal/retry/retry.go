// Package retry repeats operations that failed for a transient reason. It owns the four parts of that task: backoff with
// jitter, budgets of attempts and of time, the Retry-After header, and a sleep that a context can end.
//
// The libraries cenkalti/backoff and sethvargo/go-retry were considered. Both choose a delay without seeing the error, or
// mark retryable errors by wrapping them. The callers here decide by error, obey Retry-After and return the error as it came.
package retry

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// A Backoff computes the delay after each failed attempt. The zero value waits for no time at all.
type Backoff struct {
	// Base is the delay after the first attempt. It doubles after each further attempt.
	Base time.Duration
	// Max limits the delay before jitter is added; 0 means no limit.
	Max time.Duration
	// Jitter is the largest random part that is added to a delay, as a fraction of it; 0 means none.
	Jitter float64
}

// Network returns the backoff for requests over the network: 300 ms, doubled up to 5 s, plus up to half of that at random.
func Network() Backoff {
	return Backoff{Base: 300 * time.Millisecond, Max: 5 * time.Second, Jitter: 0.5}
}

// Delay returns the time to wait after the given failed attempt. The first attempt is 1.
func (b Backoff) Delay(attempt int) time.Duration {
	limit := b.Max
	if limit <= 0 {
		limit = math.MaxInt64
	}
	delay := min(b.Base, limit)
	for ; attempt > 1 && delay > 0 && delay < limit; attempt-- {
		if delay > limit/2 {
			delay = limit
			break
		}
		delay *= 2
	}
	// The sum can exceed the range of a Duration, so it is computed as a float.
	jittered := float64(delay) * (1 + b.Jitter*rand.Float64())
	if jittered >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(jittered)
}

// A Policy specifies which failures of an operation are retried, how often and after how long.
type Policy struct {
	Backoff Backoff
	// Attempts limits the number of calls; 0 means no limit. Calls after a delay that the server requested do not count, because
	// MaxWait limits them.
	Attempts int
	// MaxWait limits the time that is spent with server-requested delays. One that does not fit ends the attempts; 0 means no limit
	// of the time, and that all calls count.
	MaxWait time.Duration
	// Retryable reports whether the operation may be repeated after err, and the delay that the server requested (0: none).
	Retryable func(err error) (after time.Duration, ok bool)
	// Advanced, if set, is called after each failure. It reports whether the operation got further than ever before, which restores
	// all attempts and MaxWait.
	Advanced func() bool
	// OnRetry, if set, is called before each wait.
	OnRetry func(err error, after time.Duration)
	// Sleep replaces the function Sleep in tests; nil means Sleep.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Do calls operation until it succeeds or may not be repeated, and returns its last error. The delay between two calls is
// the backoff or the delay that the server requested, whichever is longer. When ctx ends, Do makes no further call and
// returns the last error of operation, not that of ctx.
func (p Policy) Do(ctx context.Context, operation func() error) error {
	sleep := p.Sleep
	if sleep == nil {
		sleep = Sleep
	}
	var waited time.Duration // in delays that the server requested
	for attempt, counted := 1, 1; ; attempt++ {
		err := operation()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if p.Advanced != nil && p.Advanced() {
			attempt, counted, waited = 1, 1, 0
		}
		after, ok := p.Retryable(err)
		delay := max(p.Backoff.Delay(attempt), after)
		switch isLimited := p.MaxWait > 0 && after > 0; {
		case !ok, isLimited && (after > p.MaxWait || waited > 0 && waited+delay > p.MaxWait), !isLimited && counted == p.Attempts:
			return err
		case isLimited:
			waited += delay
		default:
			counted++
		}
		if p.OnRetry != nil {
			p.OnRetry(err, delay)
		}
		if sleep(ctx, delay) != nil {
			return err
		}
	}
}

// Sleep waits for d, or until ctx ends. It returns ctx's error if ctx ended first or had ended before.
func Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
