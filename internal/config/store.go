package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	documentName = "config.json"
	maxDocument  = 4 << 20 // bytes; a config is a few kilobytes
)

// Store is the folder everything is kept in. An empty Dir means that there is no home folder: reading finds nothing,
// writing fails with NoHomeError.
type Store struct {
	Dir      string
	LockWait time.Duration    // how long to wait for a lock; 0 means 10 s
	Now      func() time.Time // nil means time.Now
	Disk     Disk             // nil means the operating system's

	keyring keyringClient
	crash   func(step string) error // set by tests to fail between the steps of a write
}

// Home is this user's home folder, or "".
func Home(getenv func(string) string) string {
	if runtime.GOOS == "windows" {
		return getenv("USERPROFILE")
	}
	return getenv("HOME")
}

// DefaultDir is LAMINA_CONFIG_DIR, else .lamina in the home folder, else "".
func DefaultDir(getenv func(string) string) string {
	home := Home(getenv)
	dir := getenv("LAMINA_CONFIG_DIR")
	switch rest, tilde := strings.CutPrefix(dir, "~"); {
	case tilde && home != "" && (rest == "" || os.IsPathSeparator(rest[0])):
		dir = filepath.Join(home, rest) // a literal ~ arrives where no shell expanded it
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

// Path is where the document is.
func (s *Store) Path() string { return filepath.Join(s.Dir, documentName) }

// Load reads the document. A missing file is an empty document. It makes a file private that others could read, and
// says so in Warnings. What it cannot read is left as it is and described by a *FileError.
func (s *Store) Load() (*Document, error) {
	doc, _, err := s.read()
	if err != nil {
		return nil, err
	}
	doc.Warnings = s.repairModes()
	return doc, nil
}

// UpdateOptions changes how Update treats what it finds.
type UpdateOptions struct {
	// ReplaceDamaged moves a damaged file aside, to config.json.damaged-TIME, and starts from an empty document. For
	// signing in; everything else must not forget a file that a person may repair.
	ReplaceDamaged bool
}

// Update changes the document: it takes the lock, reads again, calls change and writes, all or nothing. When change
// fails, nothing is written. change may be called more than once, each time with what the file holds then.
//
// Errors: *BusyError, *FileError, *NoHomeError, or what change or ctx returned.
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
		// The Node client writes without our lock: then start again from what it wrote.
		err = s.replace(s.Path(), doc.encode(), func() bool {
			now, err := s.disk().Read(s.Path())
			return try == tries || bytes.Equal(now, before) && (err == nil || errors.Is(err, fs.ErrNotExist))
		})
		if !errors.Is(err, errChangedMeanwhile) {
			return err
		}
	}
}

// CheckWritable makes sure, as far as possible, that a following Update can be stored: it writes a file of the
// document's size and removes it again. The refresh asks before it spends a refresh token.
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
		return err
	}
	_ = s.disk().Remove(temp) // an Update beside us may have swept it up already
	return nil
}

// read returns the document and the bytes it was parsed from, nil when there is no file.
func (s *Store) read() (*Document, []byte, error) {
	if s.Dir == "" {
		return &Document{}, nil, nil
	}
	// The Node client truncates the file and then writes it: what looks damaged may be half-way. That takes it an
	// instant, but on a busy machine an instant is long.
	for delay := 10 * time.Millisecond; ; delay += 10 * time.Millisecond {
		raw, err := s.disk().Read(s.Path())
		if errors.Is(err, fs.ErrNotExist) {
			return &Document{}, nil, s.checkMissing()
		}
		if err != nil {
			return nil, nil, s.describe(err)
		}
		doc, problem, detail := parseDocument(raw)
		if problem == 0 {
			return doc, raw, nil
		}
		if problem == NewerVersion || delay > 40*time.Millisecond && (delay > 130*time.Millisecond || !justWritten(s.Path())) {
			return nil, nil, &FileError{Path: s.Path(), Problem: problem, Detail: detail}
		}
		s.Pause(delay)
	}
}

func justWritten(path string) bool {
	info, err := os.Stat(path)
	return err == nil && time.Since(info.ModTime()).Abs() < 2*time.Second
}

var (
	errNotRegular = errors.New("not a regular file")
	errTooLarge   = fmt.Errorf("larger than %d bytes", maxDocument)
)

// readFile reads a regular file of bounded size. It looks before it opens, because opening a named pipe would hang.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err == nil && len(raw) > maxDocument {
		return nil, errTooLarge
	}
	return raw, err
}

// checkMissing tells a file that is not there from one that cannot be.
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

func (s *Store) describe(err error) error {
	if info, statErr := os.Stat(s.Dir); statErr == nil && !info.IsDir() {
		return &FileError{Path: s.Dir, Problem: NotAFolder, Err: err}
	}
	switch {
	case errors.Is(err, errNotRegular):
		return &FileError{Path: s.Path(), Problem: NotAFile}
	case errors.Is(err, errTooLarge):
		return &FileError{Path: s.Path(), Problem: Damaged, Detail: err.Error()}
	default:
		return &FileError{Path: s.Path(), Problem: Unreadable, Err: cause(err)}
	}
}

// moveAside renames the damaged document, never over another file.
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
	if err := rename(target, aside); err != nil {
		return &FileError{Path: target, Problem: Unwritable, Err: cause(err)}
	}
	return nil
}

// repairModes makes what others could read private, and tells about it.
func (s *Store) repairModes() []string {
	if s.Dir == "" {
		return nil
	}
	var warnings []string
	for _, path := range []string{s.Path(), s.Dir} {
		switch open, err := makePrivate(path); {
		case err != nil:
			warnings = append(warnings, fmt.Sprintf("%s can be read by other users of this machine, and that could not be changed", path))
		case open && path != s.Dir:
			warnings = append(warnings, fmt.Sprintf("%s could be read by other users of this machine; it is private now", path))
		}
	}
	return warnings
}

// Pause lets time pass for other processes.
func (s *Store) Pause(d time.Duration) { s.disk().Sleep(d) }

func (s *Store) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// cause strips the operation and path that *fs.PathError repeats.
func cause(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) {
		return l.Err
	}
	return err
}
