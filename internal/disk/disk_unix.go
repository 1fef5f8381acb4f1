//go:build !windows

package disk

import (
	"errors"
	"os"
	"syscall"
)

// safeFlags make an open fail on a link, and not wait for the other end of a pipe.
const safeFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// isLink reports whether an open failed because the file is a link. FreeBSD and NetBSD have errors of their own for that.
func isLink(err error) bool { return errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK) }

// SyncDir flushes the names of the files in a folder to the disk. Some file systems cannot flush a folder; that is no error.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
