package term

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, clean, line string }{
		{"plain", "Hello, world", "Hello, world", "Hello, world"},
		{"empty", "", "", ""},
		{"lines", "a\n\tb\n", "a\n\tb\n", "a b"},
		{"carriage return", "safe\rforged", "safeforged", "safeforged"},
		{"other scripts", "Grüße 日本語 👩‍👧", "Grüße 日本語 👩‍👧", "Grüße 日本語 👩‍👧"},
		{"colour", "a\x1b[31;1mred\x1b[0m b", "ared b", "ared b"},
		{"cursor and screen", "\x1b[2J\x1b[1;1Hx\x1b[?25l", "x", "x"},
		{"link", "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\ me", "click me", "click me"},
		{"link ended by BEL", "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07", "click", "click"},
		{"clipboard", "a\x1b]52;c;cm0gLXJm\x07b", "ab", "ab"},
		{"title", "a\x1b]0;title\x07b", "ab", "ab"},
		{"device control", "a\x1bP1$rx\x1b\\b", "ab", "ab"},
		{"never ended", "a\x1b]52;c;cm0", "a", "a"},
		{"lone escape at the end", "a\x1b", "a", "a"},
		{"half a sequence", "a\x1b[3", "a", "a"},
		{"bell and backspace", "a\a\bb\x00\x7f", "ab", "ab"},
		{"C1 as UTF-8", "a\u009b31mb\u009dc\u0085", "a31mbc", "a31mbc"},
		{"direction", "a\u202e\u2066b\u200f\u061cc", "abc", "abc"},
		{"zero width", "a\u200b\u2060\ufeff\u00ad\u180e\u034f\u3164b", "ab", "ab"},
		{"tags", "a\U000e0041\U000e007fb", "ab", "ab"},
		{"joiners between Latin letters", "pay\u200dpal\u200c", "paypal", "paypal"},
		{"joiners at the ends", "\u200dé\u200d", "é", "é"},
		{"joiners in a row", "क\u200d\u200dष", "कष", "कष"},
		{"joiners between letters that need none", "п\u200dэ é\u200dé 日\u200d本 α\u200cβ", "пэ éé 日本 αβ", "пэ éé 日本 αβ"},
		{"selectors after letters", "a\ufe0fé\ufe00п\ufe01", "aéп", "aéп"},
		{"text hidden in selectors", "😀\ufe0f\ufe01\U000e0110\U000e0111", "😀\ufe0f", "😀\ufe0f"},
		{"family and heart on fire", "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥", "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥", "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥"},
		{"form of a Chinese character", "葛\U000e0100", "葛\U000e0100", "葛\U000e0100"},
		{"invisible operators and fillers", "a\u2061\u2064\u115f\uffa0\ufff9b", "ab", "ab"},
		{"joiners that a script needs", "می\u200cخواهم क्\u200dष", "می\u200cخواهم क्\u200dष", "می\u200cخواهم क्\u200dष"},
		{"format characters that are visible", "\u0600\u06dd", "\u0600\u06dd", "\u0600\u06dd"},
		{"emoji", "1\ufe0f⃣ ❤\ufe0f", "1\ufe0f⃣ ❤\ufe0f", "1\ufe0f⃣ ❤\ufe0f"},
		{"other ends of lines", "a\u2028b\u2029c", "abc", "abc"},
		{"spaces", "  a \t\n  b  ", "  a \t\n  b  ", "a b"},
		{"invalid UTF-8", "a\xffb", "ab", "ab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Clean(tt.text); got != tt.clean {
				t.Errorf("Clean: got %q, want %q", got, tt.clean)
			}
			if got := Line(tt.text); got != tt.line {
				t.Errorf("Line: got %q, want %q", got, tt.line)
			}
		})
	}
	if got := Clean("a\x9b31mb\x9d52;c;AAAA\x9cc"); !utf8.ValidString(got) || !strings.HasPrefix(got, "a") {
		t.Errorf("C1 as bytes: got %q, want valid UTF-8", got)
	}
}

// FuzzClean: Clean returns visible characters only, is idempotent, and does not change text that has only such characters.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{"x", "\x1b[31m", "\x1b]52;c;x\x07", "\u009b", "\x9b31m", "\xe2\x1b[31m", "\u202e", "a\r\nb", "\x1b", "\xf0\x9f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := Clean(text)
		if !utf8.ValidString(clean) && utf8.ValidString(text) {
			t.Errorf("got %q from %q, want valid UTF-8", clean, text)
		}
		for i := range len(clean) {
			if c := clean[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
				t.Errorf("got the control character %#x from %q", c, text)
			}
		}
		for _, r := range clean {
			if !isVisible(r) && !isJoiner(r) && !isSelector(r) {
				t.Errorf("got %U from %q", r, text)
			}
		}
		if again := Clean(clean); again != clean {
			t.Errorf("got %q, then %q from %q, want the same", clean, again, text)
		}
		if utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !isVisible(r) }) < 0 && clean != text {
			t.Errorf("got %q, want %q unchanged", clean, text)
		}
		if line := Line(text); strings.ContainsAny(line, "\n\t") {
			t.Errorf("got several lines %q from %q, want one", line, text)
		}
	})
}
