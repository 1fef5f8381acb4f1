package term

import (
	"strings"
	"testing"
)

func TestNotify(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, variable, text, want string }{
		{"OSC 9", "", "the run completed", "\a\x1b]9;the run completed\a"},
		{"OSC 777", "TERM=foot", "the run completed", "\a\x1b]777;notify;lamina;the run completed\a"},
		{"hostile text", "", "a\x1b]52;c;eA==\ab;\nc\x07\u202e", "\a\x1b]9;ab, c\a"},
	}
	for _, tt := range tests {
		getenv := func(name string) string {
			value, _ := strings.CutPrefix(tt.variable, name+"=")
			if value == tt.variable {
				return ""
			}
			return value
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			streams, _, stderr := Test("")
			streams.Notify(tt.text, getenv)
			if stderr.Len() > 0 {
				t.Errorf("got %q without a terminal, want nothing", stderr)
			}
			streams.ErrTTY = true
			streams.Notify(tt.text, getenv)
			if got := stderr.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
