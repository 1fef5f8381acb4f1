package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// A DataFileError means that a data file cannot be used. The file is not changed.
type DataFileError struct {
	File   string
	Detail string // why
	Err    error  // the cause, may be nil
}

// Error names the file and the reason.
func (e *DataFileError) Error() string { return fmt.Sprintf("the data file %s %s", e.File, e.Detail) }

// Unwrap returns the cause.
func (e *DataFileError) Unwrap() error { return e.Err }

// openDataFile opens a data file, or makes it. It reads the file as a whole, so that damage is found at the start and not by a
// crash later.
func openDataFile(file string, load func(*bbolt.DB) error) (db *bbolt.DB, err error) {
	if err := checkDataFile(file); err != nil {
		return nil, err
	}
	// The file is mapped into memory: without this, reading a page that is not there ends the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil { // bbolt reports most damage by a panic
			db, err = nil, damaged(file, fmt.Errorf("%v", v))
		}
	}()
	db, err = bbolt.Open(file, 0o600, &bbolt.Options{Timeout: time.Second})
	switch {
	case errors.Is(err, bbolterrors.ErrTimeout):
		return nil, &DataFileError{file, "is in use, perhaps by another lamina dev", err}
	case errors.Is(err, bbolterrors.ErrInvalid), errors.Is(err, bbolterrors.ErrChecksum):
		return nil, damaged(file, err)
	case errors.Is(err, bbolterrors.ErrVersionMismatch):
		return nil, &DataFileError{file, "has the format of another version of this program", err}
	case err != nil && !isSystemError(err): // such as "file size too small"
		return nil, damaged(file, err)
	case err != nil:
		return nil, &DataFileError{file, "could not be opened: " + cause(err).Error(), err}
	}
	if err := checkLength(db, file); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := load(db); err != nil {
		_ = db.Close()
		return nil, damaged(file, err)
	}
	if err := os.Chmod(file, 0o600); err != nil { // a file of an older version may be readable by others
		_ = db.Close()
		return nil, &DataFileError{file, "could not be protected: " + cause(err).Error(), err}
	}
	return db, nil
}

func damaged(file string, err error) error {
	return &DataFileError{file, "is damaged, or is not a data file of lamina dev; it was not changed: name another file, or delete it to start anew", err}
}

// isSystemError reports whether the operating system caused an error.
func isSystemError(err error) bool {
	var named *fs.PathError
	var number syscall.Errno
	return errors.As(err, &named) || errors.As(err, &number)
}

// cause returns an error without the name of the file.
func cause(err error) error {
	if named := (*fs.PathError)(nil); errors.As(err, &named) {
		return named.Err
	}
	return err
}

// checkDataFile refuses what is not a file. An empty file is a new one: mktemp makes such files, and so does a kill at the first start.
func checkDataFile(file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &DataFileError{file, "could not be opened: " + cause(err).Error(), err}
	case info.IsDir():
		return &DataFileError{file, "is a folder", nil}
	case !info.Mode().IsRegular():
		return &DataFileError{file, "is not a regular file", nil}
	}
	return nil
}

// checkLength refuses a file that is shorter than the pages that it has in use.
func checkLength(db *bbolt.DB, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return &DataFileError{file, "could not be opened: " + cause(err).Error(), err}
	}
	return db.View(func(tx *bbolt.Tx) error {
		if info.Size() < tx.Size() {
			return damaged(file, fmt.Errorf("%d bytes of %d", info.Size(), tx.Size()))
		}
		return nil
	})
}

// readBuckets returns all records. It reads the pages of files too, but does not keep them.
func readBuckets(db *bbolt.DB) (map[string]map[string][]byte, error) {
	buckets := map[string]map[string][]byte{}
	err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if string(name) == bucketFiles {
				return readPages(b)
			}
			bucket := map[string][]byte{}
			buckets[string(name)] = bucket
			return b.ForEach(func(k, v []byte) error {
				if string(name) != bucketServer && !json.Valid(v) {
					return fmt.Errorf("the record %s/%s is not JSON", name, k)
				}
				bucket[string(k)] = append([]byte{}, v...)
				return nil
			})
		})
	})
	return buckets, err
}

// readPages visits all keys below a bucket.
func readPages(b *bbolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if inner := b.Bucket(k); v == nil && inner != nil {
			return readPages(inner)
		}
		return nil
	})
}
