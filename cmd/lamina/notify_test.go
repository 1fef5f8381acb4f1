//go:build unix

package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestNotify waits for runs at a terminal. The end of a long wait rings the bell and shows a notification, which has no text of the
// service.
func TestNotify(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	key := "LAMINA_API_KEY=" + dev.APIKey
	run := strings.TrimSpace(newUser(t, dev.BaseURL, key).output(t, "run", "countdown", "-i", "seconds=0", "--wait", "--jq", ".data.runId"))
	countdown := []string{"run", "countdown", "-i", "seconds=0", "--wait"}
	tests := []struct {
		name   string
		env    string
		notify string // the setting
		args   []string
		status int
		want   string // in the notification; "" means that there is none
	}{
		{"run", "", "", append(countdown, "--notify=0s"), 0, "lamina: the run completed"},
		{"runs wait", "", "", []string{"runs", "wait", run, "--notify=0s"}, 0, "lamina: the run completed"},
		{"several runs", "", "", []string{"runs", "wait", run, run, "--notify=0s"}, 0, "lamina: the run completed"},
		{"runs watch, the setting", "", "0s", []string{"runs", "watch", run}, 0, "lamina: the run completed"},
		{"the flag overrides the setting", "", "0s", []string{"runs", "watch", run, "--notify=off"}, 0, ""},
		{"a failed run", "", "", append(countdown, "-i", "ending=Fail", "--notify=0s"), 3, "lamina: the run failed"},
		{"not long enough", "", "", append(countdown, "--notify=10h"), 0, ""},
		{"CI", "CI=true", "", append(countdown, "--notify=0s"), 0, ""},
		{"a dumb terminal", "TERM=dumb", "", append(countdown, "--notify=0s"), 0, ""},
		{"off", "", "", countdown, 0, ""},
	}
	bell := regexp.MustCompile("\a\x1b\\]9;([^\a]*)\a")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, dev.BaseURL, key, "CI=", "NO_COLOR=1", tt.env)
			if tt.notify != "" {
				u.output(t, "config", "set", "notify", tt.notify)
			}
			screen := u.atTerminal(t, 100, tt.args...)
			screen.exits(t, tt.status)
			got := ""
			if found := bell.FindAllStringSubmatch(screen.String(), -1); len(found) == 1 {
				got = found[0][1]
			} else if tt.want != "" || strings.Contains(screen.String(), "\a") {
				t.Fatalf("got %d notifications, want one\n%q", len(found), screen.String())
			}
			if got != tt.want {
				t.Errorf("got the notification %q, want %q", got, tt.want)
			}
		})
	}
	u := newUser(t, dev.BaseURL, key, "CI=")
	if _, stdout, stderr := u.runWithInput(t, "", append(countdown, "--notify=0s")...); strings.Contains(stdout+stderr, "\a") {
		t.Errorf("got a bell in a pipe: %q", stdout+stderr)
	}
	mustContain(t, u.fails(t, 2, append(countdown, "--notify=soon")...), "--notify must be on, off, or a duration")
	mustContain(t, u.fails(t, 2, "config", "set", "notify", "soon"), "notify must be on, off, or a duration such as 30s")
}
