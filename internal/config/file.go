package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// WriteFile stores another small private file beside the document, such as a sign-in under way, with the same care.
// name is a plain file name.
func (s *Store) WriteFile(ctx context.Context, name string, data []byte) error {
	if err := checkFileName(name); err != nil {
		return err
	}
	unlock, err := s.Lock(ctx, documentLock)
	if err != nil {
		return err
	}
	defer unlock()
	return s.replace(filepath.Join(s.Dir, name), data, func() bool { return true })
}

// ReadFile returns what WriteFile stored; errors.Is(err, fs.ErrNotExist) when there is nothing.
func (s *Store) ReadFile(name string) ([]byte, error) {
	if err := checkFileName(name); err != nil {
		return nil, err
	}
	if s.Dir == "" {
		return nil, fs.ErrNotExist
	}
	return s.disk().Read(filepath.Join(s.Dir, name))
}

// ProvidersDir is where a person describes services, a JSON file for each.
func (s *Store) ProvidersDir() string { return filepath.Join(s.Dir, "providers") }

// ReadProvider returns the description of a service by its name, which must be a plain one; errors.Is(err,
// fs.ErrNotExist) when there is none.
func (s *Store) ReadProvider(name string) ([]byte, error) {
	if err := checkFileName(name); err != nil {
		return nil, err
	}
	if s.Dir == "" {
		return nil, fs.ErrNotExist
	}
	return s.disk().Read(filepath.Join(s.ProvidersDir(), name+".json"))
}

// RemoveFile removes what WriteFile stored; a missing file is fine.
func (s *Store) RemoveFile(name string) error {
	if err := checkFileName(name); err != nil || s.Dir == "" {
		return err
	}
	if err := s.disk().Remove(filepath.Join(s.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &FileError{Path: filepath.Join(s.Dir, name), Problem: Unwritable, Err: cause(err)}
	}
	return nil
}

func checkFileName(name string) error {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") || name == documentName || filepath.Ext(name) == ".lock" {
		return fmt.Errorf("%q is not the name of a file that may be kept beside %s", name, documentName)
	}
	return nil
}
