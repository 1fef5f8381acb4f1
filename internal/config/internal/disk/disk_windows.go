package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"

	"github.com/uselamina/lamina/internal/retry"
)

// HasPermissionBits reports whether the mode of a file decides which users may access it. On Windows the access control
// list of the user's profile folder decides.
const HasPermissionBits = false

// MakePrivate does nothing: the access control list keeps other users out.
func MakePrivate(string) (wasExposed bool, err error) { return false, nil }

// IsExposed reports false: the access control list keeps other users out.
func IsExposed(fs.FileInfo) bool { return false }

// noFollow has no meaning here.
const noFollow = 0

// open opens a regular file. Opening a named pipe would block.
func open(path string, flag int) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	return os.OpenFile(path, flag, 0)
}

func openLock(path string) (*os.File, error) { return open(path, os.O_RDONLY) }

func isOnlyMode(err error) bool { return errors.Is(err, windows.ERROR_SHARING_VIOLATION) } // of a virus scanner; see Rename

// Resolve returns the file that a path leads to.
func Resolve(path string) (string, error) {
	if _, err := os.Lstat(path); err != nil {
		return path, err
	}
	return filepath.EvalSymlinks(path)
}

// CheckUnshared does nothing: the access control list keeps other users out.
func CheckUnshared(string) error { return nil }

// IsWritableByOthers reports false: the access control list keeps other users out.
func IsWritableByOthers(string) bool { return false }

// MakeFolder does nothing: a folder has the access control list of its parent.
func MakeFolder(string) error { return nil }

func adopt(*os.File, string) {}

// IsTrusted reports true: the access control list keeps other users from writing.
func IsTrusted(fs.FileInfo) bool { return true }

// Rename implements Disk. It repeats for about a second, because a virus scanner or an indexer may hold the file open.
func (System) Rename(from, to string) error {
	policy := retry.Policy{
		Backoff: retry.Backoff{Base: 5 * time.Millisecond}, Attempts: 8,
		Retryable: func(err error) (time.Duration, bool) {
			return 0, errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) ||
				errors.Is(err, windows.ERROR_LOCK_VIOLATION)
		},
	}
	return policy.Do(context.Background(), func() error { return os.Rename(from, to) })
}

// SyncDir implements Disk. Windows has no such operation for a folder.
func (System) SyncDir(string) error { return nil }
