package output

import (
	"bytes"
	"testing"

	"github.com/uselamina/lamina/internal/term"
)

func TestVerbatim(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, indent, text, want string }{
		{"lines", "", "a\n  b\n\nc", "a\n  b\n\nc\n"},
		{"indent", "  ", "a\n\nb\n", "  a\n\n  b\n"},
		{"Windows line breaks", "", "a\r\nb\r\n", "a\nb\n"},
		{"space at the end of lines", "", "a  \nb", "a\nb\n"},
		{"control sequence", "", "a\x1b[2Jb", "ab\n"},
		{"nothing", "  ", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var p Page
			p.Verbatim(tt.indent, tt.text)
			if got := p.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"piece of a line", "a ", "a "},
		{"lines", "a\n\tb\n", "a\n\tb\n"},
		{"control sequence", "a\x1b[2Jb", "ab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			p, err := New(&term.Streams{Out: &out, Err: &bytes.Buffer{}}, Options{Format: Text})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Text(tt.text); err != nil || out.String() != tt.want {
				t.Errorf("got %q, %v; want %q", out.String(), err, tt.want)
			}
		})
	}
}
