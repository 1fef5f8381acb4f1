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

// TestFullDisk: the error of a full disk is a PathError, and no file remains. The test sets a limit on the size of files in a
// child process instead of a full disk.
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
		t.Errorf("the child failed: %v: %s", err, out)
	}
	wantNames(t, folder, "")
}

func fillDisk(t *testing.T, folder string) {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100 << 10, Max: 100 << 10}); err != nil {
		t.Skip(err)
	}
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content(1 << 20)) })
	_, err := save(t.Context(), newDownloader(), url, filepath.Join(folder, "a.png"))
	wantDiskError(t, err)
	_, err = saveText(newDownloader(), strings.Repeat("x", 1<<20), filepath.Join(folder, "a.txt"))
	wantDiskError(t, err)
}

func wantDiskError(t *testing.T, err error) {
	t.Helper()
	var path *os.PathError
	if !errors.As(err, &path) || !errors.Is(err, syscall.EFBIG) || errors.As(err, new(*TruncatedError)) {
		t.Errorf("got %v, want a PathError with EFBIG", err)
	}
}

// TestUmask: the umask applies to downloads. The test is not parallel, because the umask is that of the process.
func TestUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o027))
	path := filepath.Join(t.TempDir(), "a.txt")
	if _, err := saveText((&Downloader{}), "x", path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("got the mode %v, %v, want 0640", info.Mode(), err)
	}
}
