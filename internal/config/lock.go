package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// LockName names a lock of the store. Locks are files of their own, because config.json is replaced by every write,
// and the system lets go of them when their process dies.
type LockName struct{ file string }

var documentLock = LockName{"config.lock"}

// RefreshLock is held while a profile's session is refreshed, network included. Update takes another, shorter one.
func RefreshLock(profile string) LockName {
	sum := sha256.Sum256([]byte(orDefault(profile)))
	return LockName{"refresh-" + hex.EncodeToString(sum[:6]) + ".lock"} // a name from outside never becomes a path
}

// Journal is the name of the file in which the holder of a lock notes what it is about to do, for WriteFile.
func (n LockName) Journal() string { return strings.TrimSuffix(n.file, ".lock") + ".json" }

// String is the name of the lock file.
func (n LockName) String() string { return n.file }

// Lock takes a lock, waiting at most LockWait, and returns how to let go of it. Errors: *BusyError, *FileError when the
// lock file cannot be made, *NoHomeError, or ctx's.
func (s *Store) Lock(ctx context.Context, name LockName) (unlock func(), err error) {
	if err := s.makeDir(); err != nil {
		return nil, err
	}
	wait := s.LockWait
	if wait == 0 {
		wait = 10 * time.Second
	}
	path := filepath.Join(s.Dir, name.file)
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	switch unlock, err := s.disk().Lock(bounded, path); {
	case err == nil:
		return unlock, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case bounded.Err() != nil:
		return nil, &BusyError{Path: path, Waited: wait}
	default:
		return nil, &FileError{Path: path, Problem: Unwritable, Err: cause(err)}
	}
}

// Lock implements Disk.
func (systemDisk) Lock(ctx context.Context, path string) (unlock func(), err error) {
	lock := flock.New(path, flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, 15*time.Millisecond); err != nil {
		return nil, err
	}
	_ = os.Chmod(path, 0o600) // the umask may have taken bits away
	adopt(path, filepath.Dir(path))
	return func() { _ = lock.Unlock() }, nil
}

// makeDir makes the folder, private from the start, or makes it private.
func (s *Store) makeDir() error {
	if s.Dir == "" {
		return &NoHomeError{}
	}
	if err := s.checkMissing(); err != nil {
		return err
	}
	switch info, err := os.Stat(s.Dir); {
	case err == nil && !info.IsDir():
		return &FileError{Path: s.Dir, Problem: NotAFolder}
	case err == nil:
		_, _ = makePrivate(s.Dir) // Load warns where that is impossible
		return nil
	}
	err := errors.Join(os.MkdirAll(s.Dir, 0o700), os.Chmod(s.Dir, 0o700)) //nolint:gosec // a folder needs its x bit
	if err != nil {
		return &FileError{Path: s.Dir, Problem: Unwritable, Err: cause(err)}
	}
	adopt(s.Dir, filepath.Dir(s.Dir))
	return nil
}
