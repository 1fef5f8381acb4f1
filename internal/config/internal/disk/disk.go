// Package disk carries out the file operations of a config.Store. The interface Disk exists for tests: one keeps files in
// memory to try every order of the operations of several processes, another fails between two of them.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// TempMark separates the name of a file from the random end of the name of its temporary copy.
const TempMark = ".tmp-"

// maxFile is the largest file that Read returns, in bytes. A config.json has a few kilobytes.
const maxFile = 4 << 20

// lockPoll is the time between two attempts to take a lock.
const lockPoll = 15 * time.Millisecond

// Errors of Read, besides those of package os.
var (
	ErrNotRegular = errors.New("not a regular file")
	ErrTooLarge   = fmt.Errorf("larger than %d bytes", maxFile)
)

// A Disk has the operations that other processes can observe.
type Disk interface {
	// Read returns the content of a regular file. Errors: ErrNotRegular, ErrTooLarge, and those of package os.
	Read(path string) ([]byte, error)
	// WriteTemp writes data to a new private file in the folder of target, flushes it to the disk and returns its path.
	// After an error there is no such file.
	WriteTemp(target string, data []byte) (path string, err error)
	// Rename replaces the file to by the file from in one step.
	Rename(from, to string) error
	// SyncDir flushes the renames in a folder to the disk.
	SyncDir(dir string) error
	// Remove removes a file.
	Remove(path string) error
	// Lock creates a lock file if there is none, and takes its lock. It waits until ctx ends, and then returns ctx's error.
	// The operating system releases the lock when the process ends.
	Lock(ctx context.Context, path string) (unlock func(), err error)
	// Sleep waits for other processes.
	Sleep(d time.Duration)
}

// A Seam holds the Disk of a config.Store. Nil means System.
type Seam struct{ Disk Disk }

// System is the Disk of the operating system.
type System struct {
	// Interrupt is called by WriteTemp when half of the data is written. An error ends the write. Nil means no call; only
	// tests set it.
	Interrupt func() error
}

// Read implements Disk. It checks the kind of the file first, because opening a named pipe would block.
func (System) Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(raw) > maxFile {
		return nil, ErrTooLarge
	}
	return raw, err
}

// WriteTemp implements Disk.
func (s System) WriteTemp(target string, data []byte) (path string, err error) {
	f, err := os.CreateTemp(filepath.Dir(target), filepath.Base(target)+TempMark+"*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	Adopt(f.Name(), filepath.Dir(target))
	if err := f.Chmod(0o600); err != nil && HasPermissionBits { // the umask may have removed bits of the owner
		return "", err
	}
	half := len(data) / 2
	if _, err := f.Write(data[:half]); err != nil {
		return "", err
	}
	if s.Interrupt != nil {
		if err := s.Interrupt(); err != nil {
			return "", err
		}
	}
	if _, err := f.Write(data[half:]); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

// Remove implements Disk.
func (System) Remove(path string) error { return os.Remove(path) }

// Lock implements Disk.
func (System) Lock(ctx context.Context, path string) (unlock func(), err error) {
	lock := flock.New(path, flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return nil, err
	}
	_ = os.Chmod(path, 0o600) // the umask may have removed bits of the owner
	Adopt(path, filepath.Dir(path))
	return func() { _ = lock.Unlock() }, nil
}

// Sleep implements Disk.
func (System) Sleep(d time.Duration) { time.Sleep(d) }
