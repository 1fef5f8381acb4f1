package config

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/uselamina/lamina/internal/config/internal/disk"
	"github.com/uselamina/lamina/internal/retry"
)

// The names of the two files of the document.
const (
	documentName = "config.json"   // shared with the Node client
	profilesName = "profiles.json" // ours
)

// Store is the folder of the configuration. If Dir is empty, because there is no home folder, Load and Update fail with
// *NoHomeError.
type Store struct {
	Dir      string
	LockWait time.Duration    // how long Lock waits; 0 means 10 s
	Now      func() time.Time // nil means time.Now

	testSeam
	keyring  keyringClient
	unstored sync.Map // files that WriteCache could not store, by name
}

// testSeam is embedded so that package configtest can set its field Disk, which this package's documentation does not show.
type testSeam = disk.Seam

func (s *Store) disk() disk.Disk {
	if s.Disk == nil {
		return disk.System{}
	}
	return s.Disk
}

// Home returns the home folder of this user, and "" if there is none. A relative path is none: secrets would be stored in the
// working folder.
func Home(getenv func(string) string) string {
	if home := getenv(homeVariable()); filepath.IsAbs(home) {
		return home
	}
	return ""
}

func homeVariable() string {
	if runtime.GOOS == "windows" {
		return "USERPROFILE"
	}
	return "HOME"
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

// Path returns the path of config.json.
func (s *Store) Path() string { return filepath.Join(s.Dir, documentName) }

// ProfilesPath returns the path of profiles.json.
func (s *Store) ProfilesPath() string { return filepath.Join(s.Dir, profilesName) }

// PathOf returns the path of the file that has the secrets of a profile.
func (s *Store) PathOf(p Profile) string {
	if orDefault(p.Name) == DefaultProfile && isShared(p.Credential, p.Encryption) {
		return s.Path()
	}
	return s.ProfilesPath()
}

// Load reads the document. A missing file is an empty one. If other users could read a file or change the folder, Load makes it
// private and adds a warning to the document. Errors: *FileError, the files are then unchanged; *NoHomeError.
func (s *Store) Load() (*Document, error) {
	wasShared := s.Dir != "" && disk.IsWritableByOthers(s.Dir)
	doc, _, err := s.read()
	if err != nil {
		return nil, err
	}
	doc.Warnings = s.repairModes()
	if wasShared {
		doc.Warnings = append(doc.Warnings, s.Dir+" could be changed by other users of this machine; it is private now")
	}
	return doc, nil
}

// CheckWritable finds out whether a following Update of a profile can succeed: it checks the lock, writes a file of the size of
// each file and removes it, and tries to open the file itself for writing. A refresh calls it before it spends the refresh token, and a
// sign-in before the user approves it.
func (s *Store) CheckWritable(profile string) error {
	if err := s.makeDir(); err != nil {
		return err
	}
	lock := filepath.Join(s.Dir, documentLock.file)
	if err := disk.CheckLock(lock); err != nil {
		return unwritable(lock, err)
	}
	paths := []string{s.ProfilesPath()}
	if orDefault(profile) == DefaultProfile {
		paths = append(paths, s.Path())
	}
	for _, path := range paths {
		if err := s.checkWritable(path); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) checkWritable(path string) error {
	size := int64(4096)
	if info, err := os.Stat(path); err == nil {
		size += info.Size()
	}
	target, err := s.target(path)
	if err != nil {
		return err
	}
	temp, err := s.disk().WriteTemp(target, make([]byte, size))
	if err != nil {
		return unwritable(target, err)
	}
	if err := s.disk().Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) { // a parallel Update may have removed it as stale
		return unwritable(target, err)
	}
	if err := s.disk().CheckReplace(target); err != nil {
		return unwritable(target, err)
	}
	return nil
}

// LoadWithoutDamaged is Load, but a damaged file is like a missing one. A sign-in uses it, which then replaces the file.
func (s *Store) LoadWithoutDamaged() (*Document, error) {
	doc, _, err := s.readWithoutDamaged(func(string) error { return nil })
	return doc, err
}

// read returns the document and the bytes it was parsed from. The files that are known to be damaged have no fields.
func (s *Store) read(damaged ...string) (doc *Document, files contents, err error) {
	if s.Dir == "" {
		return nil, files, &NoHomeError{}
	}
	_, _ = disk.MakePrivate(s.Dir) // Load warns if this fails
	if err := s.checkUnshared(s.Dir); err != nil {
		return nil, files, err
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
			return 0, isDamaged && (try < tries || isJustWritten(file.Path))
		},
		Sleep: func(_ context.Context, d time.Duration) error {
			s.disk().Sleep(d)
			return nil
		},
	}
	err = policy.Do(context.Background(), func() (err error) {
		try++
		doc, files, err = s.readBoth(damaged)
		return err
	})
	return doc, files, err
}

// contents are the bytes of the two files, nil for a missing one.
type contents struct{ config, profiles []byte }

// readBoth reads profiles.json before config.json. If they disagree, either another program has written config.json, or a
// write happened between the two reads; then profiles.json has changed, and readBoth starts again.
func (s *Store) readBoth(damaged []string) (*Document, contents, error) {
	own, profiles, err := s.readFields(s.ProfilesPath(), damaged)
	for err == nil {
		var shared object
		var config []byte
		if shared, config, err = s.readFields(s.Path(), damaged); err != nil {
			break
		}
		doc := newDocument(shared, own)
		if !doc.disagrees {
			return doc, contents{config, profiles}, nil
		}
		before := profiles
		if own, profiles, err = s.readFields(s.ProfilesPath(), damaged); err == nil && bytes.Equal(before, profiles) {
			return doc, contents{config, profiles}, nil
		}
	}
	return nil, contents{}, err
}

// readFields reads one of the two files. A missing one has no fields, nor has one that is known to be damaged.
func (s *Store) readFields(path string, damaged []string) (object, []byte, error) {
	raw, err := s.disk().Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, s.checkMissing(path)
	}
	var fields object
	if err == nil {
		fields, err = s.parse(path, raw)
	} else {
		err = s.describe(path, err)
	}
	if file := (*FileError)(nil); slices.Contains(damaged, path) && errors.As(err, &file) && file.Problem == Damaged {
		return nil, append([]byte{}, raw...), nil
	}
	return fields, raw, err
}

func (s *Store) parse(path string, raw []byte) (object, error) {
	fields, problem, detail := parseFields(raw)
	if problem == Damaged {
		if found, ok := s.readUnfinished(path); ok {
			return found, nil
		}
	}
	if problem != 0 {
		return nil, &FileError{Path: path, Problem: problem, Detail: detail}
	}
	return fields, nil
}

// readUnfinished reads what a write in place was about to write when the process died.
func (s *Store) readUnfinished(path string) (object, bool) {
	target, err := s.target(path)
	if err != nil {
		return nil, false
	}
	raw, err := s.disk().Read(target + unfinished)
	if err != nil {
		return nil, false
	}
	fields, problem, _ := parseFields(raw)
	return fields, problem == 0
}

func isJustWritten(path string) bool {
	info, err := os.Stat(path)
	return err == nil && time.Since(info.ModTime()).Abs() < 2*time.Second
}

// checkMissing distinguishes a missing file from a symbolic link to a missing file, which is an error.
func (s *Store) checkMissing(path string) error {
	for _, path := range []string{s.Dir, path} {
		if _, err := os.Lstat(path); err == nil {
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				return &FileError{Path: path, Problem: DanglingLink, Err: err}
			}
		}
	}
	return nil
}

// describe converts an error of a read to a *FileError.
func (s *Store) describe(path string, err error) error {
	if foreign := (*disk.TrustError)(nil); errors.As(err, &foreign) {
		return untrusted(foreign)
	}
	if info, statErr := os.Stat(s.Dir); statErr == nil && !info.IsDir() {
		return &FileError{Path: s.Dir, Problem: NotAFolder, Err: err}
	}
	switch {
	case errors.Is(err, disk.ErrNotRegular):
		return &FileError{Path: path, Problem: NotAFile}
	case errors.Is(err, syscall.ELOOP):
		return &FileError{Path: path, Problem: LinkLoop, Err: err}
	case errors.Is(err, disk.ErrTooLarge):
		return &FileError{Path: path, Problem: Damaged, Detail: err.Error()}
	default:
		return &FileError{Path: path, Problem: Unreadable, Err: cause(err)}
	}
}

// repairModes makes the files of the document and the folder private, and returns warnings for the user.
func (s *Store) repairModes() []string {
	var warnings []string
	for _, path := range []string{s.Path(), s.ProfilesPath(), s.Dir} {
		could := "read"
		if disk.IsWritableByOthers(path) {
			could = "changed"
		}
		switch wasExposed, err := disk.MakePrivate(path); {
		case err != nil:
			warnings = append(warnings, path+" can be "+could+" by other users of this machine, and its permissions could not be changed")
		case wasExposed && path != s.Dir:
			warnings = append(warnings, path+" could be "+could+" by other users of this machine; it is private now")
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
