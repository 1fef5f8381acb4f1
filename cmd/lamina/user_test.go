package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// A user has a home folder and an environment.
type user struct {
	home string
	env  []string
}

// newUser returns a user of a platform. Variables in env override the others.
func newUser(t *testing.T, baseURL string, env ...string) user {
	t.Helper()
	home := t.TempDir()
	clean := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + os.TempDir(), "TERM=xterm-256color",
		"LAMINA_BASE_URL=" + baseURL, "LAMINA_REQUEST_TIMEOUT=20s", "GORACE=" + quickExit,
	}
	return user{home: home, env: append(clean, env...)}
}

// command returns a command that runs in the user's home, not yet started.
func (u user) command(args ...string) *exec.Cmd {
	cmd := exec.Command("lamina", args...)
	cmd.Dir, cmd.Env = u.home, u.env
	return cmd
}

// hung is the time after which a command that should end is killed, so that the test fails with what the command printed.
const hung = 4 * time.Minute

// bounded is command for a command that ends by itself.
func (u user) bounded(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hung)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "lamina", args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = u.home, u.env, time.Second
	return cmd
}

// output runs a command that must succeed, and returns its stdout.
func (u user) output(t *testing.T, args ...string) string {
	t.Helper()
	cmd := u.bounded(t, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("lamina %v: %v\n%s", args, err, &stderr)
	}
	return string(out)
}

// fails runs a command that must end with an exit status, and returns its stderr.
func (u user) fails(t *testing.T, status int, args ...string) string {
	t.Helper()
	run := u.start(t, args...)
	run.exits(t, status)
	return run.stderr.String()
}

// runWithInput runs a command with a text on stdin.
func (u user) runWithInput(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := u.bounded(t, args...)
	var out, messages bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &messages
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), out.String(), messages.String()
}

// A process is a running command.
type process struct {
	stdout, stderr transcript
	wait           func() int
	kill           func()
}

// start starts a command. It is killed at the end of the test if it still runs.
func (u user) start(t *testing.T, args ...string) *process {
	t.Helper()
	cmd := u.command(args...)
	run := &process{}
	cmd.Stdout, cmd.Stderr = &run.stdout, &run.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run.wait = sync.OnceValue(func() int {
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode()
	})
	run.kill = func() { _ = cmd.Process.Kill() }
	t.Cleanup(func() {
		run.kill()
		run.wait()
	})
	return run
}

// exits waits for the end of the command, and checks its exit status.
func (p *process) exits(t *testing.T, want int) {
	t.Helper()
	late := time.AfterFunc(hung, p.kill)
	defer late.Stop()
	if got := p.wait(); got != want {
		t.Fatalf("got exit status %d, want %d\n%s%s", got, want, p.stdout.String(), p.stderr.String())
	}
}

// mustContain checks that a text contains all parts.
func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("got a text without %q:\n%s", part, text)
		}
	}
}
