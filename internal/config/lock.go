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

	"github.com/uselamina/lamina/internal/config/internal/disk"
)

// defaultLockWait is the default of Store.LockWait.
const defaultLockWait = 10 * time.Second

// A LockName names a lock of the store. Each lock is a file of its own, because every write replaces the files of the document. The
// operating system releases a lock when its process ends.
type LockName struct{ file string }

// documentLock is held during a write to the folder.
var documentLock = LockName{"config.lock"}

// RefreshLock returns the lock that is held while the session of a profile is refreshed, network requests included. Update
// takes a different lock and holds it for a shorter time.
func RefreshLock(profile string) LockName {
	sum := sha256.Sum256([]byte(orDefault(profile)))
	return LockName{"refresh-" + hex.EncodeToString(sum[:6]) + ".lock"} // a hash, so that no profile name can form a path
}

// Journal returns the name of the file, for WriteFile, in which the holder of the lock records what it is about to do.
func (n LockName) Journal() string { return strings.TrimSuffix(n.file, ".lock") + ".json" }

// String returns the name of the lock file.
func (n LockName) String() string { return n.file }

// Lock takes a lock, and waits for it at most LockWait. Errors: *BusyError, *FileError if the lock file cannot be created,
// *NoHomeError, or ctx's.
func (s *Store) Lock(ctx context.Context, name LockName) (unlock func(), err error) {
	if err := s.makeDir(); err != nil {
		return nil, err
	}
	wait := s.LockWait
	if wait == 0 {
		wait = defaultLockWait
	}
	path := filepath.Join(s.Dir, name.file)
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	unlock, err = s.disk().Lock(bounded, path)
	switch {
	case err == nil:
		return unlock, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &BusyError{Path: path, Waited: wait}
	default:
		return nil, unwritable(path, err)
	}
}

// makeDir creates the folder of the store with private permissions, or makes an existing one private.
func (s *Store) makeDir() error {
	if s.Dir == "" {
		return &NoHomeError{}
	}
	if err := s.checkMissing(s.Path()); err != nil {
		return err
	}
	switch info, err := os.Stat(s.Dir); {
	case err == nil && !info.IsDir():
		return &FileError{Path: s.Dir, Problem: NotAFolder}
	case err == nil:
		return s.checkFolder()
	}
	if err := errors.Join(os.MkdirAll(s.Dir, 0o700), disk.MakeFolder(s.Dir)); err != nil {
		return unwritable(s.Dir, err)
	}
	return nil
}

// checkFolder makes the folder private, and returns an error if another user owns it or can change it.
func (s *Store) checkFolder() error {
	_, _ = disk.MakePrivate(s.Dir) // Load warns if this fails
	return s.checkUnshared(s.Dir)
}

func (s *Store) checkUnshared(path string) error {
	err := disk.CheckUnshared(path)
	if err != nil {
		return s.describe(path, err)
	}
	return nil
}
