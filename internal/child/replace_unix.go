//go:build unix

package child

import (
	"fmt"
	"path/filepath"
	"syscall"
)

// Replace replaces this process with another program, which gets the arguments, the standard streams, the environment and all signals of
// this process. It returns only if the program could not be started. Where processes cannot be replaced, it waits for the program and
// returns its exit status.
func Replace(environ []string, path string, args ...string) (status int, err error) {
	err = syscall.Exec(path, append([]string{path}, args...), environ) //nolint:gosec // the caller chose the program
	return 0, fmt.Errorf("could not start %s: %w", filepath.Base(path), err)
}
