package lamina

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// chunkSize is the size of a chunk in wire.Files, in bytes.
const chunkSize = 1 << 20

// fileIDs returns the ids of all stored files.
func (rg *rig) fileIDs() []string {
	rg.T.Helper()
	ids, err := rg.s.files.IDs()
	if err != nil {
		rg.T.Fatal(err)
	}
	return ids
}

func TestFilesInMemoryAreLimited(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	var err error
	if rg.s.files, err = wire.OpenFiles(rg.Deps.Store, 100); err != nil {
		t.Fatal(err)
	}
	up := rg.uploadURL("a.mp4", "video")
	e := rg.file("PUT", up.UploadURL, strings.Repeat("x", 101), "Content-Type", "video/mp4").WantError(503, "RESOURCE_UNAVAILABLE")
	if !strings.Contains(e.Error, "--data") {
		t.Errorf("error: got %q, want the flag --data", e.Error)
	}
	r := rg.finish(rg.start("poster", map[string]any{"text": "x", "aspect_ratio": "1:1"}))
	if !strings.Contains(text(r.ErrorMessage), "--data") {
		t.Errorf("run: got %s %q, want the flag --data", r.Status, text(r.ErrorMessage))
	}
	rg.file("PUT", up.UploadURL, strings.Repeat("x", 100), "Content-Type", "video/mp4").Want(200)
	rg.file("PUT", up.UploadURL, "y", "Content-Type", "video/mp4").WantError(503, "RESOURCE_UNAVAILABLE")
	rg.file("GET", up.AssetURL, "").Want(200)
}

func TestDataFileHoldsEverything(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	content := string(wire.RandomBytes(chunkSize + 10))
	before := newRigAt(t, file)
	up := before.uploadURL("a.mp4", "video")
	before.file("PUT", up.UploadURL, "the first one", "Content-Type", "video/mp4").Want(200)
	before.file("PUT", up.UploadURL, content, "Content-Type", "video/mp4").Want(200)
	if ids := before.fileIDs(); len(ids) != 1 {
		t.Errorf("files: got %v, want only the second upload", ids)
	}
	if _, err := before.s.files.Write(strings.NewReader("without an asset"), 100); err != nil {
		t.Fatal(err)
	}
	before.close()

	after := newRigAt(t, file)
	if ids := after.fileIDs(); len(ids) != 1 {
		t.Errorf("files: got %v, want only that of the asset", ids)
	}
	got := after.file("GET", up.AssetURL, "", "Range", "bytes=1048570-1048580").Want(http.StatusPartialContent)
	if got.Body != content[1048570:1048581] {
		t.Error("range over two chunks: got other bytes than uploaded")
	}
	if _, err := wire.OpenStore(file); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("opening an open data file: got %v, want in use", err)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Fatalf("folder: got %v, %v; want the data file alone", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v, %v; want 0600", info.Mode(), err)
	}
}

// A slow upload does not block other requests.
func TestSlowUploadBlocksNoRequest(t *testing.T) {
	t.Parallel()
	rg := newRigAt(t, filepath.Join(t.TempDir(), "state.db"))
	up := rg.uploadURL("a.mp4", "video")
	body, sender := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, up.UploadURL, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "video/mp4")
	status := make(chan int, 1)
	go func() {
		resp, err := rg.HTTP.Do(req)
		if err != nil {
			status <- 0
			return
		}
		_ = resp.Body.Close()
		status <- resp.StatusCode
	}()
	if _, err := sender.Write(make([]byte, 2*chunkSize)); err != nil {
		t.Fatal(err)
	}
	rg.Await("a part of the upload", func() bool { return len(rg.fileIDs()) == 1 })
	rg.make("countdown", map[string]any{"seconds": "0"})
	rg.file("GET", up.AssetURL, "").WantError(404, "NOT_FOUND")
	_ = sender.Close()
	if got := <-status; got != http.StatusOK {
		t.Errorf("upload: got %d, want 200", got)
	}
	rg.file("GET", up.AssetURL, "").Want(200)
}
