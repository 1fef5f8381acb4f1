package pace

import "time"

const (
	// slack is how far two times of the same reset may differ: services round to seconds.
	slack = 2 * time.Second
	// memory is how much of the estimate of the share each response keeps.
	memory = 0.9
	// courage is what a client takes beyond its share. It lets the shares of several clients become equal: those with a small share
	// grow by more, in proportion, than those with a large one.
	courage = 0.05
	// provenSlides is how often a reset must have moved before it was reached until the window counts as sliding.
	provenSlides = 3
	// maxReserve is the largest part of a quota that is left for requests of other clients which this one has not seen yet.
	maxReserve = 0.07
	// slideReserve is the part of a sliding quota below which the rate falls.
	slideReserve = 0.085
	// minSlide is the number of remaining requests below which the rate in a sliding window falls no more. Without a request from time
	// to time nobody would see that some remain again.
	minSlide = 2
	// maxCaution is the largest part of a sliding quota that is left to the other clients after refusals.
	maxCaution = 0.03
	// calm is how much of the caution each response keeps.
	calm = 0.998
)

// A quota is the rate limit of a key as responses describe it. Other clients may spend from it. What remains is spent evenly until the
// reset. The zero quota does not limit anything.
type quota struct {
	limit  float64       // 0: no response has named it
	left   float64       // as the last response says
	ends   time.Time     // when the window ends
	length time.Duration // of a window: the longest time until a reset that was seen
	begun  time.Time     // responses to requests sent before speak of an earlier window
	seen   time.Time     // when the last response came
	// assumed: the window has begun by this clock only. No response has described it.
	assumed bool
	slides  int     // how often the reset moved before it was reached
	caution float64 // after refusals: how many requests of a sliding quota are left to the other clients

	own, all float64 // responses to this client, and requests of all clients at the same time; older ones count less
}

// isSliding reports whether each request counts for the length of the window, so that there is no moment at which all is free again.
func (q *quota) isSliding() bool { return q.slides >= provenSlides }

// share estimates which part of all requests are those of this client: 1 if it is alone.
func (q *quota) share() float64 {
	if q.all == 0 {
		return 1
	}
	return min(1, q.own/q.all)
}

// claim returns which part of the quota this client spends.
func (q *quota) claim() float64 { return min(1, q.share()+courage) }

// rate returns the rate of this client if it spends its part of the quota evenly, in requests a second; 0 means unknown.
func (q *quota) rate() float64 {
	if q.limit == 0 {
		return 0
	}
	return q.claim() * q.limit / q.length.Seconds()
}

// observe learns from a response to a request that was sent at a time.
func (q *quota) observe(r reading, sent, now time.Time) {
	ends := now.Add(r.reset)
	moved := sent.Add(r.reset).After(q.ends.Add(slack))
	switch {
	case q.limit == 0: // the first response
		q.own, q.all, q.begun = 1, 1, sent
	case sent.Before(q.begun):
		return
	case q.isSliding():
		q.caution *= calm
		if r.left > q.left+r.limit/2 && now.Sub(q.seen) < q.length/4 {
			q.slides = 0
		}
		q.begun = sent
	case q.assumed:
		q.count(q.limit - r.left)
		if r.left < r.limit/2 && now.Sub(q.begun) < q.length/4 {
			q.slides++
		}
	case moved:
		if now.Before(q.ends.Add(-slack)) {
			q.slides++
		}
		q.begun = sent
	default:
		q.count(q.left - r.left)
		r.left = min(r.left, q.left)
		if q.ends.Before(ends) {
			ends = q.ends
		}
	}
	q.limit, q.left, q.ends, q.seen, q.assumed = r.limit, r.left, ends, now, false
	q.length = max(q.length, r.reset)
}

// refuse learns from a refusal.
func (q *quota) refuse() {
	if q.isSliding() {
		q.caution = min(q.caution+1, q.limit*maxCaution)
	}
}

// count updates the estimate of the share: all clients together sent some requests during one of this client.
func (q *quota) count(requests float64) {
	q.own = q.own*memory + 1
	q.all = q.all*memory + max(1, min(requests, q.limit))
}

// due returns when the next request may be sent.
func (q *quota) due(now time.Time, s *sent) time.Time {
	if q.limit == 0 {
		return time.Time{}
	}
	if q.seen.After(now) { // the clock was set back
		q.seen, q.begun, q.ends = now, now, now.Add(q.length)
	}
	var at time.Time
	if q.isSliding() {
		at = q.dueSliding(s)
	} else {
		at = q.dueFixed(now, s)
	}
	if last := latest(s.last, q.seen).Add(maxWait); at.After(last) {
		return last
	}
	return at
}

// dueFixed returns when the next request may be sent if all requests are free again at the reset.
func (q *quota) dueFixed(now time.Time, s *sent) time.Time {
	reset := q.ends.Add(min(time.Second, q.length/60)) // some services round down
	if !now.Before(reset) {
		q.left, q.ends, q.begun, q.assumed = q.limit, now.Add(q.length), now, true
	}
	// Each of the other clients may send a request before this one sees it.
	usable := q.left - float64(len(s.open)) - min(1/q.share()-1, q.limit*maxReserve)
	if usable < 1 {
		return reset
	}
	from := latest(s.last, q.begun)
	window := max(q.ends.Sub(from), 0)
	return s.last.Add(time.Duration(float64(window) / (q.claim() * (usable + 1))))
}

// dueSliding returns when the next request may be sent if each request is free again after the length of the window. Every client sees
// the same number of requests that remain. They all slow down as it falls, until as many requests become free as they send.
func (q *quota) dueSliding(s *sent) time.Time {
	interval := float64(q.length) / q.limit
	full := min(1, max(minSlide, q.left-float64(len(s.open))-q.caution)/(q.limit*slideReserve))
	return s.last.Add(time.Duration(interval / (full * full * full)))
}
