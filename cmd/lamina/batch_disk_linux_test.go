package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestBatchFullFileSystem runs a batch in a folder with room for only a few blocks, again and again with more. Whenever the disk is full,
// the process says so, and no start is sent whose run could not be recorded: no item is held in the end, and none has two runs.
func TestBatchFullFileSystem(t *testing.T) {
	t.Parallel()
	b := newKilledBatch(t, batchLoad{items: 600, shards: 1}, "ignored")
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	err := syscall.Mount("tmpfs", b.dir, "tmpfs", 0, "size=1m,mode=700")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("needs permission to mount: run it as root, or with unshare -Urm go test ./cmd/lamina -run BatchFullFileSystem")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(b.dir, syscall.MNT_DETACH) })
	b.plan()
	full, filler := 0, filepath.Join(b.dir, "filler")
	for pages := 0; ; pages += 3 {
		var disk syscall.Statfs_t
		if err := syscall.Statfs(b.dir, &disk); err != nil {
			t.Fatal(err)
		}
		room := (int64(disk.Bfree) - int64(pages)) * int64(disk.Bsize) //nolint:unconvert // an int32 on some machines
		if err := os.WriteFile(filler, make([]byte, max(0, room)), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := b.command("batch", "run", "batch", "--quiet").CombinedOutput()
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			break
		}
		full++
		if !strings.Contains(string(out), "free space on the disk") || full > 200 {
			t.Fatalf("%d free pages: %v\n%s", pages, err, out)
		}
	}
	if full < 10 {
		t.Errorf("the disk was full %d times, want more", full)
	}
	b.idempotency = "honoured" // so that the judge accepts no item that is held
	b.judge()
}
