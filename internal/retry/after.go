package retry

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxAfter limits the delay that After returns: about twelve days. Longer delays are of no use to a command, and sums with
// them could overflow.
const MaxAfter = (1 << 20) * time.Second

// After returns the delay in the Retry-After header of a response (RFC 9110 section 10.2.3): seconds, or a date, which is
// compared with the Date header if there is one and with now if not. It returns 0 if the header is missing or invalid, and
// at most MaxAfter.
func After(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if delay, ok := Seconds(value); ok {
		return delay
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, min(at.Sub(now).Round(time.Second), MaxAfter))
}

// Seconds returns the delay of a decimal number of seconds, and whether text is such a number. A fraction is rounded up, a negative
// number is 0, and a number without bounds is MaxAfter.
func Seconds(text string) (delay time.Duration, ok bool) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || strings.ContainsAny(text, "xXpPnN_") { // hexadecimal, Inf and NaN
		return 0, false
	}
	return time.Duration(math.Ceil(max(0, min(seconds, MaxAfter.Seconds())))) * time.Second, true
}
