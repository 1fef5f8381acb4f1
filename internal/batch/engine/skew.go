package engine

import (
	"time"

	"github.com/uselamina/lamina/internal/batch/state"
)

// slack is how much the times of the service and those of the journals may differ: a Date header has whole seconds.
const slack = 2 * time.Second

// A skew is the difference between the creation times of runs and the times of the journals, which come from Date headers. Another
// machine of the service may set the creation times, in another time zone, or after the response. The zero value is no difference.
type skew struct {
	isKnown  bool
	min, max time.Duration
}

// observe learns from the creation time of a run of the journals.
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

// earliest returns the earliest creation time of the run of a start, by the time of the journals at which the start was sent.
func (s *skew) earliest(sent time.Time) time.Time { return sent.Add(s.min - slack) }

// latest returns the latest creation time of the run of a start, by the time of the journals at which the start was answered.
func (s *skew) latest(answered time.Time) time.Time { return answered.Add(s.max + slack) }
