package output

import (
	"fmt"
	"time"
)

// Ago returns the time from t to now in words, such as "2 hours ago". It returns "unknown" for the zero time.
func Ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "unknown"
	case d < -time.Minute:
		return "in " + span(-d)
	case d < 10*time.Second:
		return "just now"
	}
	return span(d) + " ago"
}

// Past is Ago for what has happened. If the time is ahead, because the clock of the service differs from the clock of this machine, it
// returns the time itself.
func Past(t, now time.Time) string {
	if t.After(now.Add(time.Minute)) {
		return Moment(t)
	}
	return Ago(t, now)
}

// Moment returns a time in the zone of this machine, such as "2 January 2006 15:04 CET".
func Moment(t time.Time) string { return t.Local().Format("2 January 2006 15:04 MST") }

// Clock returns the time of the day in the zone of this machine, such as "15:04 CET".
func Clock(t time.Time) string { return t.Local().Format("15:04 MST") }

// Day returns a day in the zone of this machine, such as "2 January 2006".
func Day(t time.Time) string { return t.Local().Format("2 January 2006") }

// span returns a duration in its largest unit, such as "2 hours".
func span(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := int(d / unit.length); n == 1 {
			return "1 " + unit.name
		} else if n > 1 {
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "0 seconds"
}
