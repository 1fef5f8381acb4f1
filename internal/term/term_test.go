package term

import (
	"io"
	"strings"
	"testing"
)

// env returns a function that looks up variables in NAME=VALUE settings.
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
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &Streams{OutTTY: tt.out, ErrTTY: tt.err, OutColor: !tt.want[0], ErrColor: !tt.want[1]}
			s.SetColor(tt.when, env(tt.env...))
			if got := [2]bool{s.OutColor, s.ErrColor}; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNoBrowser(t *testing.T) {
	t.Parallel()
	const ssh, container, display = "this is an SSH session", "this is a container", "there is no display"
	tests := []struct {
		name      string
		env       []string
		system    string
		container bool
		want      string
	}{
		{"Linux without a display", nil, "linux", false, display},
		{"X11", []string{"DISPLAY=:0"}, "linux", false, ""},
		{"Wayland", []string{"WAYLAND_DISPLAY=wayland-0"}, "linux", false, ""},
		{"WSL", []string{"WSL_DISTRO_NAME=Ubuntu"}, "linux", false, ""},
		{"container", []string{"DISPLAY=:0"}, "linux", true, container},
		{"Termux", []string{"TERMUX_VERSION=0.118"}, "linux", false, ""},
		{"SSH with X11", []string{"DISPLAY=:0", "SSH_CONNECTION=1 2 3 4"}, "linux", false, ssh},
		{"SSH on macOS", []string{"SSH_TTY=/dev/pts/1"}, "darwin", false, ssh},
		{"SSH on Windows", []string{"SSH_CLIENT=x"}, "windows", false, ssh},
		{"macOS", nil, "darwin", false, ""},
		{"Windows", nil, "windows", false, ""},
		{"BROWSER=none", []string{"BROWSER=none", "DISPLAY=:0"}, "linux", false, "BROWSER is set to none"},
		{"BROWSER in SSH and a container", []string{"BROWSER=firefox", "SSH_TTY=x"}, "linux", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := noBrowser(env(tt.env...), tt.system, tt.container); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := NoBrowser(env("BROWSER=firefox")); got != "" {
		t.Errorf("got %q, want none", got)
	}
}

func TestSystem(t *testing.T) {
	t.Parallel()
	s := System(env("CI=1", "NO_COLOR=1"))
	if s.Prompts || s.OutColor || s.ErrColor || s.Width() <= 0 || s.In == nil || s.Out == nil || s.Err == nil {
		t.Errorf("got %+v, want streams without color and prompts", s)
	}
}

func TestTestStreams(t *testing.T) {
	t.Parallel()
	s, out, err := Test("typed")
	if in, _ := io.ReadAll(s.In); string(in) != "typed" {
		t.Errorf("got the input %q, want %q", in, "typed")
	}
	_, _ = s.Out.Write([]byte("o"))
	_, _ = s.Err.Write([]byte("e"))
	if out.String() != "o" || err.String() != "e" || s.Width() != 80 {
		t.Errorf("got %q, %q and width %d, want o, e and 80", out, err, s.Width())
	}
}

func TestIsOn(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{"": false, " ": false, "0": false, "false": false, "FALSE": false, "no": false, "off": false, "1": true, "true": true, "yes": true, "any": true} {
		if got := IsOn(value); got != want {
			t.Errorf("IsOn(%q) = %v, want %v", value, got, want)
		}
	}
}
