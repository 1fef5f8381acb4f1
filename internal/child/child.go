// Package child starts other programs. A program that Start starts gets an environment without secrets, and outlives this process and
// its terminal. Replace runs a program in place of this one.
package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Environ returns an environment without the variables that isSecret reports. Entries have the form NAME=VALUE.
func Environ(environ []string, isSecret func(name, value string) bool) []string {
	kept := make([]string, 0, len(environ))
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); !isSecret(name, value) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// A Process is a running child.
type Process struct {
	name  string
	ended chan error
}

// Start starts a command in a session of its own (on Windows: without a console, in a process group of its own), so that closing
// the terminal does not end it. It inherits no standard stream. Errors name the program, never its arguments.
func Start(environ []string, command ...string) (*Process, error) {
	p := &Process{name: filepath.Base(command[0]), ended: make(chan error, 1)}
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // the caller chose the program, which may outlive this process
	cmd.Env = append([]string{}, environ...)        // never nil: that would mean the environment of this process
	cmd.SysProcAttr = ownSession()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("could not start %s: %w", p.name, reason(err))
	}
	go func() { p.ended <- cmd.Wait() }()
	return p, nil
}

// Settle waits for the end of the child, at most for the given time. It returns an error if the child failed within that time.
func (p *Process) Settle(within time.Duration) error {
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("%s failed: %w", p.name, err)
		}
	case <-limit.C:
	}
	return nil
}

// Foreground runs a command that the user operates, such as a pager: it keeps this process's terminal, stdout and stderr, and reads
// stdin. Foreground waits for its end. It returns an error only if the command could not be started.
func Foreground(environ []string, stdin io.Reader, command ...string) error {
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // the user chose the program, and ends it
	cmd.Env = append([]string{}, environ...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("could not start %s: %w", filepath.Base(command[0]), reason(err))
	}
	_ = cmd.Wait() // a pager that the user closes early may fail
	return nil
}

// reason returns the cause of an error of exec, which repeats the path of the program.
func reason(err error) error {
	if named := (*exec.Error)(nil); errors.As(err, &named) {
		return named.Err
	}
	return err
}
