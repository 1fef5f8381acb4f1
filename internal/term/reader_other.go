//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package term

import (
	"context"
	"os"
)

// ReaderLeft is not available on these systems: a command notices at its next write that nothing reads any more.
func ReaderLeft(context.Context, *os.File) bool { return false }
