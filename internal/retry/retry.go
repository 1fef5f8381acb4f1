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
	// Attempts limits the number of calls; 0 means no limit.
	Attempts int
	// MaxWait is the longest server-requested delay that is obeyed. A longer one ends the attempts; 0 means no limit.
	MaxWait time.Duration
	// Retryable reports whether the operation may be repeated after err, and the delay that the server requested (0: none).
	Retryable func(err error) (after time.Duration, ok bool)
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
	for attempt := 1; ; attempt++ {
		err := operation()
		if err == nil || attempt == p.Attempts || ctx.Err() != nil {
			return err
		}
		after, ok := p.Retryable(err)
		if !ok || p.MaxWait > 0 && after > p.MaxWait {
			return err
		}
		delay := max(p.Backoff.Delay(attempt), after)
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
