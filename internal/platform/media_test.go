package platform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"go.etcd.io/bbolt"
)

// eachMedia runs a test on media in memory and in a data file.
func eachMedia(t *testing.T, test func(t *testing.T, m *media)) {
	t.Helper()
	for _, file := range []string{"", filepath.Join(t.TempDir(), "state.db")} {
		t.Run(map[bool]string{true: "in memory", false: "in a file"}[file == ""], func(t *testing.T) {
			t.Parallel()
			st, err := openStore(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = st.close() })
			m := newMedia(st.db)
			if err := m.sweep(nil); err != nil {
				t.Fatal(err)
			}
			test(t, m)
		})
	}
}

// held returns the ids of all files.
func (m *media) held(t *testing.T) (ids []string) {
	t.Helper()
	for id := range m.memory {
		ids = append(ids, id)
	}
	if m.db == nil {
		return ids
	}
	err := m.db.View(func(btx *bbolt.Tx) error {
		return btx.Bucket([]byte(bucketMedia)).ForEachBucket(func(id []byte) error {
			ids = append(ids, string(id))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestMediaKeepsFilesOfAnySize(t *testing.T) {
	t.Parallel()
	eachMedia(t, func(t *testing.T, m *media) {
		for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2*chunkSize + chunkSize/2} {
			want := randomBytes(size)
			f, err := m.write(bytes.NewReader(want), int64(size))
			sum := sha256.Sum256(want)
			if err != nil || f.Size != int64(size) || f.Digest != hex.EncodeToString(sum[:]) {
				t.Fatalf("%d bytes: %+v %v", size, f, err)
			}
			if got, err := io.ReadAll(m.open(f)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes came back as %d: %v", size, len(got), err)
			}
			for _, start := range []int{0, chunkSize - 2, chunkSize, size - 3} {
				if start < 0 || start+3 > size {
					continue
				}
				var got [3]byte
				if _, err := m.open(f).ReadAt(got[:], int64(start)); err != nil || !bytes.Equal(got[:], want[start:start+3]) {
					t.Errorf("%d bytes, from %d: %x %v", size, start, got, err)
				}
			}
		}
	})
}

func TestMediaKeepsAllOrNothing(t *testing.T) {
	t.Parallel()
	eachMedia(t, func(t *testing.T, m *media) {
		kept, err := m.write(strings.NewReader("kept"), 4)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.write(bytes.NewReader(make([]byte, chunkSize+2)), chunkSize+1); !errors.Is(err, errTooLarge) {
			t.Errorf("too large: %v", err)
		}
		for _, cut := range []error{io.ErrUnexpectedEOF, errors.New("cut off")} {
			src := io.MultiReader(bytes.NewReader(make([]byte, chunkSize+1)), iotest.ErrReader(cut))
			if _, err := m.write(src, maxUpload); !errors.Is(err, cut) {
				t.Errorf("%v: %v", cut, err)
			}
		}
		if ids := m.held(t); len(ids) != 1 || ids[0] != kept.ID {
			t.Errorf("%v, want only %s", ids, kept.ID)
		}
		if err := errors.Join(m.remove(kept.ID), m.remove(kept.ID)); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadAll(m.open(kept)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("reading what was removed: %v", err)
		}
		if m.room != maxMediaMemory || len(m.held(t)) != 0 {
			t.Errorf("%d bytes of room and %v are left", m.room, m.held(t))
		}
	})
}

func TestMediaInMemoryIsBounded(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	rg.s.media.room = 100
	up := rg.uploadURL("a.mp4", "video")
	e := rg.file("PUT", up.UploadURL, strings.Repeat("x", 101), "Content-Type", "video/mp4").wantError(503, "RESOURCE_UNAVAILABLE")
	if !strings.Contains(e.Error, "--data") {
		t.Errorf("%q names no way out", e.Error)
	}
	r := rg.finish(rg.start("poster", map[string]any{"text": "x", "aspect_ratio": "1:1"}))
	if !strings.Contains(deref(r.ErrorMessage), "--data") {
		t.Errorf("%s: %q", r.Status, deref(r.ErrorMessage))
	}
	rg.file("PUT", up.UploadURL, strings.Repeat("x", 100), "Content-Type", "video/mp4").want(200)
	rg.file("PUT", up.UploadURL, "y", "Content-Type", "video/mp4").wantError(503, "RESOURCE_UNAVAILABLE")
	rg.file("GET", up.AssetURL, "").want(200)
}

func TestDataFileHoldsEverything(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	content := string(randomBytes(chunkSize + 10))
	before := newRig(t, func(o *Options) { o.DataFile = file })
	up := before.uploadURL("a.mp4", "video")
	before.file("PUT", up.UploadURL, "the first one", "Content-Type", "video/mp4").want(200)
	before.file("PUT", up.UploadURL, content, "Content-Type", "video/mp4").want(200)
	if ids := before.s.media.held(t); len(ids) != 1 {
		t.Errorf("%v, want only the second file", ids)
	}
	if _, err := before.s.media.write(strings.NewReader("nobody's"), 100); err != nil {
		t.Fatal(err)
	}
	before.close()

	after := newRig(t, func(o *Options) { o.DataFile = file })
	if ids := after.s.media.held(t); len(ids) != 1 {
		t.Errorf("%v, want only the file of the asset", ids)
	}
	got := after.file("GET", up.AssetURL, "", "Range", "bytes=1048570-1048580").want(http.StatusPartialContent)
	if string(got.body) != content[1048570:1048581] {
		t.Error("a range over two chunks came back changed")
	}
	if after.s.store.buckets[bucketMedia] != nil {
		t.Error("the bytes of files are in the memory of the store")
	}
	if _, err := openStore(file); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("opened twice: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v %v, want the one file", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
}

// A client that is slow to send its file keeps nobody waiting.
func TestSlowUploadBlocksNobody(t *testing.T) {
	t.Parallel()
	rg := newRig(t, func(o *Options) { o.DataFile = filepath.Join(t.TempDir(), "state.db") })
	up := rg.uploadURL("a.mp4", "video")
	body, sender := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, up.UploadURL, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "video/mp4")
	status := make(chan int, 1)
	go func() {
		resp, err := rg.http.Client().Do(req)
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
	rg.await("a part of the upload", func() bool { return len(rg.s.media.held(t)) == 1 })
	rg.make("countdown", map[string]any{"seconds": "0"})
	rg.file("GET", up.AssetURL, "").wantError(404, "NOT_FOUND")
	_ = sender.Close()
	if got := <-status; got != http.StatusOK {
		t.Errorf("the upload was answered %d", got)
	}
	rg.file("GET", up.AssetURL, "").want(200)
}
