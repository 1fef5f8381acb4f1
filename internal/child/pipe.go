package child

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// Shell returns the command that runs a line in the shell of this system.
func Shell(line string) []string {
	if runtime.GOOS == "windows" {
		return []string{"cmd", "/C", line}
	}
	return []string{"sh", "-c", line}
}

// Pipe runs a command to its end. It reads stdin, and writes both of its streams to out. The end of ctx ends it. Errors name the program,
// never its arguments.
func Pipe(ctx context.Context, environ []string, stdin io.Reader, out io.Writer, command ...string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // the user chose the program
	cmd.Env = append([]string{}, environ...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, out, out
	cmd.WaitDelay = time.Second // for programs that it started, and that hold its streams
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s failed: %w", filepath.Base(command[0]), reason(err))
	}
	return nil
}
