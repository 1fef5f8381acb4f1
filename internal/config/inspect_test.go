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

func TestInspectAndRepair(t *testing.T) {
	t.Parallel()
	s := &Store{Dir: filepath.Join(t.TempDir(), ".lamina")}
	if got := s.Inspect(); got.Folder.Path != "" || got.Files != nil {
		t.Errorf("missing folder: got %+v, want a zero Inspection", got)
	}
	if done, err := s.Repair(t.Context()); err != nil || done != nil {
		t.Errorf("missing folder: got %v, %v, want nothing", done, err)
	}
	if err := s.Update(t.Context(), addKey("a")); err != nil {
		t.Fatal(err)
	}
	old, fresh := s.ProfilesPath()+disk.TempMark+"1", s.ProfilesPath()+disk.TempMark+"2"
	damaged := s.ProfilesPath() + ".damaged-20260101T000000Z"
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
	for _, path := range []string{s.ProfilesPath(), damaged} {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found := s.Inspect()
	if !slices.Equal(found.Temps, []string{old}) || found.Folder.Exposed || !found.Folder.Owned {
		t.Errorf("got %+v, want the old temporary file and a private folder", found)
	}
	if got, want := exposedFiles(found), []string{s.ProfilesPath(), damaged}; !slices.Equal(got, want) {
		t.Errorf("got exposed files %v, want %v", got, want)
	}
	done, err := s.Repair(t.Context())
	if err != nil || len(done) != 3 {
		t.Errorf("got %q, %v, want 3 changes", done, err)
	}
	found = s.Inspect()
	if got := exposedFiles(found); got != nil || found.Temps != nil {
		t.Errorf("after Repair: got exposed files %v, temporary files %v, want none", got, found.Temps)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("the temporary file of a running write: %v", err)
	}
}

func exposedFiles(found Inspection) []string {
	var exposed []string
	for _, f := range found.Files {
		if f.Exposed {
			exposed = append(exposed, f.Path)
		}
	}
	return exposed
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
		t.Fatalf("got %+v, want one held lock", locks)
	}
	if pid := locks[0].PID; runtime.GOOS == "linux" && pid != os.Getpid() && pid != 0 {
		t.Errorf("got holder %d, want %d", pid, os.Getpid())
	}
	unlock()
	if locks := s.Inspect().Locks; len(locks) != 1 || locks[0].Held {
		t.Errorf("got %+v, want one free lock", locks)
	}
}
