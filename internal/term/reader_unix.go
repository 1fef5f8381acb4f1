//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package term

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// readerCheck is the time between two checks for the end of the context, in milliseconds.
const readerCheck = 500

// ReaderLeft waits until the last reader of a pipe or a socket has closed it, and reports false if ctx ends first. It returns at once for
// other files.
func ReaderLeft(ctx context.Context, f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return false
	}
	for ctx.Err() == nil {
		fds := []unix.PollFd{{Fd: int32(f.Fd())}} // no events: only errors and hang-ups
		_, err := unix.Poll(fds, readerCheck)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
		if err == nil && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
			return true
		}
	}
	return false
}
