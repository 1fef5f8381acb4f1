//go:build unix

package transfer

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const childFolder = "LAMINA_TEST_FULL_DISK"

// TestFullDisk: a disk that takes no more is named as the cause, and nothing is left on it. A limit on the size of
// files, set in a process of its own, stands for the full disk.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if folder := os.Getenv(childFolder); folder != "" {
		fillDisk(t, folder)
		return
	}
	folder := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestFullDisk$")
	child.Env = append(os.Environ(), childFolder+"="+folder)
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if got := inFolder(t, folder); got != "" {
		t.Errorf("left %s", got)
	}
}

func fillDisk(t *testing.T, folder string) {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100 << 10, Max: 100 << 10}); err != nil {
		t.Skip(err)
	}
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content(1 << 20)) })
	_, err := loader().Save(t.Context(), url, filepath.Join(folder, "a.png"))
	wantDiskError(t, err)
	_, err = loader().SaveText(strings.Repeat("x", 1<<20), filepath.Join(folder, "a.txt"))
	wantDiskError(t, err)
}

func wantDiskError(t *testing.T, err error) {
	t.Helper()
	var path *os.PathError
	if !errors.As(err, &path) || !errors.Is(err, syscall.EFBIG) || errors.As(err, new(*TruncatedError)) {
		t.Errorf("got %v", err)
	}
}

// TestUmask: a person who shares nothing does not share downloads. Not parallel, for the mask is the process's.
func TestUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o027))
	path := filepath.Join(t.TempDir(), "a.txt")
	if _, err := (&Downloader{}).SaveText("x", path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
