//go:build unix

package main

import (
	"strings"
	"testing"
)

// TestTerminalPager: help that is longer than the screen goes through the user's pager, without keys in its environment. Shorter help
// does not, and neither does any with an empty PAGER, TERM=dumb, CI or --no-input.
func TestTerminalPager(t *testing.T) {
	t.Parallel()
	pager := `LAMINA_PAGER=sh -c 'echo "paged [$LAMINA_API_KEY]"; cat'`
	key := "LAMINA_API_KEY=" + "lma_" + strings.Repeat("x", 43)
	tests := []struct {
		name    string
		env     []string
		args    []string
		isPaged bool
	}{
		{"long", []string{pager}, []string{"login", "--help"}, true},
		{"PAGER", []string{strings.TrimPrefix(pager, "LAMINA_")}, []string{"login", "--help"}, true},
		{"short", []string{pager}, []string{"version", "--help"}, false},
		{"empty", []string{pager, "LAMINA_PAGER=[empty]"}, []string{"login", "--help"}, false},
		{"cat", []string{"PAGER=cat"}, []string{"login", "--help"}, false},
		{"missing", []string{"PAGER=/nowhere/pager"}, []string{"login", "--help"}, false},
		{"dumb", []string{pager, "TERM=dumb"}, []string{"login", "--help"}, false},
		{"CI", []string{pager, "CI=true"}, []string{"login", "--help"}, false},
		{"no input", []string{pager}, []string{"--no-input", "login", "--help"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, "http://127.0.0.1:1")
			u.env = append(u.env, "CI=", "TERM=xterm", key)
			u.env = append(u.env, tt.env...)
			screen := u.atTerminal(t, 80, tt.args...)
			screen.exits(t, 0)
			text := screen.String()
			if got := strings.Contains(text, "paged []"); got != tt.isPaged || !strings.Contains(text, "lamina help flags") {
				t.Errorf("got paged %v, want %v\n%s", got, tt.isPaged, text)
			}
		})
	}
}
