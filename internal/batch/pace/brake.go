package pace

import (
	"math"
	"time"
)

const (
	// growth is how much the rate grows in each growthTime without a refusal.
	growth     = 0.04
	growthTime = 2 * time.Second
	// hurry is how many growthTimes without a refusal add another growth, while no response names a quota.
	hurry = 10
	// step is how much the rate grows as well, in requests a second, while no response names a quota. After many refusals the rate is so
	// low that a part of it is next to nothing.
	step = 0.1
	// firstRate is the lowest rate after the first refusal, in requests a second, while no response has named a quota: a client that has
	// sent only a few requests does not know its rate.
	firstRate = 2
	// minRate is the lowest rate, in requests a second.
	minRate = 1.0 / 60
	// maxSteps is how many growthTimes count at once, after a pause.
	maxSteps = 100
	// maxRate is the rate above which there is no limit.
	maxRate = 10_000
)

// A brake limits the rate after a refusal. The rate halves with the first refusal of a round trip and then grows again. The zero brake
// does not limit it.
type brake struct {
	rate  float64   // requests a second; 0 means no limit
	since time.Time // refusals of requests that were sent before are known
	grown time.Time // the rate includes the growth until then
	steps float64   // growthTimes since the last refusal
	// isAlone: no response has named a quota.
	isAlone bool
}

// refuse reduces the rate because a request was refused. The rate stays above a minimum.
func (b *brake) refuse(sent, now time.Time, observed, minimum float64) {
	b.grow(now)
	b.grown = now
	if sent.Before(b.since) {
		return
	}
	switch {
	case b.rate > 0:
		observed = min(observed, b.rate)
	case b.isAlone:
		minimum = max(minimum, firstRate)
	}
	b.rate = max(observed/2, minimum, minRate)
	b.since = now
	b.steps = 0
}

// grow increases the rate for the time without refusals.
func (b *brake) grow(now time.Time) {
	if b.grown.After(now) { // the clock was set back
		b.grown, b.since = now, now
	}
	steps := now.Sub(b.grown) / growthTime
	if b.rate == 0 || steps <= 0 {
		return
	}
	b.grown = b.grown.Add(steps * growthTime)
	n := float64(min(steps, maxSteps))
	part := growth
	if b.isAlone {
		part *= 1 + (b.steps+n/2)/hurry
		b.rate += step * n
	}
	b.steps += n
	if b.rate *= math.Pow(1+part, n); b.rate > maxRate {
		b.rate = 0
	}
}

// due returns when the next request may be sent.
func (b *brake) due(s *sent) time.Time {
	if b.rate == 0 {
		return time.Time{}
	}
	return s.last.Add(time.Duration(float64(time.Second) / b.rate))
}
