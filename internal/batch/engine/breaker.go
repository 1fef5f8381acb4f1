package engine

import (
	"time"

	"github.com/uselamina/lamina/internal/retry"
)

// A breaker stops the starts while all of them fail (a circuit breaker). After a failure nothing is sent for a delay, and then one start
// in each delay until one succeeds. It does not wait for the response to that one, which may take as long as a workflow. It is not safe
// for several goroutines.
type breaker struct {
	patience    retry.Budget
	failures    int       // delays since the last success
	lastFailure time.Time // the failures of starts that were sent before are not counted
	nextStart   time.Time // no start is sent before
}

// fail records the failure of a start that was sent at a time. after is how long the service wants to be left alone. It reports whether
// the patience is spent.
func (b *breaker) fail(sent time.Time, after time.Duration) (isSpent bool) {
	now := time.Now()
	_, isSpent = b.patience.Fail()
	if b.failures == 0 || !sent.Before(b.lastFailure) {
		b.failures++
		b.lastFailure = now
		b.nextStart = now.Add(retry.Network().Delay(b.failures))
	}
	if asked := now.Add(after); asked.After(b.nextStart) {
		b.nextStart = asked
	}
	return isSpent
}

// succeed records that the service answered a start, which restores everything.
func (b *breaker) succeed() {
	b.patience.Succeed()
	b.failures, b.nextStart = 0, time.Time{}
}

// isOpen reports whether starts fail, so that few are sent.
func (b *breaker) isOpen() bool { return b.failures > 0 }

// delayNext notes that a start is going to be sent: while starts fail, the next one waits.
func (b *breaker) delayNext() {
	if b.isOpen() {
		b.nextStart = time.Now().Add(retry.Network().Delay(b.failures))
	}
}

// wait returns for how long no start is sent.
func (b *breaker) wait() time.Duration { return max(0, time.Until(b.nextStart)) }
