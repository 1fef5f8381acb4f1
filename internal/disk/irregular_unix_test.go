//go:build !windows

package disk_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// irregular returns paths of files that are no regular ones.
func irregular(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	paths := map[string]string{}
	for _, name := range []string{"pipe", "link", "lost link", "folder"} {
		paths[name] = filepath.Join(dir, name)
	}
	target := filepath.Join(dir, "target")
	for _, err := range []error{
		syscall.Mkfifo(paths["pipe"], 0o600), os.WriteFile(target, nil, 0o600), os.Symlink(target, paths["link"]),
		os.Symlink(filepath.Join(dir, "none"), paths["lost link"]), os.Mkdir(paths["folder"], 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return paths
}
