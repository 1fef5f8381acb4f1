package retry

import "time"

// A Budget limits for how long failures may continue without a success in between.
type Budget struct {
	// Limit is the time from the first failure after which the budget is spent.
	Limit time.Duration
	// Now returns the current time; nil means time.Now.
	Now func() time.Time

	failures int
	since    time.Time
}

// Fail records a failure. It returns the number of failures since the last success, this one included, and whether the
// budget is spent.
func (b *Budget) Fail() (failures int, isSpent bool) {
	now := time.Now
	if b.Now != nil {
		now = b.Now
	}
	if b.failures == 0 {
		b.since = now()
	}
	b.failures++
	return b.failures, now().Sub(b.since) > b.Limit
}

// Succeed records a success, which restores the whole budget.
func (b *Budget) Succeed() { b.failures = 0 }
