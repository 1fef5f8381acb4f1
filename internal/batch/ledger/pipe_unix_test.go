//go:build unix

package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/uselamina/lamina/internal/disk"
)

// TestPipe: a pipe in the place of a file does not stop the program.
func TestPipe(t *testing.T) {
	t.Parallel()
	for _, name := range []string{fileName, lockName} {
		dir := t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Skip(err)
		}
		l, err := openIn(dir, 10)
		if err == nil {
			err = l.Restore("0-of-1", 0, 0)
		}
		if !errors.Is(err, disk.ErrNotRegular) {
			t.Errorf("%s: got %v, want ErrNotRegular", name, err)
		}
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
	l, err := openIn(dir, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Restore("0-of-1", 0, 0); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v, want that the folder cannot be written", err)
	}
}
