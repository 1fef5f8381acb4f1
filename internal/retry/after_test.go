package retry

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 11, 8, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	tests := []struct {
		name  string
		value string
		date  string // of the response
		want  time.Duration
	}{
		{"missing", "", "", 0},
		{"seconds", "9", "", 9 * time.Second},
		{"spaces", " 30 ", "", 30 * time.Second},
		{"zero", "0", "", 0},
		{"negative", "-5", "", 0},
		{"far too many", "1048577", "", MaxAfter},
		{"seconds that overflow a Duration", "9223372037", "", MaxAfter},
		{"seconds that overflow an integer", "99999999999999999999", "", MaxAfter},
		{"negative seconds that overflow an integer", "-99999999999999999999", "", 0},
		{"words", "soon", "", 0},
		{"fraction", "1.5", "", 2 * time.Second},
		{"negative fraction", "-0.5", "", 0},
		{"fraction below a second", "0.01", "", time.Second},
		{"exponent that overflows", "1e999", "", MaxAfter},
		{"digits that overflow a float", strings.Repeat("9", 400), "", MaxAfter},
		{"negative digits that overflow a float", "-" + strings.Repeat("9", 400), "", 0},
		{"not a number", "NaN", "", 0},
		{"infinity", "Inf", "", 0},
		{"hexadecimal", "0x10", "", 0},
		{"date by this clock", date(time.Minute), "", time.Minute},
		{"date by the server's clock", date(time.Minute), date(30 * time.Second), 30 * time.Second},
		{"date in the past", date(-time.Hour), date(0), 0},
		{"date far in the future", "Fri, 31 Dec 9999 23:59:59 GMT", "", MaxAfter},
		{"invalid Date header", date(time.Minute), "yesterday", time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{"Retry-After": {tt.value}, "Date": {tt.date}}
			if got := After(h, now); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// FuzzSeconds: a delay is never negative and never above MaxAfter.
func FuzzSeconds(f *testing.F) {
	for _, seed := range []string{"1", "-1", "1.5", "1e400", "NaN", "0x1p4", "9_9", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := Seconds(text); got < 0 || got > MaxAfter || !ok && got != 0 {
			t.Errorf("got %s, %t for %q, want 0 to %s", got, ok, text, MaxAfter)
		}
	})
}
