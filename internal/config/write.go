package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/uselamina/lamina/internal/config/internal/disk"
)

// errChanged means that another program changed a file between the last read and the write.
var errChanged = errors.New("another program changed the file")

// replace replaces the content of a file. A reader, and a machine that loses power, finds either the old content or the new:
// replace writes a temporary file in the same folder, flushes it, renames it and flushes the folder. It follows a symbolic
// link. It calls isUnchanged directly before the rename and returns errChanged if the result is false.
//
// The caller holds documentLock.
func (s *Store) replace(path string, data []byte, isUnchanged func() bool) error {
	target, err := s.target(path)
	if err != nil {
		return err
	}
	removeStaleTemps(target)
	temp, err := s.disk().WriteTemp(target, data)
	if err != nil {
		return unwritable(target, err)
	}
	if !isUnchanged() {
		return errors.Join(errChanged, s.disk().Remove(temp))
	}
	if err := s.disk().Rename(temp, target); err != nil {
		return s.writeInPlace(temp, target, data, err)
	}
	removeUnfinished(target)
	folder := filepath.Dir(target)
	if err := s.disk().SyncDir(folder); err != nil {
		return unwritable(folder, err)
	}
	return nil
}

// unfinished ends the name of the new content of a file while the file is written in place.
const unfinished = ".unfinished"

// writeInPlace writes a file that cannot be renamed onto, such as a mount of a single file. Until the file is flushed, the
// temporary file with the new content is kept under a name at which readFields finds it if the process dies.
func (s *Store) writeInPlace(temp, target string, data []byte, cause error) error {
	if _, err := os.Stat(target); err != nil || s.disk().Rename(temp, target+unfinished) != nil {
		_ = s.disk().Remove(temp)
		return unwritable(target, cause)
	}
	if err := s.disk().CheckReplace(target); err != nil {
		removeUnfinished(target)
		return unwritable(target, err)
	}
	if err := s.disk().WriteInPlace(target, data); err != nil {
		return unwritable(target, err)
	}
	removeUnfinished(target)
	return nil
}

func removeUnfinished(target string) { _ = os.Remove(target + unfinished) }

// target returns the file that a path leads to. The path may be a symbolic link, and the file may be missing.
func (s *Store) target(path string) (string, error) {
	switch real, err := disk.Resolve(path); {
	case err == nil:
		return real, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", s.describe(path, err)
	}
	if _, err := os.Lstat(path); err == nil {
		return "", &FileError{Path: path, Problem: DanglingLink}
	}
	return path, nil
}

// removeStaleTemps removes the temporary files of processes that died during a write. The caller's lock ensures that no
// other write is running.
func removeStaleTemps(target string) {
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		return
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), filepath.Base(target)+disk.TempMark) && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(target), entry.Name()))
		}
	}
}
