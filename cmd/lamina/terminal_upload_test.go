//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
)

// newUploader starts a platform whose storage is slow, and returns a user with two files to upload.
func newUploader(t *testing.T, env ...string) user {
	t.Helper()
	dev := newDev(t, "--rate-limit", "0")
	u := newUser(t, dev.BaseURL, append([]string{"CI=", "NO_COLOR=1", "LAMINA_API_KEY=" + dev.APIKey}, env...)...)
	for _, name := range []string{"first picture of the summer.gif", "b.gif"} {
		if err := os.WriteFile(filepath.Join(u.home, name), []byte("GIF89a"+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fault := strings.NewReader(`{"path": "/media/uploads/*", "delay": "1s", "times": 2}`)
	resp, err := http.Post(dev.BaseURL+"/dev/faults", "application/json", fault)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return u
}

// TestTerminalUploads: a terminal shows a bar for each file and one for all, within its width, and removes them.
func TestTerminalUploads(t *testing.T) {
	t.Parallel()
	for _, columns := range []uint16{80, 40} {
		u := newUploader(t)
		screen := u.atTerminal(t, columns, "assets", "upload", "first picture of the summer.gif", "b.gif")
		screen.expect(t, `█ 100% first picture`)
		screen.expect(t, `0 of 2 files`)
		screen.exits(t, 0)
		mustContain(t, screen.String(), "Uploaded b.gif")
		live, rest, _ := strings.Cut(screen.String(), "Uploaded ")
		for line := range strings.Lines(live) {
			for _, part := range strings.Split(line, redraw) {
				part = strings.TrimRight(strings.ReplaceAll(part, "\x1b[A\x1b[K", ""), "\r\n")
				if width := runewidth.StringWidth(part); width > int(columns) {
					t.Errorf("%d columns: got a live line of %d: %q", columns, width, part)
				}
			}
		}
		if strings.Contains(rest, "█") || !strings.HasSuffix(live, "\x1b[K") {
			t.Errorf("got the bars %q before %q, want them removed", live, rest)
		}
	}
}

// TestAccessibleUploads: with ACCESSIBLE, and without a terminal, there are no bars.
func TestAccessibleUploads(t *testing.T) {
	t.Parallel()
	u := newUploader(t, "ACCESSIBLE=1")
	screen := u.atTerminal(t, 80, "assets", "upload", "first picture of the summer.gif", "b.gif")
	screen.exits(t, 0)
	if text := screen.String(); strings.Contains(text, "█") || strings.Contains(text, redraw) {
		t.Errorf("got %q, want plain lines", text)
	}
}

// TestTerminalAsksBeforePublishing: the question names the channel; anything but yes posts nothing.
func TestTerminalAsksBeforePublishing(t *testing.T) {
	t.Parallel()
	u := newUploader(t)
	args := []string{"publishing", "publish", "--account-id", "chn_atelier_linkedin", "--caption", "We are open"}
	screen := u.atTerminal(t, 120, args...)
	screen.expect(t, `Post "We are open" to Sample Studio on linkedin\? \[y/N\]`)
	screen.types(t, enter)
	screen.expect(t, "not confirmed; nothing was sent")
	screen.exits(t, 2)
	screen = u.atTerminal(t, 120, args...)
	screen.expect(t, `\[y/N\]`)
	screen.types(t, "y"+enter)
	screen.expect(t, "Posted Sample Studio linkedin")
	screen.exits(t, 0)
	if got := strings.TrimSpace(u.output(t, "publishing", "history", "--jq", ".data | length")); got != "1" {
		t.Errorf("got %s posts, want 1", got)
	}
}
