package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
)

// An ExitError is the exit status of a program that did not succeed. A program that a signal ended has 128 and the number of the signal,
// as in a shell.
type ExitError struct{ Status int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Status) }

// RunAttached runs a program as a part of this one: it has the standard streams of this process and gets the signals that this process
// gets. RunAttached waits for its end. It returns an *ExitError if the program failed, and another error if it could not be started.
func RunAttached(environ []string, command ...string) error {
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // the user chose the program, and ends it
	cmd.Env = append([]string{}, environ...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	received := make(chan os.Signal, 8)
	// A signal that this process ignores, as under nohup, stays ignored: the program inherits that.
	if handled := slices.DeleteFunc(passedOn(), signal.Ignored); len(handled) > 0 {
		signal.Notify(received, handled...)
	}
	defer signal.Stop(received)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("could not start %s: %w", filepath.Base(command[0]), reason(err))
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-received:
			if !isFromTerminal(sig) {
				_ = cmd.Process.Signal(sig) // fails if the program has just ended
			}
		case err := <-ended:
			if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
				return &ExitError{Status: statusOf(failed.ProcessState)}
			}
			return err
		}
	}
}
