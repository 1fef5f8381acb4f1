package transfer

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestSave(t *testing.T) {
	t.Parallel()
	data := content(1 << 20)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, secret := range []string{"Authorization", "X-Api-Key", "Cookie", "Referer", "Range"} {
			if r.Header.Get(secret) != "" {
				t.Errorf("got the header %s, want none", secret)
			}
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data)
	})
	folder := t.TempDir()
	path := filepath.Join(folder, "new", "folder", "a.png")
	d := newDownloader()
	var last, total int64
	d.Progress = func(done, all int64) {
		if done <= last {
			t.Errorf("got progress %d after %d, want more", done, last)
		}
		last, total = done, all
	}
	size, err := save(t.Context(), d, url+"/a.png?signature=s3cret", path)
	if err != nil || size != int64(len(data)) || last != size || total != size {
		t.Fatalf("got %d, %v and progress %d of %d, want %d", size, err, last, total, len(data))
	}
	wantFile(t, path, data)
	wantNames(t, filepath.Dir(path), "a.png")
}

func TestSaveText(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "a.txt")
	d := &Downloader{}
	if size, err := saveText(d, "Grüße", path); err != nil || size != 7 {
		t.Fatalf("got %d, %v, want 7", size, err)
	}
	wantFile(t, path, []byte("Grüße"))
	_, err := saveText(d, "other", path)
	wantExists(t, err, path)
	wantFile(t, path, []byte("Grüße"))
}

func TestEmptyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a")
	size, err := save(t.Context(), newDownloader(), serve(t, func(http.ResponseWriter, *http.Request) {}), path)
	if err != nil || size != 0 {
		t.Fatalf("got %d, %v, want 0", size, err)
	}
	wantFile(t, path, nil)
}

// TestExistingPath: an existing file is replaced only with Force, and the target of a symlink is never written.
func TestExistingPath(t *testing.T) {
	t.Parallel()
	var requested sync.Map // the names of the tests that sent a request
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requested.Store(r.URL.Query().Get("for"), true)
		_, _ = io.WriteString(w, "new")
	})
	tests := []struct {
		name   string
		force  bool
		create func(folder, path string) error
		wantOK bool
		check  func(t *testing.T, folder, path string)
	}{
		{"file", false, func(_, path string) error { return os.WriteFile(path, []byte("old"), 0o600) }, false, func(t *testing.T, _, path string) {
			wantFile(t, path, []byte("old"))
		}},
		{"file, forced", true, func(_, path string) error { return os.WriteFile(path, []byte("old"), 0o600) }, true, func(t *testing.T, _, path string) {
			wantFile(t, path, []byte("new"))
		}},
		{"folder", false, func(_, path string) error { return os.Mkdir(path, 0o700) }, false, nil},
		{"folder, forced", true, func(_, path string) error { return os.Mkdir(path, 0o700) }, false, nil},
		{"symlink", false, symlinked, false, func(t *testing.T, folder, _ string) { wantFile(t, filepath.Join(folder, "target"), []byte("old")) }},
		{"symlink, forced", true, symlinked, true, func(t *testing.T, folder, path string) {
			wantFile(t, filepath.Join(folder, "target"), []byte("old"))
			wantFile(t, path, []byte("new"))
			if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
				t.Errorf("got the mode %v, %v, want a regular file", info.Mode(), err)
			}
		}},
		{"symlink to nowhere", false, func(folder, path string) error { return os.Symlink(filepath.Join(folder, "nowhere"), path) }, false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "a.png")
			if err := tt.create(folder, path); err != nil {
				t.Skip(err)
			}
			before := inFolder(t, folder)
			d := newDownloader()
			d.Force = tt.force
			_, err := save(t.Context(), d, url+"?for="+neturl.QueryEscape(tt.name), path)
			if _, fetched := requested.Load(tt.name); fetched != tt.wantOK {
				t.Errorf("got a request: %t, want %t", fetched, tt.wantOK)
			}
			switch {
			case !tt.wantOK:
				wantExists(t, err, path)
			case err != nil:
				t.Errorf("got %v, want no error", err)
			}
			wantNames(t, folder, before)
			if tt.check != nil {
				tt.check(t, folder, path)
			}
		})
	}
}

// symlinked creates a file and a symlink to it.
func symlinked(folder, path string) error {
	target := filepath.Join(folder, "target")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		return err
	}
	return os.Symlink(target, path)
}

// TestFileAppears: a file that is created during the download is not replaced.
func TestFileAppears(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "a.png")
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "ours")
	})
	_, err := save(t.Context(), newDownloader(), url, path)
	wantExists(t, err, path)
	wantFile(t, path, []byte("theirs"))
	wantNames(t, folder, "a.png")
}

// TestFileInPlaceOfFolder: a file in the place of the folder is not replaced.
func TestFileInPlaceOfFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "out"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	var path *os.PathError
	if _, err := saveText(newDownloader(), "x", filepath.Join(folder, "out", "a.txt")); !errors.As(err, &path) {
		t.Errorf("got %v, want a PathError", err)
	}
	wantFile(t, filepath.Join(folder, "out"), []byte("old"))
}

func TestLongName(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	name := strings.Repeat("ü", 120) + ".png"
	if _, err := saveText(newDownloader(), "x", filepath.Join(folder, name)); err != nil {
		t.Fatal(err)
	}
	wantNames(t, folder, name)
}
