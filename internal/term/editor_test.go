package term

import (
	"strings"
	"testing"
	"unicode"
)

// typed feeds keys to an editor until the line ends. It returns the line and the screen.
func typed(keys string) (line, screen string, effect keyEffect) {
	e := &editor{echo: true}
	for i := range len(keys) {
		show, effect := e.key(keys[i])
		screen += string(show)
		if effect != lineContinues {
			return string(e.line), screen, effect
		}
	}
	return string(e.line), screen, lineContinues
}

func TestEditor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, keys, line, screen string
		effect                   keyEffect
	}{
		{"line", "abc\rd", "abc", "abc", lineEnds},
		{"newline", "abc\nd", "abc", "abc", lineEnds},
		{"empty", "\r", "", "", lineEnds},
		{"backspace", "abx\x7fc\r", "abc", "abx\b \bc", lineEnds},
		{"backspace on an empty line", "\x7f\ba\r", "a", "a", lineEnds},
		{"backspace over a wide character", "日\x7f\r", "", "日\b \b\b \b", lineEnds},
		{"backspace over an accent", "é\x7fx\r", "x", "é\b \bx", lineEnds},
		{"erase the line", "ab c\x15d\r", "d", "ab c\b \b\b \b\b \b\b \bd", lineEnds},
		{"erase a word", "ab cd  \x17e\r", "ab e", "ab cd  " + strings.Repeat("\b \b", 4) + "e", lineEnds},
		{"erase the only word", "ab\x17e\r", "e", "ab\b \b\b \be", lineEnds},
		{"end of input", "\x04", "", "", inputEnds},
		{"Ctrl-D within a line", "a\x04b\r", "ab", "ab", lineEnds},
		{"arrows and functions", "a\x1b[D\x1b[1;5C\x1bOP\x1b[15~\x1bxb\r", "ab", "ab", lineEnds},
		{"lone escape before Enter", "a\x1b\r", "a", "a", lineEnds},
		{"control characters", "a\x00\x01\t\x16b\r", "ab", "ab", lineEnds},
		{"paste", "\x1b[200~https://a/?b=c\x1b[201~\r", "https://a/?b=c", "https://a/?b=c", lineEnds},
		{"paste in two lines", "\x1b[200~https://a/?b=\r\n  c&d\n\x1b[201~\r", "https://a/?b=c&d", "https://a/?b=c&d", lineEnds},
		{"paste does not submit", "\x1b[200~y\r\x1b[201~", "y", "y", lineContinues},
		{"paste with control characters", "\x1b[200~a\x03\x04\x15\x7f\x1b[31mb\x1b[201~\r", "ab", "ab", lineEnds},
		{"typed around a paste", "<\x1b[200~a\x1b[201~ b>\r", "<a b>", "<a b>", lineEnds},
		{"invisible characters", "a\u202e\u009bb\r", "a\u202e\u009bb", "ab", lineEnds},
		{"not UTF-8", "a\xff\xfeb\r", "a\xff\xfeb", "a\xff\xfeb", lineEnds},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			line, screen, effect := typed(tt.keys)
			if line != tt.line || effect != tt.effect {
				t.Errorf("got %q and effect %d, want %q and %d", line, effect, tt.line, tt.effect)
			}
			if tt.name != "not UTF-8" && screen != tt.screen {
				t.Errorf("got %q on the screen, want %q", screen, tt.screen)
			}
		})
	}
}

// FuzzEditor: nothing that is typed or pasted acts on the terminal, and a hidden line shows nothing.
func FuzzEditor(f *testing.F) {
	for _, seed := range []string{"abc\r", "\x1b[200~a\nb\x1b[201~\r", "a\x7f\x15\x17", "\xe6\x97", "\x1b[31m\x9b31m\u009b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, keys string) {
		shown, hidden := &editor{echo: true}, &editor{}
		for i := range len(keys) {
			text, _ := shown.key(keys[i])
			for _, r := range strings.ReplaceAll(string(text), "\b \b", "") {
				if unicode.IsControl(r) {
					t.Errorf("got %q on the screen for %q", text, keys[:i+1])
				}
			}
			if text, _ := hidden.key(keys[i]); len(text) > 0 {
				t.Errorf("got %q on the screen of a hidden line", text)
			}
			if string(shown.line) != string(hidden.line) {
				t.Fatalf("got %q and %q, want the same line", shown.line, hidden.line)
			}
		}
	})
}
