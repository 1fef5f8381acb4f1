package inbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Size returns the size of all segments in a folder, in bytes. A missing folder is an empty inbox.
func Size(dir string) (size int64, err error) {
	firsts, err := segments(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for _, first := range firsts {
		if info, err := os.Stat(filepath.Join(dir, segmentName(first))); err == nil {
			size += info.Size()
		}
	}
	return size, nil
}

// Clear removes the deliveries and the marks in a folder, and other files that depend on them. It returns ErrBusy if a process adds.
func Clear(dir string, others ...string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lock := flock.New(filepath.Join(dir, lockName))
	switch isLocked, err := lock.TryLock(); {
	case err != nil:
		return fmt.Errorf("could not lock the inbox: %w", err)
	case !isLocked:
		return ErrBusy
	}
	firsts, err := segments(dir)
	for _, first := range firsts {
		others = append(others, segmentName(first))
	}
	marks, _ := filepath.Glob(filepath.Join(dir, "*"+markSuffix)) // the pattern is valid
	for _, mark := range marks {
		others = append(others, filepath.Base(mark))
	}
	for _, name := range others {
		if removeErr := os.Remove(filepath.Join(dir, name)); !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}
	return errors.Join(err, lock.Unlock())
}
