package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestFolder(t *testing.T) {
	t.Parallel()
	s := &Store{Dir: filepath.Join(t.TempDir(), "lamina")}
	for range 2 {
		path, err := s.Folder("webhooks", "inbox")
		if err != nil || path != filepath.Join(s.Dir, "webhooks", "inbox") {
			t.Fatalf("got %q, %v", path, err)
		}
		if runtime.GOOS == "windows" {
			return
		}
		for _, folder := range []string{s.Dir, filepath.Dir(path), path} {
			if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s: got %v, %v, want mode 700", folder, info.Mode(), err)
			}
		}
		if err := os.Chmod(path, 0o755); err != nil { // the second round makes it private again
			t.Fatal(err)
		}
	}
	for _, name := range []string{"..", "a/b", "config.json", ".hidden"} {
		if path, err := s.Folder(name); err == nil {
			t.Errorf("%s: got %q, want an error", name, path)
		}
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(s.Dir, "link")); err != nil {
		t.Fatal(err)
	}
	var file *FileError
	if path, err := s.Folder("link", "inbox"); !errors.As(err, &file) || file.Problem != NotAFolder {
		t.Errorf("got %q, %v for a link, want that it is no folder", path, err)
	}
	var noHome *NoHomeError
	if _, err := (&Store{}).Folder("webhooks"); !errors.As(err, &noHome) {
		t.Errorf("got %v, want NoHomeError", err)
	}
}
