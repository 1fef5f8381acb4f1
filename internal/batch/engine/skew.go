package engine

import (
	"time"

	"github.com/uselamina/lamina/internal/batch/state"
)

// slack is how much the times of the service and those of the journals may differ: a Date header has whole seconds.
const slack = 2 * time.Second

// A skew is how far the creation times of runs are ahead of the journals, whose times come from Date headers: another machine of the
// service may set them, in another time zone, or later than its response. The zero value is no skew.
type skew struct {
	isKnown  bool
	min, max time.Duration
}

// observe learns from the creation time of a run whose start the service answered.
func (s *skew) observe(r state.Run, created time.Time) {
	if r.Sent.IsZero() || created.IsZero() {
		return
	}
	var ahead time.Duration
	if early := created.Sub(r.Sent); early < -slack {
		ahead = early
	}
	if late := created.Sub(r.At); late > slack {
		ahead = late
	}
	if !s.isKnown {
		s.isKnown, s.min, s.max = true, ahead, ahead
	}
	s.min, s.max = min(s.min, ahead), max(s.max, ahead)
}

// earliest returns the earliest creation time that a run may have whose start was sent at a time of the journals.
func (s *skew) earliest(sent time.Time) time.Time { return sent.Add(s.min - slack) }

// latest returns the latest creation time that a run may have whose start was answered at a time of the journals.
func (s *skew) latest(answered time.Time) time.Time { return answered.Add(s.max + slack) }
