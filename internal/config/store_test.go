package config

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestLoadMissingFile(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	wantProfiles(t, s)
	if _, err := os.Stat(s.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want no folder after Load", err)
	}
}

func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	t.Parallel()
	s := newStore(t)
	update(t, s, "a")
	wantMode(t, s.Dir, 0o700)
	wantMode(t, s.ProfilesPath(), 0o600)

	if err := errors.Join(os.Chmod(s.Dir, 0o755), os.Chmod(s.ProfilesPath(), 0o644)); err != nil {
		t.Fatal(err)
	}
	doc, err := s.Load()
	if err != nil || len(doc.Warnings) != 1 || !strings.Contains(doc.Warnings[0], "private now") {
		t.Errorf("got warnings %v, %v, want one about the file", doc.Warnings, err)
	}
	wantMode(t, s.Dir, 0o700)
	wantMode(t, s.ProfilesPath(), 0o600)
	if doc, _ = s.Load(); len(doc.Warnings) != 0 {
		t.Errorf("second Load: got warnings %v, want none", doc.Warnings)
	}

	_ = os.Chmod(s.Dir, 0o777)
	update(t, s, "b")
	wantMode(t, s.Dir, 0o700)
	wantMode(t, s.ProfilesPath(), 0o600)
}

func TestUmask(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no umask")
	}
	t.Parallel()
	for _, mask := range []string{"000", "777"} {
		t.Run(mask, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), ".lamina")
			cmd := exec.Command("sh", "-c", "umask "+mask+` && exec "$0"`, os.Args[0])
			cmd.Env = append(os.Environ(), "CONFIG_TEST_JOB=m", "CONFIG_TEST_DIR="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			wantMode(t, dir, 0o700)
			wantMode(t, filepath.Join(dir, profilesName), 0o600)
			wantMode(t, filepath.Join(dir, documentLock.file), 0o600)
		})
	}
}

// A sticky folder is shared on purpose, so its permissions stay.
func TestSharedFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	t.Parallel()
	s := &Store{Dir: t.TempDir()}
	if err := os.Chmod(s.Dir, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	update(t, s, "a")
	wantMode(t, s.Dir, 0o777)
	wantMode(t, s.ProfilesPath(), 0o600)
}

func TestProblems(t *testing.T) {
	t.Parallel()
	content := func(text string) func(*testing.T, *Store) {
		return func(t *testing.T, s *Store) { write(t, s, text) }
	}
	tests := []struct {
		name    string
		prepare func(*testing.T, *Store)
		want    Problem
	}{
		{"torn", content(`{"version":1,"credentials":{"kind":"oa`), Damaged},
		{"empty", content(""), Damaged},
		{"array", content("[1]"), Damaged},
		{"too large", content(strings.Repeat(" ", 5<<20)), Damaged},
		{"newer version", content(`{"version":2}`), NewerVersion},
		{"folder", func(_ *testing.T, s *Store) { _ = os.MkdirAll(s.Path(), 0o700) }, NotAFile},
		{"dangling link", func(t *testing.T, s *Store) {
			_ = os.MkdirAll(s.Dir, 0o700)
			symlink(t, filepath.Join(s.Dir, "gone"), s.Path())
		}, DanglingLink},
		{"dangling link to the folder", func(t *testing.T, s *Store) { symlink(t, s.Dir+"-gone", s.Dir) }, DanglingLink},
		{"file in place of the folder", func(_ *testing.T, s *Store) { _ = os.WriteFile(s.Dir, nil, 0o600) }, NotAFolder},
		{"link to itself", func(t *testing.T, s *Store) {
			_ = os.MkdirAll(s.Dir, 0o700)
			symlink(t, s.Path(), s.Path())
		}, LinkLoop},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			test.prepare(t, s)
			before, _ := os.ReadFile(s.Path())
			_, err := s.Load()
			wantProblem(t, err, test.want)
			wantProblem(t, s.Update(t.Context(), addKey("a")), test.want)
			if after, _ := os.ReadFile(s.Path()); string(after) != string(before) {
				t.Errorf("got content %q, want %q", after, before)
			}
		})
	}
}

func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("this user can read every file")
	}
	t.Parallel()
	s := newStore(t)
	write(t, s, `{"version":1}`)
	_ = os.Chmod(s.Path(), 0)
	_, err := s.Load()
	wantProblem(t, err, Unreadable)
	_ = os.Chmod(s.Dir, 0o500)
	wantProblem(t, s.Update(t.Context(), addKey("a")), Unwritable)
	_ = os.Chmod(s.Dir, 0o700)
}

// The Node client truncates the file and then writes it. A read in between is repeated.
func TestTornFileIsReadAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	write(t, s, "")
	time.AfterFunc(20*time.Millisecond, func() { _ = os.WriteFile(s.Path(), []byte(nodeDocument), 0o600) })
	wantProfiles(t, s, "default", "studio")
}

func TestReplaceDamaged(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.Now = func() time.Time { return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) }
	for _, text := range []string{"{torn", "{torn again"} {
		write(t, s, text)
		if err := s.UpdateWith(t.Context(), UpdateOptions{ReplaceDamaged: true}, addKey("a")); err != nil {
			t.Fatal(err)
		}
	}
	wantFiles(t, s.Dir, "config.json", "config.json.damaged-20261121T080000Z", "config.json.damaged-20261121T080000Z-2", "profiles.json")
	if got, _ := os.ReadFile(s.Path() + ".damaged-20261121T080000Z-2"); string(got) != "{torn again" {
		t.Errorf("got %q in the second damaged file, want {torn again", got)
	}
	wantProfiles(t, s, "a")
	write(t, s, `{"version":2}`)
	wantProblem(t, s.UpdateWith(t.Context(), UpdateOptions{ReplaceDamaged: true}, addKey("a")), NewerVersion)
}

func TestNoHome(t *testing.T) {
	t.Parallel()
	s := &Store{Dir: DefaultDir(func(string) string { return "" })}
	var none *NoHomeError
	if _, err := s.Load(); !errors.As(err, &none) {
		t.Errorf("Load: got %v, want a *NoHomeError", err)
	}
	if err := s.Update(t.Context(), addKey("a")); !errors.As(err, &none) {
		t.Errorf("got %v, want a *NoHomeError", err)
	}
}

func TestDefaultDir(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("other paths")
	}
	t.Parallel()
	tests := []struct{ name, home, dir, want string }{
		{"default", "/home/sam", "", "/home/sam/.lamina"},
		{"variable", "/home/sam", "/etc/lamina", "/etc/lamina"},
		{"tilde and folder", "/home/sam", "~/l", "/home/sam/l"},
		{"tilde", "/home/sam", "~", "/home/sam"},
		{"no home", "", "/x/", "/x"},
		{"relative home", "sam", "", ""},
		{"nothing", "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			variables := map[string]string{"HOME": test.home, "LAMINA_CONFIG_DIR": test.dir}
			if got := DefaultDir(func(name string) string { return variables[name] }); got != test.want {
				t.Errorf("DefaultDir with %v = %q, want %q", variables, got, test.want)
			}
		})
	}
}

// An error describes what happened. The caller composes the command that helps.
func TestErrorsContainNoCommand(t *testing.T) {
	t.Parallel()
	const path = "/home/sam/config.json"
	errs := []error{&NoHomeError{}, &BusyError{Path: path}, &ProjectError{Path: path, Detail: "d"}}
	for p := Damaged; p <= Untrusted; p++ {
		errs = append(errs, &FileError{Path: path, Problem: p, Detail: "d", Err: fs.ErrPermission})
	}
	for p := KeyringFailed; p <= KeyringMismatch; p++ {
		errs = append(errs, &KeyringError{Problem: p, Err: fs.ErrPermission})
	}
	for _, err := range errs {
		if got := err.Error(); strings.Contains(got, "lamina login") || strings.Contains(got, "LAMINA_") || strings.ContainsAny(got, "`\n") {
			t.Errorf("%T: got %q, want no command and no variable", err, got)
		}
		if file := (*FileError)(nil); errors.As(err, &file) && !strings.HasPrefix(err.Error(), path) {
			t.Errorf("got %q, want the path first", err)
		}
	}
}
