package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/config/internal/disk"
	"github.com/uselamina/lamina/internal/retry"
)

const documentName = "config.json"

// Store is the folder of the configuration. If Dir is empty, because there is no home folder, reads find nothing and writes
// fail with *NoHomeError.
type Store struct {
	Dir      string
	LockWait time.Duration    // how long Lock waits; 0 means 10 s
	Now      func() time.Time // nil means time.Now

	testSeam
	keyring keyringClient
}

// testSeam is embedded so that package configtest can set its field Disk, which this package's documentation does not show.
type testSeam = disk.Seam

func (s *Store) disk() disk.Disk {
	if s.Disk == nil {
		return disk.System{}
	}
	return s.Disk
}

// Home returns the home folder of this user, and "" if there is none.
func Home(getenv func(string) string) string {
	if runtime.GOOS == "windows" {
		return getenv("USERPROFILE")
	}
	return getenv("HOME")
}

// DefaultDir returns LAMINA_CONFIG_DIR if it is set, otherwise .lamina in the home folder, and "" if there is no home folder.
func DefaultDir(getenv func(string) string) string {
	home := Home(getenv)
	dir := getenv("LAMINA_CONFIG_DIR")
	switch rest, tilde := strings.CutPrefix(dir, "~"); {
	case tilde && home != "" && (rest == "" || os.IsPathSeparator(rest[0])):
		dir = filepath.Join(home, rest) // programs other than a shell pass ~ unexpanded
	case dir == "" && home == "":
		return ""
	case dir == "":
		dir = filepath.Join(home, ".lamina")
	}
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// Path returns the path of the document.
func (s *Store) Path() string { return filepath.Join(s.Dir, documentName) }

// Load reads the document. A missing file is an empty document. If other users could read the file, Load makes it private
// and adds a warning to the document. The error is a *FileError; the file is then unchanged.
func (s *Store) Load() (*Document, error) {
	doc, _, err := s.read()
	if err != nil {
		return nil, err
	}
	doc.Warnings = s.repairModes()
	return doc, nil
}

// UpdateOptions changes how UpdateWith treats the file.
type UpdateOptions struct {
	// ReplaceDamaged renames a damaged file to config.json.damaged-TIME and starts from an empty document. Only a sign-in
	// sets it: other commands must not discard a file that the user may repair.
	ReplaceDamaged bool
}

// Update changes the document. It takes the lock, reads the file, calls change and writes the result in one step. If change
// fails, nothing is written. Update may call change several times, each time with the current content of the file.
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
		doc, before, err := s.read()
		if file := (*FileError)(nil); errors.As(err, &file) && file.Problem == Damaged && options.ReplaceDamaged {
			doc, before, err = &Document{}, nil, s.moveAside()
		}
		if err != nil {
			return err
		}
		if err := change(doc); err != nil {
			return err
		}
		// The Node client writes without the lock. If it has, start again from what it wrote.
		err = s.replace(s.Path(), doc.encode(), func() bool {
			now, err := s.disk().Read(s.Path())
			return try == tries || bytes.Equal(now, before) && (err == nil || errors.Is(err, fs.ErrNotExist))
		})
		if !errors.Is(err, errChanged) {
			return err
		}
	}
}

// CheckWritable writes a file of the document's size and removes it, to find out whether a following Update can succeed. A
// refresh calls it before it spends the refresh token.
func (s *Store) CheckWritable() error {
	if err := s.makeDir(); err != nil {
		return err
	}
	size := int64(4096)
	if info, err := os.Stat(s.Path()); err == nil {
		size += info.Size()
	}
	target, err := s.target(s.Path())
	if err != nil {
		return err
	}
	temp, err := s.disk().WriteTemp(target, make([]byte, size))
	if err != nil {
		return unwritable(target, err)
	}
	_ = s.disk().Remove(temp) // a parallel Update may have removed it as stale
	return nil
}

// read returns the document and the bytes it was parsed from, nil if there is no file.
func (s *Store) read() (doc *Document, raw []byte, err error) {
	if s.Dir == "" {
		return &Document{}, nil, nil
	}
	// The Node client truncates the file and then writes it, so a damaged file may be half written. On a busy machine the
	// write can take a while.
	const tries, longTries = 5, 20
	try := 0
	policy := retry.Policy{
		Backoff:  retry.Backoff{Base: 10 * time.Millisecond, Max: 130 * time.Millisecond},
		Attempts: longTries,
		Retryable: func(err error) (time.Duration, bool) {
			var file *FileError
			isDamaged := errors.As(err, &file) && file.Problem == Damaged
			return 0, isDamaged && (try < tries || isJustWritten(s.Path()))
		},
		Sleep: func(_ context.Context, d time.Duration) error {
			s.disk().Sleep(d)
			return nil
		},
	}
	err = policy.Do(context.Background(), func() (err error) {
		try++
		doc, raw, err = s.readOnce()
		return err
	})
	return doc, raw, err
}

func (s *Store) readOnce() (*Document, []byte, error) {
	raw, err := s.disk().Read(s.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return &Document{}, nil, s.checkMissing()
	}
	if err != nil {
		return nil, nil, s.describe(err)
	}
	doc, problem, detail := parseDocument(raw)
	if problem != 0 {
		return nil, nil, &FileError{Path: s.Path(), Problem: problem, Detail: detail}
	}
	return doc, raw, nil
}

func isJustWritten(path string) bool {
	info, err := os.Stat(path)
	return err == nil && time.Since(info.ModTime()).Abs() < 2*time.Second
}

// checkMissing distinguishes a missing file from a symbolic link to a missing file, which is an error.
func (s *Store) checkMissing() error {
	for _, path := range []string{s.Dir, s.Path()} {
		if _, err := os.Lstat(path); err == nil {
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				return &FileError{Path: path, Problem: DanglingLink, Err: err}
			}
		}
	}
	return nil
}

// describe converts an error of a read to a *FileError.
func (s *Store) describe(err error) error {
	if info, statErr := os.Stat(s.Dir); statErr == nil && !info.IsDir() {
		return &FileError{Path: s.Dir, Problem: NotAFolder, Err: err}
	}
	switch {
	case errors.Is(err, disk.ErrNotRegular):
		return &FileError{Path: s.Path(), Problem: NotAFile}
	case errors.Is(err, disk.ErrTooLarge):
		return &FileError{Path: s.Path(), Problem: Damaged, Detail: err.Error()}
	default:
		return &FileError{Path: s.Path(), Problem: Unreadable, Err: cause(err)}
	}
}

// moveAside renames the damaged document, to a name that no file has.
func (s *Store) moveAside() error {
	target, err := s.target(s.Path())
	if err != nil {
		return err
	}
	stamp := target + ".damaged-" + s.now().UTC().Format("20060102T150405Z")
	aside := stamp
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s-%d", stamp, n)
	}
	if err := s.disk().Rename(target, aside); err != nil {
		return unwritable(target, err)
	}
	return nil
}

// repairModes makes the document and the folder private, and returns warnings for the user.
func (s *Store) repairModes() []string {
	if s.Dir == "" {
		return nil
	}
	var warnings []string
	for _, path := range []string{s.Path(), s.Dir} {
		switch wasExposed, err := disk.MakePrivate(path); {
		case err != nil:
			warnings = append(warnings, path+" can be read by other users of this machine, and its permissions could not be changed")
		case wasExposed && path != s.Dir:
			warnings = append(warnings, path+" could be read by other users of this machine; it is private now")
		}
	}
	return warnings
}

func (s *Store) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
