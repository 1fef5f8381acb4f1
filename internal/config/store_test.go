package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// The test binary runs itself again as a second lamina process; see runChild.
func TestMain(m *testing.M) {
	if job := os.Getenv("CONFIG_TEST_JOB"); job != "" {
		runChild(job)
	}
	os.Exit(m.Run())
}

func runChild(job string) {
	store := &Store{Dir: os.Getenv("CONFIG_TEST_DIR")}
	prefix, crash, _ := strings.Cut(job, "@")
	if crash != "" {
		store.Disk = newStepDisk(func(step string) error {
			if step == crash {
				os.Exit(7) // like a kill: no deferred function runs
			}
			return nil
		})
	}
	for i := range 10 {
		if err := store.Update(context.Background(), addKey(fmt.Sprintf("%s-%d", prefix, i))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(0)
}

func child(t *testing.T, dir, job string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CONFIG_TEST_JOB="+job, "CONFIG_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func addKey(name string) func(*Document) error {
	return func(d *Document) error {
		d.SetProfile(Profile{Name: name, Credential: Credential{Kind: APIKey, Token: Secret("key-" + name)}})
		return nil
	}
}

func newStore(t *testing.T) *Store {
	t.Helper()
	return &Store{Dir: filepath.Join(t.TempDir(), ".lamina")}
}

func write(t *testing.T, s *Store, text string) {
	t.Helper()
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Path(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func update(t *testing.T, s *Store, name string) {
	t.Helper()
	if err := s.Update(t.Context(), addKey(name)); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, s *Store) []string {
	t.Helper()
	doc, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	return doc.ProfileNames()
}

func problem(err error) Problem {
	var file *FileError
	if errors.As(err, &file) {
		return file.Problem
	}
	return 0
}

func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".lock" {
			got = append(got, e.Name())
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
}

func TestMissingIsEmpty(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if got := names(t, s); len(got) != 0 {
		t.Errorf("profiles %v out of nothing", got)
	}
	if _, err := os.Stat(s.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("reading made the folder")
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	t.Parallel()
	s := newStore(t)
	update(t, s, "a")
	mode(t, s.Dir, 0o700)
	mode(t, s.Path(), 0o600)

	if err := errors.Join(os.Chmod(s.Dir, 0o755), os.Chmod(s.Path(), 0o644)); err != nil {
		t.Fatal(err)
	}
	doc, err := s.Load()
	if err != nil || len(doc.Warnings) != 1 || !strings.Contains(doc.Warnings[0], "private now") {
		t.Errorf("warnings %v, error %v", doc.Warnings, err)
	}
	mode(t, s.Dir, 0o700)
	mode(t, s.Path(), 0o600)
	if doc, _ = s.Load(); len(doc.Warnings) != 0 {
		t.Errorf("still warns: %v", doc.Warnings)
	}

	_ = os.Chmod(s.Dir, 0o777)
	update(t, s, "b")
	mode(t, s.Dir, 0o700)
	mode(t, s.Path(), 0o600)
}

func TestUmaskTakesNothingAway(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no umask")
	}
	t.Parallel()
	for _, mask := range []string{"000", "777"} {
		dir := filepath.Join(t.TempDir(), ".lamina")
		cmd := exec.Command("sh", "-c", "umask "+mask+` && exec "$0"`, os.Args[0])
		cmd.Env = append(os.Environ(), "CONFIG_TEST_JOB=m", "CONFIG_TEST_DIR="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("umask %s: %v\n%s", mask, err, out)
		}
		mode(t, dir, 0o700)
		mode(t, filepath.Join(dir, documentName), 0o600)
		mode(t, filepath.Join(dir, documentLock.file), 0o600)
	}
}

func mode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != want {
		t.Errorf("%s has mode %o, want %o", filepath.Base(path), info.Mode().Perm(), want)
	}
}

func TestSharedFolderIsLeftAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	t.Parallel()
	s := &Store{Dir: t.TempDir()}
	if err := os.Chmod(s.Dir, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	update(t, s, "a")
	mode(t, s.Dir, 0o777)
	mode(t, s.Path(), 0o600)
}

func TestLoadProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(*testing.T, *Store)
		want    Problem
	}{
		"torn":   {func(t *testing.T, s *Store) { write(t, s, `{"version":1,"credentials":{"kind":"oa`) }, Damaged},
		"empty":  {func(t *testing.T, s *Store) { write(t, s, "") }, Damaged},
		"array":  {func(t *testing.T, s *Store) { write(t, s, "[1]") }, Damaged},
		"huge":   {func(t *testing.T, s *Store) { write(t, s, strings.Repeat(" ", 5<<20)) }, Damaged},
		"newer":  {func(t *testing.T, s *Store) { write(t, s, `{"version":2}`) }, NewerVersion},
		"folder": {func(_ *testing.T, s *Store) { _ = os.MkdirAll(s.Path(), 0o700) }, NotAFile},
		"dangling link": {func(t *testing.T, s *Store) {
			_ = os.MkdirAll(s.Dir, 0o700)
			symlink(t, filepath.Join(s.Dir, "gone"), s.Path())
		}, DanglingLink},
		"dangling folder":  {func(t *testing.T, s *Store) { symlink(t, s.Dir+"-gone", s.Dir) }, DanglingLink},
		"folder is a file": {func(_ *testing.T, s *Store) { _ = os.WriteFile(s.Dir, nil, 0o600) }, NotAFolder},
		"link to itself": {func(t *testing.T, s *Store) {
			_ = os.MkdirAll(s.Dir, 0o700)
			symlink(t, s.Path(), s.Path())
		}, Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			c.prepare(t, s)
			before, _ := os.ReadFile(s.Path())
			for what, err := range map[string]error{"Load": loadError(s), "Update": s.Update(t.Context(), addKey("a"))} {
				if problem(err) != c.want {
					t.Errorf("%s: problem %d, want %d (%v)", what, problem(err), c.want, err)
				}
			}
			if after, _ := os.ReadFile(s.Path()); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func loadError(s *Store) error {
	_, err := s.Load()
	return err
}

func symlink(t *testing.T, target, link string) {
	t.Helper()
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
}

func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("nothing is unreadable to this user")
	}
	t.Parallel()
	s := newStore(t)
	write(t, s, `{"version":1}`)
	_ = os.Chmod(s.Path(), 0)
	if err := loadError(s); problem(err) != Unreadable {
		t.Error(err)
	}
	_ = os.Chmod(s.Dir, 0o500)
	if err := s.Update(t.Context(), addKey("a")); problem(err) != Unwritable {
		t.Error(err)
	}
	_ = os.Chmod(s.Dir, 0o700)
}

// The Node client truncates the file and then writes: a reader in between must wait, not fail.
func TestTornWriteIsReadAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	write(t, s, "")
	time.AfterFunc(20*time.Millisecond, func() { _ = os.WriteFile(s.Path(), []byte(nodeDocument), 0o600) })
	if got := names(t, s); len(got) != 2 {
		t.Errorf("profiles %v", got)
	}
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
	onlyFiles(t, s.Dir, "config.json", "config.json.damaged-20261121T080000Z", "config.json.damaged-20261121T080000Z-2")
	if kept, _ := os.ReadFile(s.Path() + ".damaged-20261121T080000Z-2"); string(kept) != "{torn again" {
		t.Errorf("kept %q", kept)
	}
	if got := names(t, s); len(got) != 1 {
		t.Errorf("profiles %v", got)
	}
	write(t, s, `{"version":2}`)
	if err := s.UpdateWith(t.Context(), UpdateOptions{ReplaceDamaged: true}, addKey("a")); problem(err) != NewerVersion {
		t.Errorf("a newer document is not damaged: %v", err)
	}
}

func TestSymlinkIsFollowed(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	dotfiles := t.TempDir()
	write(t, s, "")
	_ = os.Remove(s.Path())
	symlink(t, filepath.Join(dotfiles, "lamina.json"), s.Path())
	if err := os.WriteFile(filepath.Join(dotfiles, "lamina.json"), []byte(nodeDocument), 0o644); err != nil {
		t.Fatal(err)
	}
	update(t, s, "a")
	if info, err := os.Lstat(s.Path()); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
	if raw, _ := os.ReadFile(filepath.Join(dotfiles, "lamina.json")); !strings.Contains(string(raw), "key-a") {
		t.Error("the target was not written")
	}
	onlyFiles(t, dotfiles, "lamina.json")
}

func TestChangeFails(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	update(t, s, "a")
	boom := errors.New("boom")
	if err := s.Update(t.Context(), func(d *Document) error { d.RemoveProfile("a"); return boom }); !errors.Is(err, boom) {
		t.Error(err)
	}
	if got := names(t, s); len(got) != 1 {
		t.Errorf("written anyway: %v", got)
	}
}

// The disk is full, or the process dies, at every step: the old content or the new, never something else.
func TestFailureAtEveryStep(t *testing.T) {
	t.Parallel()
	for step, written := range map[string]bool{halfWritten: false, beforeRename: false, afterRename: true} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			update(t, s, "old")
			full := errors.New("no space left on device")
			s.Disk = newStepDisk(failAt(step, full))
			if err := s.Update(t.Context(), addKey("new")); !errors.Is(err, full) {
				t.Errorf("the failure is hidden: %v", err)
			}
			if got := len(names(t, s)) == 2; got != written {
				t.Errorf("written: %v, want %v", got, written)
			}
			onlyFiles(t, s.Dir, "config.json")
		})
		t.Run(step+", killed", func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			update(t, s, "old")
			var exit *exec.ExitError
			if err := child(t, s.Dir, "new@"+step).Run(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
				t.Fatalf("the child did not die at the step: %v", err)
			}
			if got := len(names(t, s)) == 2; got != written {
				t.Errorf("written: %v, want %v", got, written)
			}
			update(t, s, "next") // the lock is free, and the remains are swept up
			onlyFiles(t, s.Dir, "config.json")
		})
	}
}

func TestParallelUpdatesLoseNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := s.Update(t.Context(), addKey(fmt.Sprintf("goroutine-%d", i))); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range 3 {
		all.Go(func() {
			if err := child(t, s.Dir, fmt.Sprintf("process-%d", i)).Run(); err != nil {
				t.Error(err)
			}
		})
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := s.Load(); err != nil {
					t.Errorf("a reader saw: %v", err)
					return
				}
			}
		}
	})
	all.Wait()
	close(stop)
	reader.Wait()
	if got := names(t, s); len(got) != 20+3*10 {
		t.Errorf("%d profiles are left: %v", len(got), got)
	}
	onlyFiles(t, s.Dir, "config.json")
}

// The Node client writes without a lock, between our reading and our rename.
func TestUnlockedWriteMeanwhileIsKept(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	update(t, s, "a")
	calls := 0
	err := s.Update(t.Context(), func(d *Document) error {
		if calls++; calls == 1 {
			write(t, s, nodeDocument)
		}
		return addKey("b")(d)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, s); fmt.Sprint(got) != "[default b studio]" || calls != 2 {
		t.Errorf("profiles %v after %d calls", got, calls)
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.LockWait = 30 * time.Millisecond
	unlock, err := s.Lock(t.Context(), documentLock)
	if err != nil {
		t.Fatal(err)
	}
	var busy *BusyError
	if err := s.Update(t.Context(), addKey("a")); !errors.As(err, &busy) || !busy.Retryable() {
		t.Errorf("got %v", err)
	}
	s.LockWait = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Update(ctx, addKey("a")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cancelled wait gives %v", err)
	}
	if other, err := s.Lock(t.Context(), RefreshLock("../../etc/x")); err != nil {
		t.Errorf("the refresh lock is another one: %v", err)
	} else {
		other()
	}
	unlock()
	update(t, s, "a")
}

func TestNoHome(t *testing.T) {
	t.Parallel()
	s := &Store{Dir: DefaultDir(func(string) string { return "" })}
	if got := names(t, s); len(got) != 0 {
		t.Error("profiles out of nowhere")
	}
	var none *NoHomeError
	if err := s.Update(t.Context(), addKey("a")); !errors.As(err, &none) {
		t.Error(err)
	}
}

func TestDefaultDir(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("paths look different")
	}
	t.Parallel()
	for _, c := range []struct{ home, dir, want string }{
		{"/home/sam", "", "/home/sam/.lamina"},
		{"/home/sam", "/etc/lamina", "/etc/lamina"},
		{"/home/sam", "~/l", "/home/sam/l"},
		{"/home/sam", "~", "/home/sam"},
		{"", "/x/", "/x"},
		{"", "", ""},
	} {
		got := DefaultDir(func(name string) string { return map[string]string{"HOME": c.home, "LAMINA_CONFIG_DIR": c.dir}[name] })
		if got != c.want {
			t.Errorf("HOME=%s LAMINA_CONFIG_DIR=%s gives %q, want %q", c.home, c.dir, got, c.want)
		}
	}
}

func TestFilesBesideTheDocument(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if _, err := s.ReadFile("pending.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := s.WriteFile(t.Context(), "pending.json", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.ReadFile("pending.json"); err != nil || string(got) != "x" {
		t.Error(string(got), err)
	}
	if err := errors.Join(s.RemoveFile("pending.json"), s.RemoveFile("pending.json")); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", ".", "..", "../x", "a/b", "config.json", "config.lock", ".hidden"} {
		if s.WriteFile(t.Context(), name, nil) == nil {
			t.Errorf("%q was written", name)
		}
	}
}

func TestCheckWritableLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	update(t, s, "a")
	if err := s.CheckWritable(); err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, s.Dir, "config.json")
	full := errors.New("no space left on device")
	s.Disk = newStepDisk(func(string) error { return full })
	if err := s.CheckWritable(); problem(err) != Unwritable || !errors.Is(err, full) {
		t.Error(err)
	}
}

// The caller composes the command that helps, so no error names one.
func TestErrorsNameNoCommand(t *testing.T) {
	t.Parallel()
	const path = "/h/.config/config.json"
	errs := []error{&NoHomeError{}, &BusyError{Path: path}, &ProjectError{Path: path, Detail: "d"}}
	for p := Damaged; p <= NewerVersion; p++ {
		errs = append(errs, &FileError{Path: path, Problem: p, Detail: "d", Err: fs.ErrPermission})
	}
	for p := KeyringFailed; p <= KeyringMismatch; p++ {
		errs = append(errs, &KeyringError{Problem: p, Err: fs.ErrPermission})
	}
	for _, err := range errs {
		if text := err.Error(); strings.Contains(text, "lamina l") || strings.Contains(text, "LAMINA_") || strings.ContainsAny(text, "`\n") {
			t.Errorf("%T: got %q, want no command and no variable", err, text)
		}
		if file := (*FileError)(nil); errors.As(err, &file) && !strings.HasPrefix(err.Error(), path) {
			t.Errorf("got %q, want the path first", err)
		}
	}
}
