package pace

import "time"

const (
	// forgotten is the time after which a request without a response does not count as being on its way.
	forgotten = time.Minute
	// recent is the time over which the rate of requests is measured.
	recent = 5 * time.Second
)

// sent is what a Pacer knows of the requests that it permitted.
type sent struct {
	last time.Time
	open []time.Time // requests without a response, the oldest first
	all  []time.Time // the requests of the last seconds
}

// add records a request.
func (s *sent) add(now time.Time) {
	s.last = now
	s.open = append(s.open, now)
	s.all = append(s.all, now)
}

// answered records a response. Which request it belongs to makes no difference.
func (s *sent) answered() {
	if len(s.open) > 0 {
		s.open = s.open[1:]
	}
}

// forget drops what is too old.
func (s *sent) forget(now time.Time) {
	s.open = since(s.open, now.Add(-forgotten))
	s.all = since(s.all, now.Add(-recent))
	if s.last.After(now) { // the clock was set back
		s.last = now
	}
}

// since returns the times that are not before another.
func since(times []time.Time, begin time.Time) []time.Time {
	for len(times) > 0 && times[0].Before(begin) {
		times = times[1:]
	}
	return times
}

// rate returns how many requests were sent in a second, lately.
func (s *sent) rate(now time.Time) float64 {
	s.forget(now)
	if len(s.all) == 0 {
		return 0
	}
	return float64(len(s.all)) / min(recent, max(time.Second, now.Sub(s.all[0]))).Seconds()
}
