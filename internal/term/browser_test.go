//go:build unix

package term

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBrowserCommands(t *testing.T) {
	t.Parallel()
	const url = "https://example.com/a?b=$(touch x)&c=`id`;d=' \"%s"
	tests := []struct {
		name, browser string
		want          [][]string
	}{
		{"empty", "", nil},
		{"separators only", ": :", nil},
		{"program", "firefox", [][]string{{"firefox", url}}},
		{"arguments", "firefox  --new-window", [][]string{{"firefox", "--new-window", url}}},
		{"place of the URL", "firefox %s --kiosk", [][]string{{"firefox", url, "--kiosk"}}},
		{"URL within an argument", "chrome --app=%s", [][]string{{"chrome", "--app=" + url}}},
		{"percent sign", "x 100%% %%s", [][]string{{"x", "100%", "%s", url}}},
		{"list", "firefox:w3m -N", [][]string{{"firefox", url}, {"w3m", "-N", url}}},
		{"double quotes", `"/opt/My Browser/x" --title="a:b \"c\""`, [][]string{{"/opt/My Browser/x", `--title=a:b "c"`, url}}},
		{"single quotes", `'a\b' '' c`, [][]string{{`a\b`, "", "c", url}}},
		{"backslash", `/opt/My\ Browser\:x`, [][]string{{"/opt/My Browser:x", url}}},
		{"no expansion", "x $HOME ~ `id` *", [][]string{{"x", "$HOME", "~", "`id`", "*", url}}},
		{"background", "firefox %s &", [][]string{{"firefox", url}}},
		{"open quote", `firefox "a b`, [][]string{{"firefox", "a b", url}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got [][]string
			for _, c := range browserCommands(tt.browser) {
				got = append(got, c.withURL(url))
			}
			if !slices.EqualFunc(got, tt.want, slices.Equal[[]string]) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	windows := splitCommands(`C:\Tools\browser.exe -x;"C:\Program Files\b.exe"`, ';', false)
	if len(windows) != 2 || windows[0].words[0] != `C:\Tools\browser.exe` || windows[1].words[0] != `C:\Program Files\b.exe` {
		t.Errorf("got %q, want the paths of Windows", windows)
	}
}

// FuzzBrowserCommands: the URL is in the command line as it is, at least once.
func FuzzBrowserCommands(f *testing.F) {
	for _, seed := range []string{"firefox", "a %s:b", `"a b" '%s`, `\`, "%%s", "&"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const url = "https://example.com/?a=b"
		for _, c := range browserCommands(text) {
			if line := c.withURL(url); len(line) < 2 || !strings.Contains(strings.Join(line[1:], "\n"), url) {
				t.Errorf("got %q from %q, want the URL", line, text)
			}
		}
	})
}

// TestOpenBrowser: a program gets its own arguments and the URL, without a shell. It runs in a session of its own, and its
// environment is the given one. The next program of the list is tried where one is missing or fails.
func TestOpenBrowser(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	script, seen := filepath.Join(folder, "a browser"), filepath.Join(folder, "seen")
	const program = "#!/bin/sh\n{ for arg; do printf '%s\\n' \"$arg\"; done; echo \"$COLOUR\"; ps -o sid= -p $$ | tr -d ' '; echo $$; } > \"$1.tmp\" && mv \"$1.tmp\" \"$1\"\n"
	if err := os.WriteFile(script, []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	const url = "https://example.com/a?b=$(touch x)&c=`id`;d=' \""
	browsers := "BROWSER=" + filepath.Join(folder, "missing") + ":false:'" + script + "' " + seen + " %s --new-window"
	if err := OpenBrowser(url, env(browsers), []string{"PATH=" + os.Getenv("PATH"), "COLOUR=red"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(seen)
	lines := strings.Split(strings.TrimSpace(string(got)), "\n")
	if want := []string{seen, url, "--new-window", "red"}; err != nil || len(lines) != 6 || !slices.Equal(lines[:4], want) {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
	if lines[4] != lines[5] {
		t.Errorf("got the session %s for the process %s, want its own", lines[4], lines[5])
	}
}

// TestOpenBrowserFails: an error names the program, not the URL.
func TestOpenBrowserFails(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	err := OpenBrowser("https://example.com", env("BROWSER="+missing), nil)
	if !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "example.com") {
		t.Errorf("got %v, want ErrNotExist without the URL", err)
	}
	err = OpenBrowser("https://example.com", env("BROWSER=sh -c 'exit 4' %s"), nil)
	if err == nil || err.Error() != "sh failed: exit status 4" {
		t.Errorf("got %v, want the status of the program", err)
	}
	start := time.Now()
	if err := OpenBrowser("https://example.com", env("BROWSER=true:false"), nil); err != nil || time.Since(start) > time.Minute {
		t.Errorf("got %v, want success of the first program", err)
	}
}
