package child

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEnviron(t *testing.T) {
	t.Parallel()
	environ := []string{"PATH=/bin", "A_KEY=secret", "EMPTY=", "LONG=a=b", "=C:=C:\\x"}
	got := Environ(environ, func(name, value string) bool { return name == "A_KEY" || value == "a=b" })
	if want := []string{"PATH=/bin", "EMPTY=", "=C:=C:\\x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "seen")
	p, err := Start([]string{"GREETING=hello"}, "/bin/sh", "-c", `echo "$GREETING$LAMINA_API_KEY $1" > "$0"`, file, "a b")
	if err != nil {
		t.Skip(err)
	}
	if err := p.Settle(time.Minute); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "hello a b\n" {
		t.Errorf("got %q, %v, want the variable and the argument", got, err)
	}
}

// TestFailures: errors name the program without its arguments.
func TestFailures(t *testing.T) {
	t.Parallel()
	p, err := Start(nil, "/bin/sh", "-c", "exit 3", "https://example.com/secret")
	if err != nil {
		t.Skip(err)
	}
	if err := p.Settle(time.Minute); err == nil || err.Error() != "sh failed: exit status 3" {
		t.Errorf("got %v, want the status", err)
	}
	_, err = Start(nil, filepath.Join(t.TempDir(), "missing"), "https://example.com/secret")
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.HasPrefix(err.Error(), "could not start missing: ") {
		t.Errorf("got %v, want the name of the program alone", err)
	}
	p, err = Start(nil, "/bin/sh", "-c", "sleep 2")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Settle(0); err != nil {
		t.Errorf("got %v, want no error while the program runs", err)
	}
}

// TestRunAttached: the status of the program is that of a shell.
func TestRunAttached(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -TERM $$": 143, "kill -KILL $$": 137} {
		err := RunAttached([]string{"PATH=/bin:/usr/bin"}, "/bin/sh", "-c", script)
		got, exit := 0, (*ExitError)(nil)
		if errors.As(err, &exit) {
			got = exit.Status
		} else if err != nil {
			t.Skip(err)
		}
		if got != want {
			t.Errorf("%s: got exit status %d, want %d", script, got, want)
		}
	}
}
