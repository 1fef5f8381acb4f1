//go:build unix

package main

import (
	"regexp"
	"strings"
	"testing"
)

// drawn matches what only a picture of the terminal needs: bars, spinners, and movements of the cursor.
var drawn = regexp.MustCompile(`[░█▀▄⠀-⣿]|\x1b\[[0-9;]*[A-HJKSTfsu]|\r[^\r\n]|\x08`)

// TestTerminalAccessible runs commands with ACCESSIBLE=1 on a terminal: all output is plain lines.
func TestTerminalAccessible(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	u := newUser(t, dev.BaseURL, "ACCESSIBLE=1")
	for _, args := range [][]string{
		{"login", "--device"},
		{"run", "countdown", "--input", "seconds=0", "--wait"},
		{"run", "poster", "--input", "text=Hi", "--wait", "--download", "./"},
		{"runs", "list"},
		{"doctor"},
	} {
		screen := u.atTerminal(t, 80, args...)
		screen.exits(t, 0)
		if text := screen.String(); drawn.MatchString(text) {
			t.Errorf("%q: got %q in\n%q", args, drawn.FindString(text), text)
		}
	}
}

// TestTerminalWatchKeepsChanges watches a run on a terminal: each change stays on the screen.
func TestTerminalWatchKeepsChanges(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	u := newUser(t, dev.BaseURL, "NO_COLOR=1")
	u.output(t, "login", "--device", "--quiet")
	run := strings.TrimSpace(u.output(t, "run", "countdown", "--input", "seconds=600", "--jq", ".data.runId"))
	screen := u.atTerminal(t, 80, "runs", "watch", run)
	screen.expect(t, `countdown running .*%`)
	u.output(t, "runs", "cancel", run)
	screen.exits(t, 3)
	text := screen.String()
	if drawn.MatchString(text) {
		t.Errorf("got a line that replaces another in\n%q", text)
	}
	lines := regexp.MustCompile(`(?m)^countdown (\w+) .*%`).FindAllStringSubmatch(text, -1)
	if len(lines) < 2 || lines[0][1] != "running" || lines[len(lines)-1][1] != "cancelled" {
		t.Errorf("got the changes %q, want running first and cancelled last, in\n%s", lines, text)
	}
	short := strings.TrimSpace(u.output(t, "run", "countdown", "--input", "seconds=1", "--jq", ".data.runId"))
	screen = u.atTerminal(t, 80, "runs", "watch", short)
	screen.expect(t, `countdown completed .*%`)
	screen.exits(t, 0)
}

// TestTerminalTables shows lists on narrow terminals: each id and each name stays whole.
func TestTerminalTables(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	u := newUser(t, dev.BaseURL, "NO_COLOR=1")
	u.output(t, "login", "--device", "--quiet")
	run := strings.Trim(strings.TrimSpace(u.output(t, "run", "countdown", "--input", "seconds=0", "--wait", "--jq", ".data.runId")), `"`)
	for _, columns := range []uint16{120, 80, 60, 40} {
		for _, c := range []struct {
			args []string
			want []string
		}{
			{[]string{"apps", "list"}, []string{"product-shots", "c3a85e14-6f27-4b91-b0d8-5e7a19c4f602", "APP", "WHAT IT DOES", "ID"}},
			{[]string{"runs", "list"}, []string{run, "countdown", "completed"}},
			{[]string{"runs", "get", run}, []string{run, "countdown  completed"}},
			{[]string{"profile", "list"}, []string{"default", "lamina", "sam@example.com"}},
			{[]string{"auth", "status"}, []string{"sam@example.com", "default"}},
		} {
			screen := u.atTerminal(t, columns, c.args...)
			screen.exits(t, 0)
			for _, want := range c.want {
				if !strings.Contains(screen.String(), want) {
					t.Errorf("%d columns: %q: got no %q in\n%s", columns, c.args, want, screen)
				}
			}
			for line := range strings.Lines(screen.String()) {
				line = strings.TrimRight(line, "\r\n")
				if isLong := len([]rune(line)) > int(columns); isLong && strings.Contains(strings.TrimSpace(line), " ") {
					t.Errorf("%d columns: %q: got a line that the terminal breaks, %q", columns, c.args, line)
				}
			}
		}
	}
}
