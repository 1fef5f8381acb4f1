package term

import (
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// env is an environment of NAME=VALUE settings.
func env(settings ...string) func(string) string {
	return func(name string) string {
		for _, s := range settings {
			if key, value, _ := strings.Cut(s, "="); key == name {
				return value
			}
		}
		return ""
	}
}

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
		t.Errorf("C1 as bytes: %q", got)
	}
}

// FuzzClean: what Clean returns does nothing to a terminal, cleaning it again changes nothing, and text that is
// harmless stays as it is.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{"x", "\x1b[31m", "\x1b]52;c;x\x07", "\u009b", "\x9b31m", "\xe2\x1b[31m", "\u202e", "a\r\nb", "\x1b", "\xf0\x9f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := Clean(text)
		if !utf8.ValidString(clean) && utf8.ValidString(text) {
			t.Errorf("%q became invalid: %q", text, clean)
		}
		for i := range len(clean) {
			if c := clean[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
				t.Errorf("%q keeps the control %#x", text, c)
			}
		}
		for _, r := range clean {
			if !isVisible(r) && !isJoiner(r) {
				t.Errorf("%q keeps %U", text, r)
			}
		}
		if again := Clean(clean); again != clean {
			t.Errorf("%q became %q, and then %q", text, clean, again)
		}
		if utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !isVisible(r) }) < 0 && clean != text {
			t.Errorf("harmless %q became %q", text, clean)
		}
		if line := Line(text); strings.ContainsAny(line, "\n\t") {
			t.Errorf("%q has several lines: %q", text, line)
		}
	})
}

func TestSetColor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		when     string
		env      []string
		out, err bool // are terminals
		want     [2]bool
	}{
		{"terminals", "auto", nil, true, true, [2]bool{true, true}},
		{"pipe", "auto", nil, false, true, [2]bool{false, true}},
		{"both redirected", "auto", nil, false, false, [2]bool{}},
		{"NO_COLOR", "auto", []string{"NO_COLOR=1"}, true, true, [2]bool{}},
		{"NO_COLOR with any value", "auto", []string{"NO_COLOR=0"}, true, true, [2]bool{}},
		{"NO_COLOR over CLICOLOR_FORCE", "auto", []string{"NO_COLOR=1", "CLICOLOR_FORCE=1"}, true, true, [2]bool{}},
		{"CLICOLOR=0", "auto", []string{"CLICOLOR=0"}, true, true, [2]bool{}},
		{"CLICOLOR=1 into a pipe", "auto", []string{"CLICOLOR=1"}, false, true, [2]bool{false, true}},
		{"CLICOLOR_FORCE", "auto", []string{"CLICOLOR_FORCE=1"}, false, false, [2]bool{true, true}},
		{"CLICOLOR_FORCE of a word", "auto", []string{"CLICOLOR_FORCE=yes"}, false, false, [2]bool{true, true}},
		{"CLICOLOR_FORCE=0", "auto", []string{"CLICOLOR_FORCE=0"}, false, true, [2]bool{false, true}},
		{"CLICOLOR_FORCE over CLICOLOR", "auto", []string{"CLICOLOR=0", "CLICOLOR_FORCE=1"}, false, false, [2]bool{true, true}},
		{"dumb terminal", "auto", []string{"TERM=dumb"}, true, true, [2]bool{}},
		{"dumb, but forced", "auto", []string{"TERM=dumb", "CLICOLOR_FORCE=1"}, true, true, [2]bool{true, true}},
		{"always", "always", nil, false, false, [2]bool{true, true}},
		{"always over NO_COLOR", "always", []string{"NO_COLOR=1", "CLICOLOR=0", "TERM=dumb"}, false, false, [2]bool{true, true}},
		{"never", "never", nil, true, true, [2]bool{}},
		{"never over CLICOLOR_FORCE", "never", []string{"CLICOLOR_FORCE=1"}, true, true, [2]bool{}},
	}
	for _, tt := range tests {
		s := &Streams{OutTTY: tt.out, ErrTTY: tt.err, OutColor: !tt.want[0], ErrColor: !tt.want[1]}
		s.SetColor(tt.when, env(tt.env...))
		if got := [2]bool{s.OutColor, s.ErrColor}; got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestNoBrowser(t *testing.T) {
	t.Parallel()
	const ssh, container, display = "this is an SSH session", "this is a container", "there is no display"
	for _, tt := range []struct {
		env       []string
		system    string
		container bool
		want      string
	}{
		{nil, "linux", false, display},
		{[]string{"DISPLAY=:0"}, "linux", false, ""},
		{[]string{"WAYLAND_DISPLAY=wayland-0"}, "linux", false, ""},
		{[]string{"WSL_DISTRO_NAME=Ubuntu"}, "linux", false, ""},
		{[]string{"DISPLAY=:0"}, "linux", true, container},
		{[]string{"DISPLAY=:0", "SSH_CONNECTION=1 2 3 4"}, "linux", false, ssh},
		{[]string{"SSH_TTY=/dev/pts/1"}, "darwin", false, ssh},
		{[]string{"SSH_CLIENT=x"}, "windows", false, ssh},
		{nil, "darwin", false, ""},
		{nil, "windows", false, ""},
		{[]string{"BROWSER=none", "DISPLAY=:0"}, "linux", false, "BROWSER is set to none"},
		{[]string{"BROWSER=firefox", "SSH_TTY=x"}, "linux", true, ""},
	} {
		if got := noBrowser(env(tt.env...), tt.system, tt.container); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
	if got := NoBrowser(env("BROWSER=firefox")); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestSystem(t *testing.T) {
	t.Parallel()
	s := System(env("CI=1", "NO_COLOR=1"))
	if s.Prompts || s.OutColor || s.ErrColor || s.Width() <= 0 || s.In == nil || s.Out == nil || s.Err == nil {
		t.Errorf("got %+v", s)
	}
}

func TestTestStreams(t *testing.T) {
	t.Parallel()
	s, out, err := Test("typed")
	if in, _ := io.ReadAll(s.In); string(in) != "typed" {
		t.Errorf("in: %q", in)
	}
	_, _ = s.Out.Write([]byte("o"))
	_, _ = s.Err.Write([]byte("e"))
	if out.String() != "o" || err.String() != "e" || s.Width() != 80 {
		t.Errorf("out %q, err %q, width %d", out, err, s.Width())
	}
}
