//go:build unix

package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipe: a pipe in the place of a file does not stop the program.
func TestPipe(t *testing.T) {
	t.Parallel()
	for _, name := range []string{fileName, lockName} {
		dir := t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Skip(err)
		}
		if _, err := Open(dir, 10); !errors.Is(err, ErrNotRegular) {
			t.Errorf("%s: got %v, want ErrNotRegular", name, err)
		}
	}
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, fileName+".tmp"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := reserve(t, open(t, dir, "0-of-1", 10), 1, 100); n != 10 {
		t.Errorf("%d items were reserved beside a pipe, want 10", n)
	}
}

// TestReadOnlyFolder: a folder that cannot be written is an error.
func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root writes everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir, 10)
	if file := (*FileError)(nil); !errors.As(err, &file) || !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v, want a FileError for the permission", err)
	}
}
