package disk_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/disk"
)

func TestWriteFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.json")
	for _, text := range []string{"one", "two"} {
		if err := disk.WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if raw, err := disk.ReadFile(path, 3); err != nil || string(raw) != text {
			t.Errorf("got %q, %v, want %q", raw, err, text)
		}
	}
	if _, err := disk.ReadFile(path, 2); err == nil {
		t.Error("got no error for a file that is too large")
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("got %v, want one file", entries)
	}
	if err := disk.WriteFile(filepath.Join(path, "b"), nil); err == nil {
		t.Error("got no error in a folder that is none")
	}
}

// TestNotRegular: nothing but a regular file is opened, and a pipe is not waited for.
func TestNotRegular(t *testing.T) {
	t.Parallel()
	for name, path := range irregular(t) {
		if _, err := disk.Open(path); !errors.Is(err, disk.ErrNotRegular) {
			t.Errorf("open %s: got %v, want %v", name, err, disk.ErrNotRegular)
		}
		if _, err := disk.Append(path); !errors.Is(err, disk.ErrNotRegular) {
			t.Errorf("append to %s: got %v, want %v", name, err, disk.ErrNotRegular)
		}
		if _, err := disk.Lock(path, false); !errors.Is(err, disk.ErrNotRegular) {
			t.Errorf("lock %s: got %v, want %v", name, err, disk.ErrNotRegular)
		}
	}
}

func TestLockWithin(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	if disk.IsLocked(path) {
		t.Error("IsLocked says that a missing file is locked")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("IsLocked created the file: %v", err)
	}
	unlock, err := disk.LockWithin(t.Context(), path, false, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !disk.IsLocked(path) {
		t.Error("IsLocked says that a locked file is not")
	}
	if _, err := disk.LockWithin(t.Context(), path, true, 20*time.Millisecond); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("got %v, want %v", err, disk.ErrLocked)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := disk.LockWithin(ctx, path, false, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	time.AfterFunc(20*time.Millisecond, unlock)
	shared, err := disk.LockWithin(t.Context(), path, true, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer shared()
	if disk.IsLocked(path) {
		t.Error("IsLocked says that a shared lock is not shared")
	}
}
