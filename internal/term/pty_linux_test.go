//go:build linux

package term

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// A buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// eventually waits until done reports true; it allows for a busy machine.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 2000 {
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("got no %s, want one within 10 seconds", what)
}

// echoes reports whether a terminal echoes input.
func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// TestSecret reads a secret from a pseudo-terminal. The input is not echoed, and the echo is back afterwards.
func TestSecret(t *testing.T) {
	t.Parallel()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Skip(err)
	}
	defer keyboard.Close()
	defer tty.Close()
	seen := &buffer{}
	go func() { _, _ = io.Copy(seen, keyboard) }()

	s := &Streams{In: tty, Err: tty, Prompts: true}
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := s.Secret(t.Context(), "\x1b[2JKey\u202e\nof\u200b Larder:")
		answers <- answer{text, err}
	}()
	eventually(t, "the question", func() bool { return strings.Contains(seen.String(), "Larder: ") })
	if echoes(t, tty) {
		t.Error("got echo after the question, want none")
	}
	if _, err := io.WriteString(keyboard, " lma_s3cret \r"); err != nil {
		t.Fatal(err)
	}
	got := <-answers
	if got.err != nil || got.text != "lma_s3cret" {
		t.Errorf("got %q, %v, want the secret without spaces", got.text, got.err)
	}
	if !echoes(t, tty) {
		t.Error("got no echo after the secret, want it restored")
	}
	eventually(t, "the end of the line", func() bool { return strings.HasSuffix(seen.String(), "\r\n") })
	if got, want := seen.String(), "Key of Larder: \r\n"; got != want {
		t.Errorf("got %q on the terminal, want %q", got, want)
	}
	if strings.Contains(seen.String(), "s3cret") {
		t.Errorf("got the secret on the terminal: %q", seen.String())
	}
}

// TestSecretWithoutTerminal: without a terminal there is no prompt.
func TestSecretWithoutTerminal(t *testing.T) {
	t.Parallel()
	s, _, errs := Test("lma_s3cret\n")
	for _, prompts := range []bool{false, true} {
		s.Prompts = prompts
		if _, err := s.Secret(t.Context(), "Key:"); !errors.Is(err, ErrNoPrompt) || errs.Len() > 0 {
			t.Errorf("Prompts %t: got %v and the output %q, want ErrNoPrompt and none", prompts, err, errs)
		}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	s.In = null
	if _, err := s.Secret(t.Context(), "Key:"); err == nil {
		t.Error("got no error from a file that is not a terminal")
	}
}

// TestIsTerminal distinguishes a terminal from a file.
func TestIsTerminal(t *testing.T) {
	t.Parallel()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Skip(err)
	}
	defer keyboard.Close()
	defer tty.Close()
	if !isTerminal(tty) {
		t.Error("got false for a terminal, want true")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if isTerminal(file) {
		t.Error("got true for a file, want false")
	}
}
