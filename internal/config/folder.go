package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/uselamina/lamina/internal/config/internal/disk"
)

// Folder returns the path of a folder below that of the document, given by the names of the folders on the way to it. It creates what is
// missing with private permissions, and makes private what is not. Errors: *FileError if another user can change it, *NoHomeError.
func (s *Store) Folder(names ...string) (string, error) {
	if err := s.makeDir(); err != nil {
		return "", err
	}
	path := s.Dir
	for _, name := range names {
		if err := checkFileName(name); err != nil {
			return "", err
		}
		path = filepath.Join(path, name)
		if err := s.makeFolder(path); err != nil {
			return "", err
		}
	}
	return path, nil
}

func (s *Store) makeFolder(path string) error {
	err := os.Mkdir(path, 0o700)
	if err == nil {
		err = disk.MakeFolder(path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return unwritable(path, err)
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return unwritable(path, err)
	case !info.IsDir():
		return &FileError{Path: path, Problem: NotAFolder}
	}
	_, _ = disk.MakePrivate(path)
	return s.checkUnshared(path)
}
