//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpen opens pages and saved outputs at a terminal, in the program that BROWSER names.
func TestOpen(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	opener := filepath.Join(t.TempDir(), "opener")
	if err := os.WriteFile(opener, []byte("#!/bin/sh\necho \"$#:$1:$LAMINA_API_KEY\" > opened\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	key := "LAMINA_API_KEY=" + dev.APIKey
	run := strings.TrimSpace(newUser(t, dev.BaseURL, key).output(t, "run", "poster", "-i", "text=x", "--wait", "--jq", ".data.runId"))
	page := dev.BaseURL + "/runs/" + run
	tests := []struct {
		name string
		env  string
		args []string
		want string // what was opened; "" means nothing; a file is relative to the home folder
		says string
	}{
		{"browse", "CI=", []string{"browse", run}, page, "Opening"},
		{"browse in CI", "CI=1", []string{"browse", run}, "", page},
		{"browse without input", "CI=", []string{"browse", run, "--no-input"}, "", page},
		{"browse without a browser", "BROWSER=none", []string{"browse", run}, "", page},
		{"browse --no-browser", "CI=", []string{"browse", run, "-n"}, "", page},
		{"run", "CI=", []string{"run", "poster", "-i", "text=x", "--wait", "--download", "-a b.png", "--open"}, "-a b.png", "Opening"},
		{"runs get", "CI=", []string{"runs", "get", run, "--open"}, page, "Opening"},
		{"runs watch", "CI=", []string{"runs", "watch", run, "--open"}, page, "Opening"},
		{"runs download, only viewed", "CI=", []string{"runs", "download", run, "x.desktop", "--open"}, page, "Opening"},
		{"no such browser", "BROWSER=no-such-program", []string{"browse", run}, "", "not opened, because"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, dev.BaseURL, "CI=", "BROWSER="+opener, key, tt.env)
			screen := u.atTerminal(t, 200, tt.args...)
			screen.exits(t, 0)
			mustContain(t, screen.String(), tt.says)
			got, _ := os.ReadFile(filepath.Join(u.home, "opened"))
			want := tt.want
			if want != "" && !strings.Contains(want, "://") {
				want = filepath.Join(u.home, want)
			}
			if want != "" {
				want = "1:" + want + ":\n"
			}
			if string(got) != want {
				t.Errorf("got opened %q, want %q\n%s", got, want, screen.String())
			}
		})
	}
}
