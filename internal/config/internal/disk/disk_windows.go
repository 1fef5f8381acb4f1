package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
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

// Adopt does nothing: a file belongs to the owner of its folder.
func Adopt(string, string) {}

// IsTrusted reports true: the access control list keeps other users from writing.
func IsTrusted(fs.FileInfo) bool { return true }

// IsOwned reports true: the access control list decides.
func IsOwned(fs.FileInfo) bool { return true }

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
