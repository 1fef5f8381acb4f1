package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Reserve makes room on the disk for a file of a size, which its own size stays below. Truncate gives back what is not used. Errors are
// those of a full disk. On other systems, and on file systems that cannot reserve room, it does nothing.
func Reserve(f *os.File, size int64) error {
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG) {
		return os.NewSyscallError("fallocate", err)
	}
	return nil
}
