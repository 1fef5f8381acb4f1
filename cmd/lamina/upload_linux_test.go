package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// An assetService is a service that is not the local platform. Its file storage is another host.
type assetService struct {
	url, storage string

	mu      sync.Mutex
	headers []http.Header // of the requests to the storage
	bytes   int64
}

func newAssetService(t *testing.T) *assetService {
	t.Helper()
	s := &assetService{}
	storage := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.headers, s.bytes = append(s.headers, r.Header.Clone()), s.bytes+n
	}))
	t.Cleanup(storage.Close)
	s.storage = strings.Replace(storage.URL, "127.0.0.1", "localhost", 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct{ Files []map[string]string }
		_ = json.NewDecoder(r.Body).Decode(&req)
		var uploads []string
		for i, f := range req.Files {
			uploads = append(uploads, fmt.Sprintf(`{"filename":%q,"mediaType":%q,"contentTypeHint":"video/mp4","uploadUrl":"%s/put/%d?signature=s3cret","assetUrl":"%s/get/%d","assetId":null,"expiresAt":null}`,
				f["filename"], f["mediaType"], s.storage, i, s.storage, i))
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"data":{"uploads":[%s]}}`, strings.Join(uploads, ","))
	}))
	t.Cleanup(api.Close)
	s.url = api.URL
	return s
}

// TestStorageSeesNoCredential: the host of a presigned URL gets no header of the session, neither with the bytes nor when it is asked
// whether it still has them.
func TestStorageSeesNoCredential(t *testing.T) {
	t.Parallel()
	s := newAssetService(t)
	key := "lma_" + strings.Repeat("k3y", 12)
	u := newUser(t, s.url, "LAMINA_API_KEY="+key, "CI=")
	if err := os.WriteFile(filepath.Join(u.home, "a.mp4"), []byte("a film"), 0o600); err != nil {
		t.Fatal(err)
	}
	u.output(t, "assets", "upload", "a.mp4")
	u.output(t, "assets", "upload", "a.mp4")
	if len(s.headers) < 2 {
		t.Fatalf("got %d requests to the storage, want one with the bytes and one without", len(s.headers))
	}
	for _, h := range s.headers {
		raw, _ := json.Marshal(h)
		if strings.Contains(string(raw), key) || h.Get("Authorization") != "" || h.Get("X-Api-Key") != "" || h.Get("X-Workspace-Id") != "" || h.Get("Cookie") != "" {
			t.Errorf("got the headers %s, want no credential", raw)
		}
	}
}

// TestLargeUpload uploads 2 GiB and compares the throughput with that of curl, in turn. It fails only if the program needs more than 32
// MiB of memory; with the race detector it may. By default it uploads 128 MiB.
func TestLargeUpload(t *testing.T) {
	size, rounds := int64(128<<20), 1
	if isFullLoad() {
		size, rounds = 2<<30, 3
	}
	s := newAssetService(t)
	u := newUser(t, s.url, "LAMINA_API_KEY=lma_"+strings.Repeat("k3y", 12), "CI=")
	path := filepath.Join(u.home, "large.mp4")
	if err := os.WriteFile(path, []byte("\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isommp42"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	curl, _ := exec.LookPath("curl")
	var ours, theirs time.Duration
	for range rounds {
		begun := time.Now()
		peak := peakMemory(t, u.command("assets", "upload", "large.mp4", "--again"))
		ours = shorter(ours, time.Since(begun))
		t.Logf("peak memory: %.1f MiB", float64(peak)/(1<<20))
		if peak > 32<<20 && !raceDetector {
			t.Errorf("got a peak of %.1f MiB, want at most 32", float64(peak)/(1<<20))
		}
		if curl != "" {
			begun = time.Now()
			cmd := exec.Command(curl, "-sS", "-T", path, s.storage+"/put/curl")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("curl: %v: %s", err, out)
			}
			theirs = shorter(theirs, time.Since(begun))
		}
	}
	want := size * int64(rounds)
	if curl != "" {
		want *= 2
		t.Logf("best of %d: %v, curl %v: throughput of %.2f times that of curl", rounds, ours, theirs, theirs.Seconds()/ours.Seconds())
	}
	if s.bytes != want {
		t.Errorf("got %d bytes, want %d", s.bytes, want)
	}
}

func shorter(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// peakMemory runs a command and returns the largest size of its memory, in bytes.
func peakMemory(t *testing.T, cmd *exec.Cmd) (peak int64) {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	highWater := regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v: %v\n%s", cmd.Args, err, out.String())
			}
			return peak
		case <-time.After(5 * time.Millisecond):
		}
		raw, _ := os.ReadFile(status)
		if found := highWater.FindSubmatch(raw); found != nil {
			kib, _ := strconv.ParseInt(string(found[1]), 10, 64)
			peak = max(peak, kib<<10)
		}
	}
}
