package pace

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// minReset is the shortest time until a reset. A reset in the past is one now, and services round down.
	minReset = time.Second
	// maxReset is the longest time until a reset that is believed. An hour is the longest window that services document.
	maxReset = time.Hour
	// absurdReset is the time until a reset from which on the header is taken for a mistake.
	absurdReset = 24 * time.Hour
	// smallReset separates seconds from now, below, from Unix seconds.
	smallReset = 1e8
	// millisReset separates Unix seconds, below, from Unix milliseconds.
	millisReset = 1e11
	maxRequests = 1e9
)

// A reading is what the headers of a response say about the rate limit.
type reading struct {
	limit float64       // at least 1
	left  float64       // 0 to limit
	reset time.Duration // minReset to maxReset
}

// read returns what headers say about the rate limit. It is not ok if they do not say how many requests remain, or when the limit ends.
func (o Options) read(h http.Header, now time.Time) (r reading, ok bool) {
	left, ok := number(h.Get(o.Remaining))
	if !ok {
		return r, false
	}
	r.left = max(0, min(left, maxRequests))
	limit, _ := number(h.Get(o.Limit))
	r.limit = max(1, r.left, min(limit, maxRequests))
	r.reset, ok = untilReset(h.Get(o.Reset), h.Get("Date"), now)
	return r, ok
}

// number returns a decimal number, which parameters may follow: "100, 100;w=60".
func number(text string) (n float64, ok bool) {
	if end := strings.IndexAny(text, ",;"); end >= 0 {
		text = text[:end]
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, false
	}
	return n, true
}

// untilReset returns the time until a reset, which is in seconds from now, in Unix seconds or in Unix milliseconds. An absolute time is
// compared with the Date header, if there is one, because the clocks may differ.
func untilReset(value, date string, now time.Time) (d time.Duration, ok bool) {
	n, ok := number(value)
	if !ok {
		return 0, false
	}
	if n >= smallReset {
		if at, err := http.ParseTime(date); err == nil {
			now = at
		}
		if n >= millisReset {
			n /= 1000
		}
		n -= float64(now.UnixNano()) / 1e9
	}
	if n > absurdReset.Seconds() {
		return 0, false
	}
	return time.Duration(max(minReset.Seconds(), min(n, maxReset.Seconds())) * float64(time.Second)), true
}
