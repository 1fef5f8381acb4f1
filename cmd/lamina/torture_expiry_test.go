//go:build unix

package main

import (
	"testing"
	"time"
)

// TestTortureExpiry runs many commands at once while the access token has expired, by either clock. All of them succeed,
// with a single refresh.
func TestTortureExpiry(t *testing.T) {
	t.Parallel()
	user := newSignedInUser(t)
	processes := 16
	if isFullLength() {
		processes = 64
	}
	for range tortureRounds() {
		for _, c := range []struct {
			name    string
			prepare func(u *signedInUser)
		}{
			{"expired by both clocks", (*signedInUser).expireToken},
			{"expired, local clock two hours behind", func(u *signedInUser) {
				u.advanceClock()
				u.clearPlatform()
			}},
			{"valid, local clock two hours ahead", func(u *signedInUser) {
				u.shiftToken(-2 * time.Hour)
				u.clearPlatform()
			}},
		} {
			t.Run(c.name, func(t *testing.T) {
				u := user.with(t)
				before := u.refreshToken()
				c.prepare(u)
				u.wantSuccess(u.runParallel(processes, "whoami"))
				u.wantRefreshes(1)
				if u.refreshToken() == before {
					t.Error("got the old refresh token in the configuration, want the new one")
				}
			})
		}
	}
}
