package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/uselamina/lamina/internal/config/internal/disk"
)

// WriteFile stores a small private file in the folder of the document, such as an unfinished sign-in. The write is as safe
// as one of the document. name is a file name without a path.
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

// ReadOrWriteFile returns the content of a file that WriteFile stored. If there is none, it stores data and returns that. Processes that
// do so at the same time all get the same content.
func (s *Store) ReadOrWriteFile(ctx context.Context, name string, data []byte) ([]byte, error) {
	if raw, err := s.ReadFile(name); !errors.Is(err, fs.ErrNotExist) {
		return raw, err
	}
	unlock, err := s.Lock(ctx, documentLock)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if raw, err := s.ReadFile(name); !errors.Is(err, fs.ErrNotExist) { // written since
		return raw, err
	}
	return data, s.replace(filepath.Join(s.Dir, name), data, func() bool { return true })
}

// WriteCache stores a file that may be lost: it takes no lock, does not flush, and does not create the folder. What cannot be stored
// is returned by ReadFile until the process ends.
func (s *Store) WriteCache(name string, data []byte) error {
	if err := checkFileName(name); err != nil {
		return err
	}
	if err := s.writeCache(name, data); err != nil {
		s.unstored.Store(name, bytes.Clone(data))
		return err
	}
	s.unstored.Delete(name)
	return nil
}

func (s *Store) writeCache(name string, data []byte) error {
	if s.Dir == "" {
		return &NoHomeError{}
	}
	if err := s.checkFolder(); err != nil {
		return err
	}
	return disk.WriteUnflushed(filepath.Join(s.Dir, name), data)
}

// ReadFile returns the content of a file that WriteFile or WriteCache stored. The error matches fs.ErrNotExist if there is none.
func (s *Store) ReadFile(name string) ([]byte, error) {
	if err := checkFileName(name); err != nil {
		return nil, err
	}
	if data, isThere := s.unstored.Load(name); isThere {
		return bytes.Clone(data.([]byte)), nil
	}
	if s.Dir == "" {
		return nil, fs.ErrNotExist
	}
	path := filepath.Join(s.Dir, name)
	raw, err := s.disk().Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, s.describe(path, err)
	}
	if err == nil {
		_, _ = disk.MakePrivate(path) // a doctor reports what cannot be repaired
	}
	return raw, err
}

// ProvidersDir returns the folder of the user's service descriptions. Each is a JSON file.
func (s *Store) ProvidersDir() string { return filepath.Join(s.Dir, "providers") }

// ReadProvider returns the description of a service. name is a file name without a path and extension. The error matches
// fs.ErrNotExist if there is none. A description says where keys are sent: one that other users can change is not read.
func (s *Store) ReadProvider(name string) ([]byte, error) {
	if err := checkFileName(name); err != nil {
		return nil, err
	}
	if s.Dir == "" {
		return nil, fs.ErrNotExist
	}
	path := filepath.Join(s.ProvidersDir(), name+".json")
	for _, checked := range []string{s.Dir, s.ProvidersDir(), path} {
		if err := s.checkUnshared(checked); err != nil {
			return nil, err
		}
	}
	return s.disk().Read(path)
}

// RemoveFile removes a file that WriteFile stored. A missing file is no error.
func (s *Store) RemoveFile(name string) error {
	if err := checkFileName(name); err != nil || s.Dir == "" {
		return err
	}
	path := filepath.Join(s.Dir, name)
	if err := s.disk().Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(path, err)
	}
	return nil
}

func checkFileName(name string) error {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") || name == documentName || name == profilesName || filepath.Ext(name) == ".lock" {
		return fmt.Errorf("%q is not a valid name for a file in the folder of %s", name, documentName)
	}
	return nil
}
