//go:build !windows

package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// stranger is a user who does not run the tests.
const stranger = 54321

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to another user")
	}
	if os.Getenv("SUDO_UID") != "" {
		t.Skip("the caller of sudo is trusted")
	}
}

func give(t *testing.T, path string, uid int) {
	t.Helper()
	if err := os.Lchown(path, uid, uid); err != nil {
		t.Fatal(err)
	}
}

// A file that another user owns is not believed, whatever it is, and is left as it is.
func TestFilesOfAnotherUser(t *testing.T) {
	needRoot(t)
	t.Parallel()
	load := func(s *Store) error { _, err := s.Load(); return err }
	tests := []struct {
		name string // of the file; "" is the folder
		use  func(t *testing.T, s *Store) error
	}{
		{"", func(_ *testing.T, s *Store) error { return load(s) }},
		{"", func(t *testing.T, s *Store) error { return s.Update(t.Context(), addKey("b")) }},
		{"", func(_ *testing.T, s *Store) error { _, err := s.ReadProvider("own"); return err }},
		{"config.json", func(_ *testing.T, s *Store) error { return load(s) }},
		{"config.json", func(_ *testing.T, s *Store) error { return s.CheckWritable("") }},
		{"profiles.json", func(_ *testing.T, s *Store) error { return load(s) }},
		{"login-pending.json", func(_ *testing.T, s *Store) error { _, err := s.ReadFile("login-pending.json"); return err }},
		{"providers", func(_ *testing.T, s *Store) error { _, err := s.ReadProvider("own"); return err }},
		{"providers/own.json", func(_ *testing.T, s *Store) error { _, err := s.ReadProvider("own"); return err }},
		{"config.lock", func(t *testing.T, s *Store) error { return s.Update(t.Context(), addKey("b")) }},
		{RefreshLock("").String(), func(t *testing.T, s *Store) error { _, err := s.Lock(t.Context(), RefreshLock("")); return err }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := storeWithEveryFile(t)
			path := filepath.Join(s.Dir, test.name)
			give(t, path, stranger)
			before, _ := os.Stat(path)
			err := test.use(t, s)
			wantProblem(t, err, Untrusted)
			if err != nil && (!strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "54321")) {
				t.Errorf("got %q, want the file and its owner", err)
			}
			after, err := os.Stat(path)
			if err != nil || after.Mode() != before.Mode() || after.Sys().(*syscall.Stat_t).Uid != stranger {
				t.Errorf("got mode %s, %v, want it unchanged", after.Mode(), err)
			}
		})
	}
}

// storeWithEveryFile returns a store with a file of each kind.
func storeWithEveryFile(t *testing.T) *Store {
	t.Helper()
	s := newStore(t)
	update(t, s, "a")
	update(t, s, DefaultProfile)
	if unlock, err := s.Lock(t.Context(), RefreshLock("")); err != nil {
		t.Fatal(err)
	} else {
		unlock()
	}
	err := errors.Join(
		s.WriteFile(t.Context(), "login-pending.json", []byte("{}")),
		os.Mkdir(s.ProvidersDir(), 0o700), os.WriteFile(filepath.Join(s.ProvidersDir(), "own.json"), []byte("{}"), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What other users can change is not believed, and what they can only read is made private.
func TestModesOfEveryFile(t *testing.T) {
	t.Parallel()
	s := storeWithEveryFile(t)
	pending := filepath.Join(s.Dir, "login-pending.json")
	lock := filepath.Join(s.Dir, RefreshLock("").String())
	profiles := s.ProfilesPath()
	for _, path := range []string{pending, lock, profiles, s.Path()} {
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := s.Lock(t.Context(), RefreshLock(""))
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	doc, err := s.Load()
	if err != nil || len(doc.Warnings) != 2 {
		t.Errorf("got warnings %v, %v, want one for each of two files", doc.Warnings, err)
	}
	if _, err := s.ReadFile("login-pending.json"); err != nil {
		t.Error(err)
	}
	for _, path := range []string{pending, lock, profiles, s.Path()} {
		wantMode(t, path, 0o600)
	}
	for _, path := range []string{filepath.Join(s.ProvidersDir(), "own.json"), s.ProvidersDir()} {
		if err := os.Chmod(path, 0o722); err != nil {
			t.Fatal(err)
		}
		_, err := s.ReadProvider("own")
		wantProblem(t, err, Untrusted)
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReadProvider("own"); err != nil {
			t.Errorf("%s that others can read: %v", path, err)
		}
	}
}

// A link of another user leads root to no file, and a lock that is a link changes nothing about its target.
func TestPlantedLinks(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"symbolic", "hard"} {
		s := newStore(t)
		update(t, s, "a")
		target := filepath.Join(t.TempDir(), "target")
		if err := os.WriteFile(target, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(s.Dir, RefreshLock("").String())
		link := map[string]func(string, string) error{"symbolic": os.Symlink, "hard": os.Link}[kind]
		if err := link(target, path); err != nil {
			t.Skip("no links here:", err)
		}
		_, err := s.Lock(t.Context(), RefreshLock(""))
		wantProblem(t, err, ForbiddenLink)
		wantMode(t, target, 0o644)
	}
}

func TestLinksOfAnotherUser(t *testing.T) {
	needRoot(t)
	for _, name := range []string{documentName, profilesName} {
		s := newStore(t)
		update(t, s, "a")
		target := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(target, []byte(`{"version":1}`), 0o644); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(s.Dir, name)
		_ = os.Remove(path)
		symlink(t, target, path)
		if _, err := s.Load(); err != nil {
			t.Errorf("a link of this user: %v", err)
		}
		_ = os.Chmod(target, 0o644)
		give(t, path, stranger)
		_, err := s.Load()
		wantProblem(t, err, Untrusted)
		wantMode(t, target, 0o644)
	}
}

// Under sudo, root uses the folder of the user who called it, gives that user what it creates, and follows that user's links
// only to that user's files.
func TestSudo(t *testing.T) {
	needRoot(t)
	t.Setenv("SUDO_UID", "54321")
	s := newStore(t)
	update(t, s, "a")
	give(t, s.Dir, stranger)
	give(t, s.ProfilesPath(), stranger)
	give(t, filepath.Join(s.Dir, documentLock.file), stranger)
	update(t, s, DefaultProfile)
	for _, path := range []string{s.Path(), s.ProfilesPath()} {
		if info, err := os.Stat(path); err != nil || info.Sys().(*syscall.Stat_t).Uid != stranger {
			t.Errorf("%s: got %v, %v, want the owner of the folder", path, info, err)
		}
	}
	target := filepath.Join(t.TempDir(), "of-root")
	if err := os.WriteFile(target, []byte(`{"version":1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(s.Path())
	symlink(t, target, s.Path())
	give(t, s.Path(), stranger)
	_, err := s.Load()
	wantProblem(t, err, Untrusted)
	give(t, target, stranger)
	if _, err = s.Load(); err != nil {
		t.Errorf("a link to a file of its owner: %v", err)
	}
}

// A damaged file behind a link is copied, and the link leads to the new content.
func TestDamagedBehindLink(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	target := filepath.Join(t.TempDir(), "config.json")
	if err := errors.Join(os.Mkdir(s.Dir, 0o700), os.WriteFile(target, []byte("{torn"), 0o600)); err != nil {
		t.Fatal(err)
	}
	symlink(t, target, s.Path())
	for range 2 {
		if err := s.UpdateWith(t.Context(), UpdateOptions{ReplaceDamaged: true}, addKey(DefaultProfile)); err != nil {
			t.Fatal(err)
		}
		wantProfiles(t, s, DefaultProfile)
	}
	if info, err := os.Lstat(s.Path()); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("got %v, %v, want a symbolic link", info, err)
	}
	found, _ := filepath.Glob(filepath.Join(s.Dir, "config.json.damaged-*"))
	if len(found) != 1 {
		t.Fatalf("got %v, want one copy of the damaged file", found)
	}
	if raw, _ := os.ReadFile(found[0]); string(raw) != "{torn" {
		t.Errorf("got %q, want the damaged content", raw)
	}
	wantMode(t, found[0], 0o600)
}

// What other users could have changed is said, and repaired.
func TestLoadWarnsOfWhatOthersCouldChange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode fs.FileMode
		want int // warnings
	}{{0o777, 1}, {0o775, 1}, {0o755, 0}} {
		s := newStore(t)
		update(t, s, "a")
		if err := os.Chmod(s.Dir, test.mode); err != nil {
			t.Fatal(err)
		}
		doc, err := s.Load()
		if err != nil {
			t.Fatal(err)
		}
		if len(doc.Warnings) != test.want || test.want == 1 && !strings.HasPrefix(doc.Warnings[0], s.Dir+" could be changed by other users") {
			t.Errorf("mode %s: got the warnings %q, want %d", test.mode, doc.Warnings, test.want)
		}
		if info, err := os.Stat(s.Dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("got %v, %v, want a private folder", info.Mode(), err)
		}
	}
}

// A lock that cannot be taken is found out before a sign-in is approved or a refresh token is spent.
func TestCheckWritableChecksTheLock(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"pipe": func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"link": func(path string) error { return os.Symlink("elsewhere", path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			update(t, s, "a")
			path := filepath.Join(s.Dir, documentLock.String())
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			want := map[string]Problem{"pipe": NotAFile, "link": ForbiddenLink}[name]
			wantProblem(t, s.CheckWritable(""), want)
			_, err := s.Lock(t.Context(), documentLock)
			wantProblem(t, err, want)
		})
	}
}
