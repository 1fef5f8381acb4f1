package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSymlinkIsFollowed(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	dotfiles := t.TempDir()
	write(t, s, "")
	_ = os.Remove(s.Path())
	target := filepath.Join(dotfiles, "lamina.json")
	symlink(t, target, s.Path())
	if err := os.WriteFile(target, []byte(nodeDocument), 0o644); err != nil {
		t.Fatal(err)
	}
	update(t, s, DefaultProfile)
	if info, err := os.Lstat(s.Path()); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("got %v, %v, want a symbolic link", info.Mode(), err)
	}
	if raw, _ := os.ReadFile(target); !strings.Contains(string(raw), "key-default") {
		t.Errorf("got %s in the target, want key-default", raw)
	}
	wantFiles(t, dotfiles, "lamina.json")
}

func TestFailedChangeIsNotWritten(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	update(t, s, "a")
	failed := errors.New("failed")
	if err := s.Update(t.Context(), func(d *Document) error { d.RemoveProfile("a"); return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v, want %v", err, failed)
	}
	wantProfiles(t, s, "a")
}

// At every point of a write, an error and the death of the process leave the old content or the new.
func TestFailureAtEveryPoint(t *testing.T) {
	t.Parallel()
	tests := []struct {
		point     string
		isWritten bool
	}{
		{halfWritten, false},
		{beforeRename, false},
		{afterRename, true},
	}
	for _, test := range tests {
		t.Run(test.point+", error", func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			update(t, s, "old")
			full := errors.New("no space left on device")
			s.Disk = newStepDisk(failAt(test.point, full))
			if err := s.Update(t.Context(), addKey("new")); !errors.Is(err, full) {
				t.Errorf("got %v, want %v", err, full)
			}
			if test.isWritten {
				wantProfiles(t, s, "new", "old")
			} else {
				wantProfiles(t, s, "old")
			}
			wantFiles(t, s.Dir, "profiles.json")
		})
		t.Run(test.point+", death", func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			update(t, s, "old")
			var exit *exec.ExitError
			if err := child(t, s.Dir, "new@"+test.point).Run(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
				t.Fatalf("got %v from the child, want status 7", err)
			}
			if test.isWritten {
				wantProfiles(t, s, "new-0", "old")
			} else {
				wantProfiles(t, s, "old")
			}
			update(t, s, "next") // the lock is free, and temporary files are removed
			wantFiles(t, s.Dir, "profiles.json")
		})
	}
}

func TestParallelUpdates(t *testing.T) {
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
					t.Errorf("parallel Load: %v", err)
					return
				}
			}
		}
	})
	all.Wait()
	close(stop)
	reader.Wait()
	doc, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(doc.ProfileNames()), 20+3*10; got != want {
		t.Errorf("got %d profiles, want %d: %v", got, want, doc.ProfileNames())
	}
	wantFiles(t, s.Dir, "profiles.json")
}

// The Node client takes no lock and may write between the read and the rename.
func TestWriteWithoutLockIsKept(t *testing.T) {
	t.Parallel()
	for _, changed := range []string{"b", DefaultProfile} {
		s := newStore(t)
		update(t, s, "a")
		write(t, s, `{"version": 1, "credentials": {"kind": "apikey", "apiKey": "lma_old"}}`)
		calls := 0
		err := s.Update(t.Context(), func(d *Document) error {
			if calls++; calls == 1 {
				write(t, s, nodeDocument)
			}
			return addKey(changed)(d)
		})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(s.Path())
		if want := map[string]int{"b": 1, DefaultProfile: 2}[changed]; calls != want || !strings.Contains(string(raw), "future") {
			t.Errorf("%s: got %d calls of change, want %d, and %s, %v", changed, calls, want, raw, err)
		}
		doc, err := s.Load()
		if names := strings.Join(doc.ProfileNames(), " "); err != nil || !strings.Contains(names, "default a") || !strings.Contains(names, "studio") {
			t.Errorf("%s: got profiles %s, %v, want default, a and studio", changed, names, err)
		}
	}
}

func TestBusyLock(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	unlock, err := s.Lock(t.Context(), documentLock)
	if err != nil {
		t.Fatal(err)
	}
	s.LockWait = 30 * time.Millisecond
	var busy *BusyError
	if err := s.Update(t.Context(), addKey("a")); !errors.As(err, &busy) || !busy.Retryable() {
		t.Errorf("got %v, want a retryable *BusyError", err)
	}
	s.LockWait = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Update(ctx, addKey("a")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("end of the context: got %v, want %v", err, context.DeadlineExceeded)
	}
	if other, err := s.Lock(t.Context(), RefreshLock("../../etc/x")); err != nil {
		t.Errorf("refresh lock: got %v, want a free lock", err)
	} else {
		other()
	}
	unlock()
	update(t, s, "a")
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if _, err := s.ReadFile("pending.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: got %v, want %v", err, fs.ErrNotExist)
	}
	if err := s.WriteFile(t.Context(), "pending.json", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.ReadFile("pending.json"); err != nil || string(got) != "x" {
		t.Errorf("got %q, %v, want x", got, err)
	}
	if err := errors.Join(s.RemoveFile("pending.json"), s.RemoveFile("pending.json")); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", ".", "..", "../x", "a/b", "config.json", "config.lock", ".hidden"} {
		if err := s.WriteFile(t.Context(), name, nil); err == nil {
			t.Errorf("WriteFile(%q): got no error, want one", name)
		}
	}
}

func TestCheckWritable(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	update(t, s, "a")
	if err := s.CheckWritable(""); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, s.Dir, "profiles.json")
	full := errors.New("no space left on device")
	s.Disk = newStepDisk(func(string) error { return full })
	err := s.CheckWritable("")
	wantProblem(t, err, Unwritable)
	if !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}
