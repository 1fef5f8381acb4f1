// Package disk has the file operations of data that must survive a loss of power and of a folder that other programs can write to.
package disk

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Errors of Open, Create and Lock, besides those of package os.
var (
	ErrNotRegular = errors.New("is not a regular file")
	ErrLocked     = errors.New("is locked by another process")
)

// Open opens a regular file. A link, a pipe or a folder in its place is ErrNotRegular, and is never waited for.
func Open(path string) (*os.File, error) { return open(path, os.O_RDONLY) }

// Append opens a regular file to append to it, and creates it, private, if it is missing. Errors are those of Open.
func Append(path string) (*os.File, error) { return open(path, os.O_RDWR|os.O_APPEND|os.O_CREATE) }

// Update opens a regular file to replace parts of it, and creates it, private, if it is missing. Errors are those of Open.
func Update(path string) (*os.File, error) { return open(path, os.O_RDWR|os.O_CREATE) }

// open opens a regular file with the flags of os.OpenFile.
func open(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag|safeFlags, 0o600)
	if isLink(err) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		if info, statErr := os.Lstat(path); statErr == nil && !info.Mode().IsRegular() {
			return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
		}
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// ReadFile returns the content of a regular file of at most limit bytes. Errors are those of Open.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("is too large")}
	}
	return raw, err
}

// Commit flushes a file of os.CreateTemp, closes it, and gives it its name in one step. The name survives a loss of power. After an
// error the file is removed, and what had the name before still has it, unless the folder could not be flushed.
func Commit(f *os.File, path string) error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// Discard closes and removes a file of os.CreateTemp.
func Discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// WriteFile replaces a private file in one step.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		Discard(f)
		return err
	}
	return Commit(f, path)
}

// Lock takes the lock of a lock file, and creates the file if it is missing. A shared lock excludes only locks that are not shared.
// It does not wait: if another process holds the lock, the error is ErrLocked. The operating system releases the lock when the process
// ends.
func Lock(path string, isShared bool) (unlock func(), err error) {
	f, err := Append(path)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDWR|safeFlags))
	try := lock.TryLock
	if isShared {
		try = lock.TryRLock
	}
	ok, err := try()
	if err != nil {
		return nil, err
	}
	if !ok {
		_ = lock.Close()
		return nil, &fs.PathError{Op: "lock", Path: path, Err: ErrLocked}
	}
	return func() { _ = lock.Unlock() }, nil
}

// lockPoll is the time between two attempts of LockWithin.
const lockPoll = 5 * time.Millisecond

// LockWithin is Lock, but waits for other processes: until the time has passed, then the error is ErrLocked, or until ctx is done, then
// it is that of ctx.
func LockWithin(ctx context.Context, path string, isShared bool, wait time.Duration) (unlock func(), err error) {
	for end := time.Now().Add(wait); ; {
		unlock, err = Lock(path, isShared)
		if !errors.Is(err, ErrLocked) || time.Now().After(end) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

// ProbeWait is how long LockWithin must wait for processes that only call IsLocked.
const ProbeWait = 400 * time.Millisecond

// IsLocked reports whether a process holds a lock that is not shared. It holds a shared lock itself for a moment.
func IsLocked(path string) bool {
	if _, err := os.Stat(path); err != nil {
		return false
	}
	unlock, err := Lock(path, true)
	if err != nil {
		return errors.Is(err, ErrLocked)
	}
	unlock()
	return false
}
