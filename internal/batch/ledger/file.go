package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"
)

const (
	fileName = "credits.json"
	lockName = "credits.lock"
	version  = 1
	maxFile  = 4 << 20
	lockPoll = 5 * time.Millisecond
)

// Problems of a file, which a *FileError wraps besides the errors of package os.
var (
	ErrNotRegular = errors.New("it is not a regular file")
	ErrDamaged    = errors.New("it is damaged")
	ErrVersion    = errors.New("another version of lamina wrote it")
	ErrBusy       = errors.New("another process holds it for too long")
)

// A FileError means that a file of the ledger cannot be used. It was not changed.
type FileError struct {
	Path string
	Err  error
}

// Error describes the problem.
func (e *FileError) Error() string { return fmt.Sprintf("%s cannot be used: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// A record has the credits of an owner.
type record struct {
	Spent    float64 `json:"spent"`
	Reserved float64 `json:"reserved"`
}

// total returns the sum of all records.
func total(records map[string]record) (sum float64) {
	for _, r := range records {
		sum += r.Spent + r.Reserved
	}
	return sum
}

// document is the content of the file.
type document struct {
	Version int               `json:"version"`
	Owners  map[string]record `json:"owners"`
}

// A file holds the records of all owners.
type file struct{ path, lock string }

// locked calls do while this process holds the lock. It waits for the lock until ctx ends. The operating system releases the lock of a
// process that is killed.
func (f file) locked(ctx context.Context, do func() error) error {
	if err := checkRegular(f.lock); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &FileError{f.lock, err}
	}
	lock := flock.New(f.lock, flock.SetPermissions(0o600))
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	switch _, err := lock.TryLockContext(wait, lockPoll); {
	case ctx.Err() != nil:
		return errors.Join(ctx.Err(), lock.Unlock())
	case errors.Is(err, context.DeadlineExceeded):
		return &FileError{f.lock, ErrBusy}
	case err != nil:
		return &FileError{f.lock, err}
	}
	defer func() { _ = lock.Unlock() }()
	return do()
}

// checkRegular refuses links, pipes, devices and folders. Opening a pipe would wait for another process.
func checkRegular(path string) error {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		return ErrNotRegular
	}
	return err
}

// read returns the records; none if there is no file.
func (f file) read() (map[string]record, error) {
	err := checkRegular(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]record{}, nil
	}
	var raw []byte
	if err == nil {
		raw, err = readFile(f.path)
	}
	var records map[string]record
	if err == nil {
		records, err = decode(raw)
	}
	if err != nil {
		return nil, &FileError{f.path, err}
	}
	return records, nil
}

func readFile(path string) ([]byte, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(raw) > maxFile {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrDamaged, maxFile)
	}
	return raw, err
}

// decode returns the records in a file.
func decode(raw []byte) (map[string]record, error) {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if d.Version != version {
		return nil, fmt.Errorf("%w: its version is %d, not %d", ErrVersion, d.Version, version)
	}
	if d.Owners == nil {
		return nil, fmt.Errorf("%w: it has no owners", ErrDamaged)
	}
	for _, r := range d.Owners {
		if err := check(r.Spent, r.Reserved); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return d.Owners, nil
}

// write replaces the file in one step. It does not flush it to the disk: after a loss of power the journals say what was spent, and a
// flush would cost more than all the rest.
func (f file) write(records map[string]record) error {
	raw, err := json.Marshal(document{version, records})
	if err != nil {
		return &FileError{f.path, err}
	}
	temp := f.path + ".tmp" // one name is enough, under the lock; a killed process may have left it
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &FileError{temp, err}
	}
	w, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return &FileError{temp, err}
	}
	_, err = w.Write(append(raw, '\n'))
	if err = errors.Join(err, w.Close()); err == nil {
		err = os.Rename(temp, f.path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return &FileError{f.path, err}
	}
	return nil
}
