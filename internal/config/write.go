package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var errChangedMeanwhile = errors.New("the file was changed by another program meanwhile")

// tempMark is between a file's name and the random end of its temporary copies.
const tempMark = ".tmp-"

// replace puts data in the place of a file so that a reader, and a machine that loses power, finds either the old
// content or the new: a temporary file in the same folder, fsync, rename, fsync of the folder. A symbolic link is
// followed. unchanged is asked right before the rename; if it says no, the result is errChangedMeanwhile.
//
// The caller holds the document lock.
func (s *Store) replace(path string, data []byte, unchanged func() bool) error {
	target, err := s.target(path)
	if err != nil {
		return err
	}
	removeStaleTemps(target)
	temp, err := s.disk().WriteTemp(target, data)
	if err != nil {
		return err
	}
	if err := s.step("before rename"); err != nil {
		return errors.Join(err, s.disk().Remove(temp))
	}
	if !unchanged() {
		return errors.Join(errChangedMeanwhile, s.disk().Remove(temp))
	}
	if err := s.disk().Rename(temp, target); err != nil {
		_ = s.disk().Remove(temp)
		return &FileError{Path: target, Problem: Unwritable, Err: cause(err)}
	}
	if err := s.step("after rename"); err != nil {
		return err
	}
	return s.disk().SyncDir(filepath.Dir(target))
}

// target is the file behind a path that may be a symbolic link, or not exist yet.
func (s *Store) target(path string) (string, error) {
	switch real, err := filepath.EvalSymlinks(path); {
	case err == nil:
		return real, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", s.describe(err)
	}
	if _, err := os.Lstat(path); err == nil {
		return "", &FileError{Path: path, Problem: DanglingLink}
	}
	return path, nil
}

// WriteTemp implements Disk.
func (d systemDisk) WriteTemp(target string, data []byte) (path string, err error) {
	f, err := os.CreateTemp(filepath.Dir(target), filepath.Base(target)+tempMark+"*")
	if err != nil {
		return "", &FileError{Path: target, Problem: Unwritable, Err: cause(err)}
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(f.Name())
			err = &FileError{Path: target, Problem: Unwritable, Err: cause(err)}
		}
	}()
	adopt(f.Name(), filepath.Dir(target))
	if err := f.Chmod(0o600); err != nil && chmodMatters { // the umask may have taken bits away
		return "", err
	}
	half := len(data) / 2
	if _, err := f.Write(data[:half]); err != nil {
		return "", err
	}
	if err := d.step("half written"); err != nil {
		return "", err
	}
	if _, err := f.Write(data[half:]); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

// removeStaleTemps removes what a process left that died while writing. Under the lock no other write is under way.
func removeStaleTemps(target string) {
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		return
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), filepath.Base(target)+tempMark) && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(target), entry.Name()))
		}
	}
}

func (s *Store) step(name string) error {
	if s.crash == nil {
		return nil
	}
	return s.crash(name)
}
