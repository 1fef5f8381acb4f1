package batchinfo

import (
	"fmt"
	"time"
)

// The time by which a speed is measured: at most window, because older samples are outdated, and at least minWindow.
const (
	window    = 5 * time.Minute
	minWindow = 10 * time.Second
)

// A sample is how many items were done after a time.
type sample struct {
	at   time.Duration
	done int
}

// A speed is measured by the items of the last minutes.
type speed struct{ samples []sample }

// add adds a sample.
func (s *speed) add(at time.Duration, done int) {
	s.samples = append(s.samples, sample{at, done})
	old := 0
	for old < len(s.samples)-2 && s.samples[old+1].at <= at-window {
		old++
	}
	s.samples = s.samples[old:]
}

// perMinute returns how many items are done in a minute; 0 if it is unknown.
func (s *speed) perMinute() float64 {
	if len(s.samples) == 0 {
		return 0
	}
	first, last := s.samples[0], s.samples[len(s.samples)-1]
	if last.at-first.at < minWindow || last.done <= first.done {
		return 0
	}
	return float64(last.done-first.done) / (last.at - first.at).Minutes()
}

// About returns an estimated time in words. It is the rougher, the longer the time is.
func About(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 10*time.Minute-5*time.Second:
		return "about " + Span(d.Round(10*time.Second))
	case d < time.Hour-30*time.Second:
		return "about " + Span(d.Round(time.Minute))
	case d < 48*time.Hour:
		return "about " + Span(d.Round(10*time.Minute))
	case d < 1000*24*time.Hour:
		return fmt.Sprintf("about %.0f days", d.Hours()/24)
	}
	return "years"
}

// Span returns a time in its two largest units, such as 2 h 10 min.
func Span(d time.Duration) string {
	hours, minutes, seconds := int(d/time.Hour), int(d/time.Minute)%60, int(d/time.Second)%60
	switch {
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	case minutes > 0 && seconds > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d s", seconds)
}
