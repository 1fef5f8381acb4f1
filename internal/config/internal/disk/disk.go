// Package disk carries out the file operations of a config.Store. The interface Disk exists for tests: one keeps files in
// memory to try every order of the operations of several processes, another fails between two of them.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// A TrustError means that another user owns a file, or can change what it says.
type TrustError struct {
	Path   string
	Why    string
	IsLink bool // the file must not be a link, whoever owns it
}

// Error describes the problem.
func (e *TrustError) Error() string { return e.Path + " " + e.Why }

// A Disk has the operations that other processes can observe.
type Disk interface {
	// Read returns the content of a regular file that no other user owns. Errors: ErrNotRegular, ErrTooLarge, *TrustError, and
	// those of package os.
	Read(path string) ([]byte, error)
	// WriteTemp writes data to a new private file in the folder of target, flushes it to the disk and returns its path.
	// After an error there is no such file.
	WriteTemp(target string, data []byte) (path string, err error)
	// Rename replaces the file to by the file from in one step.
	Rename(from, to string) error
	// WriteInPlace replaces the content of a file that cannot be renamed onto, and flushes it. A reader can see a part of it.
	WriteInPlace(path string, data []byte) error
	// CheckReplace returns the error that Rename onto a file and WriteInPlace will return.
	CheckReplace(path string) error
	// SyncDir flushes the renames in a folder to the disk.
	SyncDir(dir string) error
	// Remove removes a file.
	Remove(path string) error
	// Lock creates a lock file if there is none, and takes its lock. It waits until ctx ends, and then returns ctx's error.
	// The operating system releases the lock when the process ends. Errors: ErrNotRegular, *TrustError, those of package os.
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

// Read implements Disk.
func (System) Read(path string) ([]byte, error) {
	f, err := open(path, os.O_RDONLY)
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

// WriteInPlace implements Disk.
func (s System) WriteInPlace(path string, data []byte) error {
	f, err := open(path, os.O_WRONLY)
	if err != nil {
		return err
	}
	if err = f.Truncate(0); err == nil {
		err = s.write(f, data)
	}
	return errors.Join(err, f.Close())
}

// write writes data and flushes it.
func (s System) write(f *os.File, data []byte) error {
	half := len(data) / 2
	if _, err := f.Write(data[:half]); err != nil {
		return err
	}
	if s.Interrupt != nil {
		if err := s.Interrupt(); err != nil {
			return err
		}
	}
	if _, err := f.Write(data[half:]); err != nil {
		return err
	}
	return f.Sync()
}

// Copy copies a regular file to a new private one. The error matches fs.ErrExist if there is a file already.
func Copy(from, to string) (err error) {
	source, err := open(from, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(to)
		}
	}()
	adopt(f, filepath.Dir(to))
	if err := f.Chmod(0o600); err != nil && HasPermissionBits { // the umask may have removed bits of the owner
		return err
	}
	if _, err := io.Copy(f, source); err != nil {
		return err
	}
	return f.Sync()
}

// CheckReplace implements Disk. A file that can be opened for writing can be written in place; one that only lacks the
// permission bit can be renamed onto, because a file in its folder could be created and removed.
func (System) CheckReplace(path string) error {
	f, err := open(path, os.O_WRONLY)
	switch {
	case errors.Is(err, fs.ErrNotExist), isOnlyMode(err):
		return nil
	case err != nil:
		return err
	}
	return f.Close()
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
	adopt(f, filepath.Dir(target))
	if err := f.Chmod(0o600); err != nil && HasPermissionBits { // the umask may have removed bits of the owner
		return "", err
	}
	return f.Name(), s.write(f, data)
}

// WriteUnflushed replaces a private file. After a loss of power its content may be lost.
func WriteUnflushed(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	adopt(f, filepath.Dir(path))
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Remove implements Disk.
func (System) Remove(path string) error { return os.Remove(path) }

// Lock implements Disk.
func (System) Lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := CheckLock(path); err != nil {
		return nil, err
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY|noFollow))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return nil, err
	}
	return func() { _ = lock.Unlock() }, nil
}

// CheckLock creates a lock file, or checks that an existing one can be used.
func CheckLock(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_ = f.Chmod(0o600) // the umask may have removed bits of the owner
		adopt(f, filepath.Dir(path))
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if f, err = openLock(path); err != nil {
		return err
	}
	return f.Close()
}

// Sleep implements Disk.
func (System) Sleep(d time.Duration) { time.Sleep(d) }
