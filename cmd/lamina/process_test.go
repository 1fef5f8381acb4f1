package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must come. Only a test that fails waits that long.
const patience = 30 * time.Second

// A devServer is a local platform in a process of its own.
type devServer struct {
	BaseURL, APIKey, WorkspaceID string
	cmd                          *exec.Cmd
	// Services are those beside Lamina, by name.
	Services map[string]struct{ BaseURL, APIKey string }
}

// startDev runs the real binary as a platform on a free port, with its home in a folder, until stop.
func startDev(dir, home string, args ...string) (*devServer, error) {
	s := &devServer{cmd: exec.Command("lamina", append([]string{"dev", "--addr", "127.0.0.1:0", "--json"}, args...)...)}
	s.cmd.Dir = dir
	s.cmd.Env = append(os.Environ(), "HOME="+home)
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lamina dev did not start: %w", err), s.stop())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return s, nil
}

// stop ends the platform as Ctrl-C does.
func (s *devServer) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	return s.cmd.Wait()
}

// newDev starts a platform for a test.
func newDev(t *testing.T, args ...string) *devServer {
	t.Helper()
	s, err := startDev(t.TempDir(), t.TempDir(), append([]string{"--rate-limit", "0"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.stop() })
	return s
}

// A person is somebody with a home of their own, and the environment of their shell.
type person struct {
	home string
	env  []string
}

// newPerson returns somebody who uses a platform. The variables come last and win.
func newPerson(t *testing.T, baseURL string, env ...string) person {
	t.Helper()
	home := t.TempDir()
	clean := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + os.TempDir(), "TERM=xterm-256color",
		"LAMINA_BASE_URL=" + baseURL, "LAMINA_REQUEST_TIMEOUT=20s", "GORACE=" + quickExit,
	}
	return person{home: home, env: append(clean, env...)}
}

// command returns a command of this person in their home.
func (p person) command(args ...string) *exec.Cmd {
	cmd := exec.Command("lamina", args...)
	cmd.Dir, cmd.Env = p.home, p.env
	return cmd
}

// output runs a command that must succeed, and returns its stdout.
func (p person) output(t *testing.T, args ...string) string {
	t.Helper()
	cmd := p.command(args...)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("lamina %v: %v\n%s", args, err, &talk)
	}
	return string(out)
}

// A process is a command that runs beside the test.
type process struct {
	stdout, stderr transcript
	wait           func() int
}

// start runs a command beside the test.
func (p person) start(t *testing.T, args ...string) *process {
	t.Helper()
	cmd := p.command(args...)
	run := &process{}
	cmd.Stdout, cmd.Stderr = &run.stdout, &run.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run.wait = sync.OnceValue(func() int {
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode()
	})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		run.wait()
	})
	return run
}

// exits waits for the end of the command, and checks its status.
func (p *process) exits(t *testing.T, want int) {
	t.Helper()
	if got := p.wait(); got != want {
		t.Fatalf("exit status %d, want %d\n%s%s", got, want, p.stdout.String(), p.stderr.String())
	}
}

// A transcript is what a program has written so far. Its zero value is ready to use.
type transcript struct {
	mu      sync.Mutex
	text    []byte
	read    int           // where the next expect looks from
	changed chan struct{} // closed at the next write; nil if nobody waits
}

// Write adds to the transcript.
func (l *transcript) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return len(b), nil
}

// String returns everything so far.
func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// expect waits for a text after the one that was expected before, and returns it with its groups.
func (l *transcript) expect(t *testing.T, pattern string) []string {
	t.Helper()
	want := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		groups, changed := l.next(want)
		if groups != nil {
			return groups
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%q did not come:\n%q", pattern, l.String())
		}
	}
}

// next returns the groups of the first match in what was not read yet or, if there is none, what tells of more text.
func (l *transcript) next(want *regexp.Regexp) (groups []string, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.text[l.read:]
	if at := want.FindSubmatchIndex(rest); at != nil {
		for i := 0; i < len(at); i += 2 {
			groups = append(groups, string(rest[max(at[i], 0):max(at[i+1], 0)]))
		}
		l.read += at[1]
		return groups, nil
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return nil, l.changed
}
