package disk_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/disk"
)

// A file that could not be written whole leaves the old one, and nothing else.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "results.ndjson")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	err := disk.Replace(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("new", 1<<20))
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	got, _ := os.ReadFile(path)
	if entries, _ := os.ReadDir(dir); string(got) != "old" || len(entries) != 1 {
		t.Errorf("got %d files and %.10q, want the old file alone", len(entries), got)
	}
}
