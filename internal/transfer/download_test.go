package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// content is a file of n bytes in which no part is like another.
func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8*13)
	}
	return b
}

func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func loader() *Downloader { return &Downloader{HTTP: &http.Client{}, AllowLoopback: true} }

// inFolder are the names in a folder.
func inFolder(t testing.TB, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func wantFile(t testing.TB, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes, not the %d that were sent", path, len(got), len(want))
	}
}

func TestSave(t *testing.T) {
	t.Parallel()
	data := content(1 << 20)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, secret := range []string{"Authorization", "X-Api-Key", "Cookie", "Referer", "Range"} {
			if r.Header.Get(secret) != "" {
				t.Errorf("%s was sent", secret)
			}
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data)
	})
	folder := t.TempDir()
	path := filepath.Join(folder, "new", "folder", "a.png")
	d := loader()
	var last, total int64
	d.Progress = func(done, all int64) {
		if done <= last {
			t.Errorf("progress went from %d to %d", last, done)
		}
		last, total = done, all
	}
	size, err := d.Save(t.Context(), url+"/a.png?signature=s3cret", path)
	if err != nil || size != int64(len(data)) || last != size || total != size {
		t.Fatalf("got %d, %v; progress %d of %d", size, err, last, total)
	}
	wantFile(t, path, data)
	if got := inFolder(t, filepath.Dir(path)); got != "a.png" {
		t.Errorf("left %s", got)
	}
}

func TestSaveText(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "a.txt")
	d := &Downloader{}
	if size, err := d.SaveText("Grüße", path); err != nil || size != 7 {
		t.Fatalf("got %d, %v", size, err)
	}
	wantFile(t, path, []byte("Grüße"))
	var exists *ExistsError
	if _, err := d.SaveText("other", path); !errors.As(err, &exists) || exists.Path != path {
		t.Errorf("got %v", err)
	}
	wantFile(t, path, []byte("Grüße"))
}

// TestEmptyFile: nothing is a file, too.
func TestEmptyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a")
	size, err := loader().Save(t.Context(), serve(t, func(http.ResponseWriter, *http.Request) {}), path)
	if err != nil || size != 0 {
		t.Fatalf("got %d, %v", size, err)
	}
	wantFile(t, path, nil)
}

// TestInTheWay: what is there stays, unless replacing it was asked for, and a symlink is never written through.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	var asked sync.Map // the names of the tests that made a request
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.Query().Get("for"), true)
		_, _ = io.WriteString(w, "new")
	})
	tests := []struct {
		name  string
		force bool
		make  func(folder, path string) error
		ok    bool
		after func(t *testing.T, folder, path string)
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
				t.Errorf("%v, %v", info.Mode(), err)
			}
		}},
		{"symlink to nowhere", false, func(folder, path string) error { return os.Symlink(filepath.Join(folder, "nowhere"), path) }, false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "a.png")
			if err := tt.make(folder, path); err != nil {
				t.Skip(err)
			}
			before := inFolder(t, folder)
			d := loader()
			d.Force = tt.force
			_, err := d.Save(t.Context(), url+"?for="+neturl.QueryEscape(tt.name), path)
			if _, fetched := asked.Load(tt.name); fetched != tt.ok {
				t.Errorf("fetched: %v", fetched)
			}
			var exists *ExistsError
			if (err == nil) != tt.ok || err != nil && (!errors.As(err, &exists) || exists.Path != path) {
				t.Errorf("got %v", err)
			}
			if after := inFolder(t, folder); after != before {
				t.Errorf("%s became %s", before, after)
			}
			if tt.after != nil {
				tt.after(t, folder, path)
			}
		})
	}
}

func symlinked(folder, path string) error {
	target := filepath.Join(folder, "target")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		return err
	}
	return os.Symlink(target, path)
}

// TestFileAppears: a file that comes to be in the way while the download runs is not replaced.
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
	_, err := loader().Save(t.Context(), url, path)
	var exists *ExistsError
	if !errors.As(err, &exists) {
		t.Errorf("got %v", err)
	}
	wantFile(t, path, []byte("theirs"))
	if got := inFolder(t, folder); got != "a.png" {
		t.Errorf("left %s", got)
	}
}

// TestFileInPlaceOfFolder: a file where the folder should be is the person's, and stays.
func TestFileInPlaceOfFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "out"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	var path *os.PathError
	if _, err := loader().SaveText("x", filepath.Join(folder, "out", "a.txt")); !errors.As(err, &path) {
		t.Errorf("got %v", err)
	}
	wantFile(t, filepath.Join(folder, "out"), []byte("old"))
}

func TestLongName(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	name := strings.Repeat("ü", 120) + ".png"
	if _, err := loader().SaveText("x", filepath.Join(folder, name)); err != nil {
		t.Fatal(err)
	}
	if got := inFolder(t, folder); got != name {
		t.Errorf("left %s", got)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for rawURL, loopback := range map[string]bool{
		"http://127.0.0.1:1/a": true, "http://localhost:1/a": true, "http://[::1]:1/a": true, "http://127.8.9.10:1/a": true,
		"http://example.com/a": false, "http://127.0.0.1.example.com/a": false, "http://10.0.0.1/a": false, "ftp://127.0.0.1/a": false,
		"file:///etc/passwd": false, "https:///a": false, "": false, "%": false, "a.png": false, "//example.com/a": false,
		"http://localhost@example.com/a": false,
	} {
		d := loader()
		if _, err := d.check(rawURL); (err == nil) != loopback {
			t.Errorf("%q: got %v", rawURL, err)
		}
		d.AllowLoopback = false
		_, err := d.check(rawURL)
		var unsafe *AddressError
		if !errors.As(err, &unsafe) {
			t.Errorf("%q where loopback is not allowed: got %v", rawURL, err)
		}
	}
	if _, err := (&Downloader{}).check("HTTPS://example.com/a"); err != nil {
		t.Error(err)
	}
	_, err := loader().Save(t.Context(), "http://user:pass@example.com/a?signature=s3cret#s3cret", filepath.Join(t.TempDir(), "a"))
	if err == nil || err.Error() != "will not download from http://example.com/a: only https is safe" {
		t.Errorf("got %v", err)
	}
}

// TestRedirects: the CDN may redirect, but neither to where reading along is easy nor with what is not its business.
func TestRedirects(t *testing.T) {
	t.Parallel()
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, secret := range []string{"Authorization", "X-Api-Key", "Cookie", "Referer"} {
			if r.Header.Get(secret) != "" {
				t.Errorf("%s was sent on: %s", secret, r.Header.Get(secret))
			}
		}
		_, _ = io.WriteString(w, "there")
	})
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	}))
	t.Cleanup(secure.Close)
	folder := t.TempDir()
	from := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	})

	path := filepath.Join(folder, "a")
	if _, err := loader().Save(t.Context(), from+"/?signature=s3cret&to="+target, path); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, []byte("there"))

	d := &Downloader{HTTP: secure.Client()}
	_, err := d.Save(t.Context(), secure.URL+"/?to="+target+"/x?signature=s3cret", filepath.Join(folder, "b"))
	var unsafe *AddressError
	if !errors.As(err, &unsafe) || unsafe.URL != target+"/x" || errors.As(err, new(*TruncatedError)) {
		t.Errorf("from https to http: got %v", err)
	}
	circle := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	_, err = loader().Save(t.Context(), circle, filepath.Join(folder, "c"))
	if !errors.As(err, new(*TruncatedError)) || !strings.Contains(err.Error(), "too many redirects") {
		t.Errorf("in circles: got %v", err)
	}
	if got := inFolder(t, folder); got != "a" {
		t.Errorf("left %s", got)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, status := range []int{204, 206, 304, 403, 404, 500, 503} {
		folder := t.TempDir()
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		_, err := loader().Save(t.Context(), url+"/a?signature=s3cret", filepath.Join(folder, "a"))
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Status != status || refused.URL != url+"/a" || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%d: got %v", status, err)
		}
		if got := inFolder(t, folder); got != "" {
			t.Errorf("%d: left %s", status, got)
		}
	}
}

// A host serves one file and cuts connections. Each answer is one of answers, of which the last is repeated.
type host struct {
	answers []func(w http.ResponseWriter, r *http.Request)
	mu      sync.Mutex
	asked   []string
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	n := len(h.asked)
	h.asked = append(h.asked, strings.TrimSpace(r.Header.Get("Range")+" "+r.Header.Get("If-Range")))
	h.mu.Unlock()
	h.answers[min(n, len(h.answers)-1)](w, r)
}

func (h *host) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.asked)
}

type answers = []func(w http.ResponseWriter, r *http.Request)

// sends answers with a status, pairs of headers and a body, and cuts the connection if length says that more is to come.
func sends(status, length int, body []byte, headers ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		if length >= 0 {
			w.Header().Set("Content-Length", fmt.Sprint(length))
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
		_ = http.NewResponseController(w).Flush()
		if length != len(body) {
			panic(http.ErrAbortHandler)
		}
	}
}

func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// TestResume is about connections that are cut.
func TestResume(t *testing.T) {
	t.Parallel()
	data, other := content(1000), bytes.Repeat([]byte("x"), 800)
	offer := []string{"Accept-Ranges", "bytes", "ETag", `"v1"`}
	first := sends(200, 1000, data[:400], offer...)
	rest := func(from, to, total int, tag string) func(http.ResponseWriter, *http.Request) {
		return sends(206, to-from, data[from:to], "Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, total), "ETag", tag)
	}
	tests := []struct {
		name    string
		answers answers
		want    []byte // nil: it fails
		status  int    // of the refusal, if it is one
		asked   string
	}{
		{"goes on", answers{first, rest(400, 1000, 1000, `"v1"`)}, data, 0, `|bytes=400- "v1"`},
		{"goes on twice", answers{
			first, sends(206, 600, data[400:700], "Content-Range", "bytes 400-999/1000", "ETag", `"v1"`), rest(700, 1000, 1000, `"v1"`),
		}, data, 0, `|bytes=400- "v1"|bytes=700- "v1"`},
		{"goes on after no answer", answers{first, cut, rest(400, 1000, 1000, `"v1"`)}, data, 0, `|bytes=400- "v1"|bytes=400- "v1"`},
		{"goes on in small parts", answers{first, rest(400, 600, 1000, `"v1"`), rest(600, 1000, 1000, `"v1"`)}, data, 0, `|bytes=400- "v1"|bytes=600- "v1"`},
		{"of unknown size", answers{sends(200, -1, data[:400], offer...), rest(400, 1000, 1000, `"v1"`)}, data, 0, `|bytes=400- "v1"`},
		{"the rest has no tag", answers{first, sends(206, 600, data[400:], "Content-Range", "bytes 400-999/*")}, data, 0, `|bytes=400- "v1"`},
		{"gives up", answers{first, cut}, nil, 0, `|bytes=400- "v1"|bytes=400- "v1"|bytes=400- "v1"`},
		{"weak tag", answers{sends(200, 1000, data[:400], "Accept-Ranges", "bytes", "ETag", `W/"v1"`)}, nil, 0, ""},
		{"no tag", answers{sends(200, 1000, data[:400], "Accept-Ranges", "bytes")}, nil, 0, ""},
		{"no ranges", answers{sends(200, 1000, data[:400], "ETag", `"v1"`)}, nil, 0, ""},
		{"ranges refused", answers{sends(200, 1000, data[:400], "ETag", `"v1"`, "Accept-Ranges", "none")}, nil, 0, ""},
		{"another file by now", answers{first, sends(200, 800, other)}, other, 0, `|bytes=400- "v1"`},
		{"a shorter file by now", answers{first, sends(200, 300, other[:300])}, other[:300], 0, `|bytes=400- "v1"`},
		{"another file by now, cut too", answers{
			first, sends(200, 800, other[:100], "Accept-Ranges", "bytes", "ETag", `"v2"`),
			sends(206, 700, other[100:], "Content-Range", "bytes 100-799/800", "ETag", `"v2"`),
		}, other, 0, `|bytes=400- "v1"|bytes=100- "v2"`},
		{"another file by now, cut for good", answers{first, sends(200, 800, other[:100])}, nil, 0, `|bytes=400- "v1"`},
		{"wrong start", answers{first, rest(300, 1000, 1000, `"v1"`)}, nil, 0, `|bytes=400- "v1"`},
		{"wrong size", answers{first, rest(400, 1000, 2000, `"v1"`)}, nil, 0, `|bytes=400- "v1"`},
		{"wrong tag", answers{first, rest(400, 1000, 1000, `"v2"`)}, nil, 0, `|bytes=400- "v1"`},
		{"no Content-Range", answers{first, sends(206, 600, data[400:])}, nil, 0, `|bytes=400- "v1"`},
		{"gone by now", answers{first, sends(404, 0, nil)}, nil, 404, `|bytes=400- "v1"`},
		{"range refused", answers{first, sends(416, 0, nil)}, nil, 416, `|bytes=400- "v1"`},
		{"cut at once", answers{cut}, nil, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := &host{answers: tt.answers}
			folder := t.TempDir()
			path := filepath.Join(folder, "a.bin")
			d := &Downloader{HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, AllowLoopback: true}
			size, err := d.Save(t.Context(), serve(t, h.ServeHTTP)+"/a.bin?signature=s3cret", path)
			if got := strings.Join(h.requests(), "|"); got != tt.asked {
				t.Errorf("asked %s, want %s", got, tt.asked)
			}
			if tt.want != nil {
				if err != nil || size != int64(len(tt.want)) {
					t.Fatalf("got %d, %v", size, err)
				}
				wantFile(t, path, tt.want)
				return
			}
			var truncated *TruncatedError
			var refused *RefusedError
			switch {
			case tt.status != 0:
				if !errors.As(err, &refused) || refused.Status != tt.status {
					t.Errorf("got %v", err)
				}
			case !errors.As(err, &truncated) || !strings.HasSuffix(truncated.URL, "/a.bin") || strings.Contains(err.Error(), "s3cret"):
				t.Errorf("got %v", err)
			}
			if got := inFolder(t, folder); got != "" {
				t.Errorf("left %s", got)
			}
		})
	}
}

// TestUnpacked: bytes that the transport unpacked have no place in the packed file, and are not continued.
func TestUnpacked(t *testing.T) {
	t.Parallel()
	resp := &http.Response{StatusCode: http.StatusOK, Uncompressed: true, Header: http.Header{"Etag": {`"v1"`}, "Accept-Ranges": {"bytes"}}}
	if tag := resumable(resp); tag != "" {
		t.Errorf("got %s", tag)
	}
}

// TestCancel: a person who has enough leaves nothing behind.
func TestCancel(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	d := loader()
	d.Progress = func(int64, int64) { cancel() }
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(content(1000))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	_, err := d.Save(ctx, url, filepath.Join(folder, "a.png"))
	var truncated *TruncatedError
	if !errors.Is(err, context.Canceled) || errors.As(err, &truncated) {
		t.Errorf("got %v", err)
	}
	if got := inFolder(t, folder); got != "" {
		t.Errorf("left %s", got)
	}
}

// A stalling transport sends one byte and then nothing.
type stalling struct{}

type stalledBody struct {
	ctx  context.Context
	sent bool
}

func (b *stalledBody) Read(p []byte) (int, error) {
	if !b.sent {
		b.sent = true
		return copy(p, "x"), nil
	}
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func (b *stalledBody) Close() error { return nil }

func (stalling) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, ContentLength: 10, Header: http.Header{}, Body: &stalledBody{ctx: r.Context()}, Request: r}, nil
}

// TestStall: a connection on which nothing comes any more ends by itself.
func TestStall(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		_, err := (&Downloader{HTTP: &http.Client{Transport: stalling{}}}).Save(t.Context(), "https://example.com/a", filepath.Join(folder, "a"))
		var truncated *TruncatedError
		if !errors.As(err, &truncated) || !errors.Is(err, errStalled) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begun); took != stall {
			t.Errorf("took %v", took)
		}
	})
	if got := inFolder(t, folder); got != "" {
		t.Errorf("left %s", got)
	}
}

// TestMemory: a large file goes through a small buffer. Not parallel, for it counts what the process allocates.
func TestMemory(t *testing.T) {
	const size = 64 << 20
	chunk := content(64 << 10)
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		for range size / len(chunk) {
			_, _ = w.Write(chunk)
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := loader().Save(t.Context(), url, filepath.Join(t.TempDir(), "a.mp4"))
	runtime.ReadMemStats(&after)
	if err != nil || n != size {
		t.Fatalf("got %d, %v", n, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("allocated %d KiB for a file of %d KiB", used>>10, size>>10)
	}
}
