//go:build unix

package main

import (
	"strings"
	"testing"
	"time"
)

// TestTortureFaults lets the token endpoint fail once while six commands need a refresh. The command that meets the fault
// reports it; the others succeed, unless the service may have rotated the refresh token and the session is over.
func TestTortureFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		plan    string
		status  int  // exit status of the command that meets the fault
		rotated bool // the service rotated the refresh token, and the response did not arrive
	}{
		{"503", `"status": 503`, 8, false},
		{"429", `"status": 429, "headers": {"Retry-After": "1"}`, 6, false},
		{"connection cut before the request", `"cut": "before"`, 0, false}, // the request is repeated
		{"response lost", `"cut": "after"`, 4, true},
		{"response cut short", `"cut": "body", "cutAfterBytes": 20`, 4, true},
		{"slow response", `"delay": "300ms"`, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newSignedInUser(t)
			for range tortureRounds() {
				u.expireToken()
				u.planFault(`{"path": "/cli/oauth/token", ` + c.plan + `}`)
				u.checkFault(u.runParallel(6, "whoami"), c.status, c.rotated)
				if t.Failed() {
					return
				}
			}
		})
	}
}

// checkFault checks the exits of six commands, of which the first to refresh met a fault.
func (u *signedInUser) checkFault(exits []exit, status int, rotated bool) {
	u.t.Helper()
	statuses := map[int]int{}
	for _, e := range exits {
		statuses[e.status]++
		if e.status == 4 && !strings.Contains(e.stderr, lostAnswer) {
			u.t.Errorf("got stderr %q, want %q", e.stderr, lostAnswer)
		}
	}
	received, _ := u.countRefreshes()
	switch {
	case status == 0 && statuses[0] == 6 && received <= 2:
	case status != 0 && !rotated && statuses[status] == 1 && statuses[0] == 5 && received == 2: // the session is kept
	case rotated && statuses[status] == 6 && received == 2: // the second refresh finds the session ended
		if e := u.run(u.command("whoami")); e.status != 4 || !strings.Contains(e.stderr, lostAnswer) {
			u.t.Errorf("later command: got status %d and stderr %q, want 4 and %q", e.status, e.stderr, lostAnswer)
		}
		u.login()
	default:
		u.t.Errorf("got exit statuses %v after %d refreshes, want one status %d: %v", statuses, received, status, exits)
	}
	u.wantSuccess(u.runParallel(1, "whoami"))
	_ = u.refreshToken()
}

// TestTortureRefusal lets the service refuse the refresh of several processes. The session ends after one request.
func TestTortureRefusal(t *testing.T) {
	t.Parallel()
	u := newSignedInUser(t)
	for range tortureRounds() {
		u.expireToken()
		u.planFault(`{"path": "/cli/oauth/token", "status": 403, "html": true}`)
		for _, e := range u.runParallel(6, "whoami") {
			if e.status != 4 || !strings.Contains(e.stderr, "the service refuses to refresh it (status 403 Forbidden)") {
				t.Errorf("got status %d and stderr %q, want the end of the session", e.status, e.stderr)
			}
		}
		if received, _ := u.countRefreshes(); received != 1 {
			t.Errorf("got %d refreshes, want 1", received)
		}
		u.login()
		u.wantSuccess(u.runParallel(1, "whoami"))
	}
}

// TestTortureFaultsWithValidToken lets every refresh fail while the access token is still valid. Commands succeed, and the
// next one after the outage refreshes.
func TestTortureFaultsWithValidToken(t *testing.T) {
	t.Parallel()
	u := newSignedInUser(t)
	for range tortureRounds() {
		u.clearPlatform()
		u.shiftToken(-(time.Hour - 50*time.Second)) // near its expiry, so commands refresh in the background
		u.planFault(`{"path": "/cli/oauth/token", "status": 503, "times": 1000}`)
		u.wantSuccess(u.runParallel(8, "whoami"))
		u.clearPlatform()
		u.wantSuccess(u.runParallel(8, "whoami"))
		u.wantRefreshes(1)
	}
}
