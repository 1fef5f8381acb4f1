package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

// Replace runs a program with the arguments, the standard streams and the environment, waits for it, and returns its exit status. The
// console sends Ctrl-C to both processes; this one ignores it.
func Replace(environ []string, path string, args ...string) (status int, err error) {
	signal.Ignore(os.Interrupt)
	cmd := exec.Command(path, args...) //nolint:gosec,noctx // the caller chose the program
	cmd.Env = append([]string{}, environ...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		return ended.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("could not start %s: %w", filepath.Base(path), reason(err))
	}
	return 0, nil
}
