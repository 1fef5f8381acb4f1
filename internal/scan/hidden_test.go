package scan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/scan"
)

// Keys that no file of the working tree contains are found, and files that are not scanned are listed.
func TestHiddenKeys(t *testing.T) {
	t.Parallel()
	key := "lma_" + body
	commit := func(t *testing.T, dir, name, text string) {
		t.Helper()
		write(t, dir, name, text)
		run(t, dir, "add", ".")
		run(t, dir, "commit", "-qm", "add "+name)
	}
	tests := []struct {
		name             string
		prepare          func(t *testing.T, dir string)
		found, skipped   string // in the files
		inHistory, inNew string // found in the history and in what is staged
	}{
		{"staged, and removed from the file", func(t *testing.T, dir string) {
			write(t, dir, "sub/a.txt", key)
			run(t, dir, "add", ".")
			write(t, dir, "sub/a.txt", "gone")
		}, "sub/a.txt:1", "", "", "sub/a.txt:1"},
		{"staged and in the file", func(t *testing.T, dir string) {
			write(t, dir, "a.txt", key)
			run(t, dir, "add", ".")
		}, "a.txt:1", "", "", "a.txt:1"},
		{"a stash that is not the newest", func(t *testing.T, dir string) {
			write(t, dir, "f.txt", key)
			run(t, dir, "stash", "-q")
			write(t, dir, "f.txt", "other")
			run(t, dir, "stash", "-q")
		}, "", "", "f.txt:1@", ""},
		{"an object that git replaces", func(t *testing.T, dir string) {
			commit(t, dir, "a.txt", key)
			commit(t, dir, "b.txt", "harmless")
			run(t, dir, "replace", "HEAD:a.txt", "HEAD:b.txt")
			write(t, dir, "a.txt", "harmless")
		}, "", "", "a.txt:1@", ""},
		{"a sparse checkout", func(t *testing.T, dir string) {
			commit(t, dir, "deep/a.txt", key)
			run(t, dir, "sparse-checkout", "set", "--no-cone", "/f.txt")
		}, "", "deep/a.txt (not in the working tree)", "deep/a.txt:1@", ""},
		{"a submodule", func(t *testing.T, dir string) {
			run(t, dir, "init", "-q", "module")
			run(t, filepath.Join(dir, "module"), "commit", "-qm", "one", "--allow-empty")
			run(t, dir, "-c", "advice.addEmbeddedRepo=false", "add", "module")
		}, "", "module (a submodule)", "", ""},
		{"a pointer of Git LFS", func(t *testing.T, dir string) {
			write(t, dir, "big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n")
		}, "", "big.bin (a pointer of Git LFS)", "", ""},
		{"an ignored folder", func(t *testing.T, dir string) {
			write(t, dir, ".gitignore", "out/\n")
			write(t, dir, "out/a.txt", key)
		}, "", "out/ (ignored by git)", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, finder, ctx := t.TempDir(), scan.NewFinder(provider.All()), t.Context()
			run(t, dir, "init", "-q")
			commit(t, dir, "f.txt", "harmless")
			tt.prepare(t, dir)
			r, err := scan.FindRepository(ctx, os.Environ(), dir)
			if err != nil || r == nil {
				t.Fatalf("got %v, %v, want a repository", r, err)
			}
			files, err := r.Files(ctx, finder, dir)
			if err != nil || places(files) != tt.found || skips(files.Skipped) != tt.skipped || len(files.Unread) > 0 {
				t.Errorf("files: got %q, skipped %q, unread %q, %v, want %q, skipped %q", places(files), skips(files.Skipped), skips(files.Unread),
					err, tt.found, tt.skipped)
			}
			history, err := r.History(ctx, finder)
			if err != nil || places(history) != tt.inHistory || len(history.Unread) > 0 {
				t.Errorf("history: got %q, unread %q, %v, want %q", places(history), skips(history.Unread), err, tt.inHistory)
			}
			staged, err := r.Staged(ctx, finder)
			if err != nil || places(staged) != tt.inNew || len(staged.Unread) > 0 {
				t.Errorf("staged: got %q, unread %q, %v, want %q", places(staged), skips(staged.Unread), err, tt.inNew)
			}
		})
	}
}

// Variables that name a repository, which git sets for a hook, apply to that repository only.
func TestRepositoryOfEnvironment(t *testing.T) {
	t.Parallel()
	named, other, finder, ctx := t.TempDir(), t.TempDir(), scan.NewFinder(provider.All()), t.Context()
	for _, dir := range []string{named, other} {
		run(t, dir, "init", "-q")
		write(t, dir, "a.txt", "key lma_"+body)
		run(t, dir, "add", ".")
		run(t, dir, "commit", "-qm", "one")
	}
	index := filepath.Join(t.TempDir(), "index")
	environ := append(os.Environ(), "GIT_DIR="+filepath.Join(named, ".git"), "GIT_WORK_TREE="+named, "GIT_INDEX_FILE="+index)
	r, err := scan.FindRepository(ctx, environ, named)
	if err != nil {
		t.Fatal(err)
	}
	// The index that the variable names does not exist: nothing is staged, and no file is tracked.
	if report, err := r.Staged(ctx, finder); err != nil || places(report) != "" {
		t.Errorf("staged in the named repository: got %q, %v, want nothing", places(report), err)
	}
	r, err = scan.FindRepository(ctx, environ, other)
	if err != nil {
		t.Fatal(err)
	}
	if root, _ := filepath.EvalSymlinks(other); r.Root != root {
		t.Errorf("got the root %s, want %s", r.Root, root)
	}
	if report, err := r.History(ctx, finder); err != nil || places(report) != "a.txt:1@" {
		t.Errorf("history of the other repository: got %q, %v, want a.txt:1@", places(report), err)
	}
}

// A bare repository that git does not read is an error, not a folder without a repository.
func TestDamagedBareRepository(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, dir, "init", "-q", "--bare")
	write(t, dir, "HEAD", "broken")
	r, err := scan.FindRepository(t.Context(), os.Environ(), dir)
	if err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("got %v, %v, want an error of git", r, err)
	}
}
