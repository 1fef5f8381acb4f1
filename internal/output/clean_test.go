package output

import (
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"testing"

	"github.com/uselamina/lamina/internal/term"
)

// hostile is a text with a control sequence, a change of direction, a zero-width character and a second line.
const hostile = "a\x1b]8;;http://evil\x07b\u202e\u200bc\nforged"

// stringer is a value with a String method, such as an address.
type stringer struct{ text string }

func (s stringer) String() string { return s.text }

// TestMessagesClean: arguments of messages reach stderr without control sequences and without lines of their own.
func TestMessagesClean(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		format string
		arg    any
		want   string
	}{
		{"string", "<%s>", hostile, "<abc forged>"},
		{"string type", "<%s>", status(hostile), "<abc forged>"},
		{"quoted string", "<%q>", "a\x1b[31m", `<"a\x1b[31m">`},
		{"error", "<%v>", errors.New(hostile), "<abc forged>"},
		{"stringer", "<%v>", stringer{hostile}, "<abc forged>"},
		{"pointer with a String method", "<%s>", &url.URL{Path: "a b"}, "<a%20b>"},
		{"slice", "<%s>", []string{hostile, "x"}, "<[abc forged x]>"},
		{"bytes", "<%s>", []byte(hostile), "<abc forged>"},
		{"map", "<%v>", map[string]string{"k": hostile}, "<map[k:abc forged]>"},
		{"struct", "<%v>", struct{ A any }{hostile}, "<{abc forged}>"},
		{"nil", "<%v>", nil, "<<nil>>"},
		{"number", "<%04d>", 7, "<0007>"},
		{"fraction", "<%.1f>", 0.25, "<0.2>"},
		{"width", "<%-6s>", "ab", "<ab    >"},
		{"styled", "<%s>", Styled("\x1b[1mx\x1b[0m"), "<\x1b[1mx\x1b[0m>"},
		{"lines of the format", "one\n\n  %s\n", "two", "one\n\n  two\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, write := range map[string]func(p *Printer, format string, args ...any){
				"Say": (*Printer).Say, "Warn": (*Printer).Warn, "Verbatim": (*Printer).Verbatim,
			} {
				p, _, stderr := printer(t, Options{Format: Text})
				write(p, tt.format, tt.arg)
				if got, want := stderr.String(), tt.want+"\n"; got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			streams, out, _ := term.Test("")
			p, err := New(streams, Options{Format: Text})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Data(nil, func(page *Page) { page.Line(tt.format, tt.arg) }); err != nil || out.String() != tt.want+"\n" {
				t.Errorf("Line: got %q, %v, want %q", out, err, tt.want+"\n")
			}
		})
	}
}

// TestProgressCleans: the live line and the lines that replace it without a terminal are cleaned as messages are.
func TestProgressCleans(t *testing.T) {
	t.Parallel()
	p, _, stderr := printer(t, Options{Format: Text})
	g := p.Progress(true)
	g.Set("%s", hostile)
	g.Stop()
	if got, want := stderr.String(), "abc forged\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEscapeControls: JSON keeps its meaning when characters that act on a terminal, or are not visible, are escaped.
func TestEscapeControls(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"plain", `{"a": "b"}` + "\n", `{"a": "b"}` + "\n"},
		{"other scripts", `"日本語 👩‍👧"`, `"日本語 👩‍👧"`},
		{"C1 and DEL", "\"\u009b\u007f\"", `"\u009b\u007f"`},
		{"direction", "\"\u202e\u2066\"", `"\u202e\u2066"`},
		{"line separators", "\"\u2028\u2029\"", `"\u2028\u2029"`},
		{"zero width", "\"a\u200bb\ufeff\u200d\"", `"a\u200bb\ufeff\u200d"`},
		{"beyond 16 bits", "\"\U000e0041\"", `"\udb40\udc41"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := string(EscapeControls([]byte(tt.text)))
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			var before, after any
			if err := errors.Join(json.Unmarshal([]byte(tt.text), &before), json.Unmarshal([]byte(got), &after)); err != nil || !reflect.DeepEqual(before, after) {
				t.Errorf("got the meaning %q, %v, want %q", after, err, before)
			}
		})
	}
}
