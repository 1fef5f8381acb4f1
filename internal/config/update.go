package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/uselamina/lamina/internal/config/internal/disk"
)

// UpdateOptions changes how UpdateWith treats the files.
type UpdateOptions struct {
	// ReplaceDamaged copies a damaged file to FILE.damaged-TIME, and replaces it. Only a sign-in sets it:
	// other commands must not discard a file that the user may repair.
	ReplaceDamaged bool
}

// Update changes the document. It takes the lock, reads the files, calls change and writes what has changed. If change fails,
// nothing is written. Update may call change several times, each time with the current content of the files.
//
// Errors: *BusyError, *FileError, *NoHomeError, ctx's, or what change returned.
func (s *Store) Update(ctx context.Context, change func(*Document) error) error {
	return s.UpdateWith(ctx, UpdateOptions{}, change)
}

// UpdateWith is Update with options.
func (s *Store) UpdateWith(ctx context.Context, options UpdateOptions, change func(*Document) error) error {
	unlock, err := s.Lock(ctx, documentLock)
	if err != nil {
		return err
	}
	defer unlock()
	const tries = 10
	for try := 1; ; try++ {
		doc, files, err := s.readFor(options)
		if err != nil {
			return err
		}
		before := doc.encode()
		isOneFile := doc.isOneFile
		if err := change(doc); err != nil {
			return err
		}
		if isOneFile {
			// config.json of an earlier version has everything. A copy of it comes before any change, so that whatever
			// happens next, what config.json no longer has is in profiles.json.
			if err := s.writeProfiles(before.profiles, &files); err != nil {
				return err
			}
		}
		if err := s.write(doc.encode(), files, try == tries); !errors.Is(err, errChanged) {
			return err
		}
	}
}

func (s *Store) readFor(options UpdateOptions) (*Document, contents, error) {
	if options.ReplaceDamaged {
		return s.readWithoutDamaged(s.copyAside)
	}
	return s.read()
}

// write writes the files that have changed. The one that receives the credential of the default profile is first: if the
// process dies in between, that credential is the newer one (newDocument), and the other file has at most old data about it.
func (s *Store) write(after encoding, before contents, isLastTry bool) error {
	if !after.isShared {
		if err := s.writeProfiles(after.profiles, &before); err != nil {
			return err
		}
	}
	if err := s.writeConfig(after.config, before.config, isLastTry); err != nil {
		return err
	}
	return s.writeProfiles(after.profiles, &before)
}

func (s *Store) writeProfiles(after []byte, before *contents) error {
	isEmpty := before.profiles == nil && bytes.Equal(after, encodeFile(nil))
	if isEmpty || bytes.Equal(after, before.profiles) {
		return nil
	}
	err := s.replace(s.ProfilesPath(), after, func() bool { return true })
	if err == nil {
		before.profiles = after
	}
	return err
}

// writeConfig writes config.json if its fields have changed. The Node client writes it without the lock: if it has, the error
// is errChanged.
func (s *Store) writeConfig(fields object, before []byte, isLastTry bool) error {
	was, problem, _ := parseFields(before)
	if isSound := before == nil || problem == 0; isSound && bytes.Equal(encodeFile(was), encodeFile(fields)) {
		return nil
	}
	return s.replace(s.Path(), encodeFile(fields), func() bool {
		now, err := s.disk().Read(s.Path())
		isStillTooLarge := before != nil && errors.Is(err, disk.ErrTooLarge) // of such a file, no content is read
		return isLastTry || bytes.Equal(now, before) && (err == nil || errors.Is(err, fs.ErrNotExist) || isStillTooLarge)
	})
}

// readWithoutDamaged reads the document; a damaged file has no fields. It calls found for each.
func (s *Store) readWithoutDamaged(found func(path string) error) (*Document, contents, error) {
	var damaged []string
	for {
		doc, files, err := s.read(damaged...)
		file := (*FileError)(nil)
		if !errors.As(err, &file) || file.Problem != Damaged || slices.Contains(damaged, file.Path) {
			return doc, files, err
		}
		if err := found(file.Path); err != nil {
			return nil, contents{}, err
		}
		damaged = append(damaged, file.Path)
	}
}

// copyAside copies a damaged file, to a name that no file has. The file itself stays, because a path that is a symbolic link or
// a mount must lead to a file; the write that follows replaces its content.
func (s *Store) copyAside(path string) error {
	stamp := path + ".damaged-" + s.now().UTC().Format("20060102T150405Z")
	aside := stamp
	for n := 2; ; n++ {
		err := disk.Copy(path, aside)
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return unwritable(aside, err)
		}
		aside = fmt.Sprintf("%s-%d", stamp, n)
	}
}
