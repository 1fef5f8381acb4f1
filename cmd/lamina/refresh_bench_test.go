//go:build unix

package main

import (
	"slices"
	"testing"
	"time"
)

// measurePairs measures two cases in turn, and reports their medians and the median of the differences, in milliseconds.
func measurePairs(b *testing.B, first, second string, measure func(second bool) time.Duration) {
	b.Helper()
	var took [2][]float64
	var more []float64
	for i := 0; b.Loop(); i++ {
		var pair [2]float64
		for j := range 2 {
			which := (i + j) % 2
			pair[which] = float64(measure(which == 1).Microseconds()) / 1000
			took[which] = append(took[which], pair[which])
		}
		more = append(more, pair[1]-pair[0])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(took[0]), first+"-ms")
	b.ReportMetric(median(took[1]), second+"-ms")
	b.ReportMetric(median(more), "more-ms")
}

// median returns the median, and sorts the values.
func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// BenchmarkNearEnd compares a command with a token near its expiry, which refreshes in the background, with a command with a
// fresh token: until the first byte of stdout, and until the end of the process.
func BenchmarkNearEnd(b *testing.B) {
	for _, latency := range []string{"0ms", "50ms"} {
		for _, until := range []string{"answer", "end"} {
			b.Run("latency="+latency+"/until="+until, func(b *testing.B) {
				u := newSignedInUser(b, "--latency", latency)
				measurePairs(b, "fresh", "near", func(near bool) time.Duration {
					left := 50 * time.Minute
					if near {
						left = 40 * time.Second
					}
					u.setTokenExpiry(left)
					return u.timeWhoami(until == "answer")
				})
			})
		}
	}
}

// BenchmarkHerd compares 64 commands at once with an expired token with 64 commands with a fresh one.
func BenchmarkHerd(b *testing.B) {
	u := newSignedInUser(b)
	measurePairs(b, "fresh", "expired", func(expired bool) time.Duration {
		u.clearPlatform()
		want := 0
		if expired {
			u.expireToken()
			want = 1
		}
		began := time.Now()
		u.wantSuccess(u.runParallel(64, "whoami"))
		took := time.Since(began)
		u.wantRefreshes(want)
		return took
	})
}

// setTokenExpiry sets the remaining life of the stored token.
func (u *signedInUser) setTokenExpiry(left time.Duration) {
	u.edit(func(_, credentials, session map[string]any) {
		at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("2006-01-02T15:04:05.000Z") }
		credentials["expiresAt"], session["obtainedAt"], session["issuedAt"] = at(left), at(left-time.Hour), at(left-time.Hour)
	})
}

// timeWhoami runs one command and returns the time until its first output, or until its end.
func (u *signedInUser) timeWhoami(untilAnswer bool) time.Duration {
	cmd := u.command("whoami")
	out, err := cmd.StdoutPipe()
	if err != nil {
		u.t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		u.t.Fatal(err)
	}
	_, err = out.Read(make([]byte, 64<<10))
	answered := time.Since(began)
	if err != nil || cmd.Wait() != nil {
		u.t.Errorf("whoami: %v, %v", err, cmd.ProcessState)
	}
	if untilAnswer {
		return answered
	}
	return time.Since(began)
}
