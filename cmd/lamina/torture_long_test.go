//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestTortureLongCommand waits for a run for longer than an access token lives, with and without the event stream. Every
// refresh is granted.
func TestTortureLongCommand(t *testing.T) {
	t.Parallel()
	life, seconds := "1s", 3
	if tortureRounds() > 1 {
		life, seconds = "2s", 8
	}
	for _, c := range []struct {
		name, command, fault string
		atLeast              int // refreshes
	}{
		{"stream outlives the token", "wait", "", 0},
		{"stream is cut", "watch", `{"path": "/v1/runs/*", "cut": "body", "cutAfterBytes": 1500, "times": 4}`, 0},
		{"polling", "watch", `{"path": "/v1/runs/*", "status": 404, "times": 2}`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newSignedInUser(t, "--access-token-ttl", life)
			repeatLonger(t, seconds, c.atLeast, func(seconds int) int {
				id := u.startRuns(1, seconds)[0]
				u.clearPlatform()
				if c.fault != "" {
					u.planFault(c.fault)
				}
				if e := u.run(u.command("runs", c.command, id, "--interval", "1s")); e.status != 0 {
					t.Errorf("got exit status %d, want 0: %s", e.status, e.stderr)
				}
				received, granted := u.countRefreshes()
				if received != granted {
					t.Errorf("got %d granted refreshes of %d, want all", granted, received)
				}
				t.Logf("%d refreshes in %d requests", received, len(u.requests()))
				return received
			})
		})
	}
}

// TestTortureManyRuns lets two commands wait for the same eight runs while several tokens expire. Each command reports all
// runs, and both together refresh once for each expiry.
func TestTortureManyRuns(t *testing.T) {
	t.Parallel()
	const life = 2 * time.Second
	seconds := 2
	if tortureRounds() > 1 {
		seconds = 10
	}
	for _, c := range []struct {
		name    string
		missing []string // endpoints of a run that the platform does not have
	}{{"event streams", nil}, {"polling", []string{"/stream", "/wait"}}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newSignedInUser(t, "--access-token-ttl", life.String())
			repeatLonger(t, seconds, 2, func(seconds int) int {
				ids := u.startRuns(8, seconds)
				u.clearPlatform()
				for _, id := range ids {
					for _, endpoint := range c.missing {
						u.planFault(`{"path": "/v1/runs/` + id + endpoint + `", "status": 404, "times": 1000}`)
					}
				}
				var both sync.WaitGroup
				for range 2 {
					both.Go(func() { u.wantCompleted(ids) })
				}
				both.Wait()
				return u.countRefreshesByLife(life)
			})
		})
	}
}

// repeatLonger calls try, which returns a number of refreshes, with runs of some seconds. On a busy machine too few tokens
// may expire in that time; then it repeats with longer runs.
func repeatLonger(t *testing.T, seconds, atLeast int, try func(seconds int) (refreshes int)) {
	t.Helper()
	for ; try(seconds) < atLeast && !t.Failed(); seconds *= 2 {
		if seconds > 60 {
			t.Fatalf("got fewer than %d refreshes: does the command outlive its tokens?", atLeast)
		}
	}
}

// startRuns starts runs that take some seconds, of which the platform works on four at a time, and returns their ids.
func (u *signedInUser) startRuns(count, seconds int) []string {
	u.t.Helper()
	var ids []string
	for range count {
		out, err := u.command("run", "countdown", "-i", "seconds="+strconv.Itoa(seconds), "--jq", ".data.runId").Output()
		if err != nil {
			u.t.Fatal(err)
		}
		ids = append(ids, strings.Trim(string(out), "\"\n"))
	}
	return ids
}

// wantCompleted waits for runs with one command, which must report each as completed and no failed request.
func (u *signedInUser) wantCompleted(ids []string) {
	cmd := u.command(append([]string{"runs", "wait", "--interval", "1s"}, ids...)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	if e := u.run(cmd); e.status != 0 || strings.Contains(e.stderr, "retrying in") || strings.Contains(e.stderr, "still waiting") {
		u.t.Errorf("got exit status %d, want 0 and no retry: %s", e.status, e.stderr)
	}
	var reply struct {
		Data []struct{ RunID, Status string }
	}
	if err := json.Unmarshal(out.Bytes(), &reply); err != nil || len(reply.Data) != len(ids) {
		u.t.Errorf("got %d runs and %v, want %d", len(reply.Data), err, len(ids))
		return
	}
	for i, run := range reply.Data {
		if run.RunID != ids[i] || run.Status != "completed" {
			u.t.Errorf("got %+v, want run %s completed", run, ids[i])
		}
	}
}

// countRefreshesByLife returns the number of refreshes. It checks that all were granted and no token was refreshed twice:
// they lie at least the life of a token apart, less the second to which the Date header is rounded.
func (u *signedInUser) countRefreshesByLife(life time.Duration) int {
	u.t.Helper()
	var last time.Time
	count, rejected := 0, 0
	for _, r := range u.requests() {
		switch {
		case r.Status == http.StatusUnauthorized:
			rejected++ // the command refreshes and repeats the request
		case r.GrantType != "refresh_token":
		case r.Status != http.StatusOK:
			u.t.Errorf("got %d for a refresh, want 200", r.Status)
		case !last.IsZero() && r.Time.Sub(last) < life*9/10-time.Second:
			u.t.Errorf("got a refresh %s after the last one, want at least the token's life of %s", r.Time.Sub(last), life)
		default:
			count, last = count+1, r.Time
		}
	}
	u.t.Logf("%d refreshes in %d requests, of which %d were rejected at first", count, len(u.requests()), rejected)
	return count
}
