//go:build !windows

package config

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config/internal/disk"
)

func TestInspectAndMend(t *testing.T) {
	t.Parallel()
	s := &Store{Dir: filepath.Join(t.TempDir(), ".lamina")}
	if got := s.Inspect(); got.Folder.Path != "" || got.Files != nil {
		t.Errorf("nothing there: %+v", got)
	}
	if done, err := s.Repair(t.Context()); err != nil || done != nil {
		t.Errorf("mended nothing: %v, %v", done, err)
	}
	if err := s.Update(t.Context(), func(*Document) error { return nil }); err != nil {
		t.Fatal(err)
	}
	old, fresh := s.Path()+disk.TempMark+"1", s.Path()+disk.TempMark+"2"
	damaged := s.Path() + ".damaged-20260101T000000Z"
	for _, path := range []string{old, fresh, damaged, filepath.Join(s.Dir, "completion.json.77")} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hourAgo := time.Now().Add(-time.Hour)
	for _, path := range []string{old, damaged} {
		if err := os.Chtimes(path, hourAgo, hourAgo); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{s.Path(), damaged} {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found := s.Inspect()
	if !slices.Equal(found.Temps, []string{old}) || found.Folder.Exposed || !found.Folder.Owned {
		t.Errorf("found %+v", found)
	}
	if open := openFiles(found); !slices.Equal(open, []string{s.Path(), damaged}) {
		t.Errorf("open: %v", open)
	}
	done, err := s.Repair(t.Context())
	if err != nil || len(done) != 3 {
		t.Errorf("mended %q, %v", done, err)
	}
	found = s.Inspect()
	if open := openFiles(found); open != nil || found.Temps != nil {
		t.Errorf("afterwards: %v, %v", open, found.Temps)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error("what somebody may be writing was removed")
	}
}

func openFiles(found Inspection) []string {
	var open []string
	for _, f := range found.Files {
		if f.Exposed {
			open = append(open, f.Path)
		}
	}
	return open
}

func TestInspectLocks(t *testing.T) {
	t.Parallel()
	s := &Store{Dir: filepath.Join(t.TempDir(), ".lamina")}
	unlock, err := s.Lock(context.Background(), RefreshLock("work"))
	if err != nil {
		t.Fatal(err)
	}
	locks := s.Inspect().Locks
	if len(locks) != 1 || !locks[0].Held || !strings.Contains(locks[0].Path, "refresh-") {
		t.Fatalf("held: %+v", locks)
	}
	if pid := locks[0].PID; runtime.GOOS == "linux" && pid != os.Getpid() && pid != 0 {
		t.Errorf("held by %d, not by %d", pid, os.Getpid())
	}
	unlock()
	if locks := s.Inspect().Locks; len(locks) != 1 || locks[0].Held {
		t.Errorf("free: %+v", locks)
	}
}
