package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A host is a file server that cuts connections. It gives the answers in turn and repeats the last one.
type host struct {
	answers answers
	mu      sync.Mutex
	ranges  []string // the headers Range and If-Range of each request
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	n := len(h.ranges)
	h.ranges = append(h.ranges, strings.TrimSpace(r.Header.Get("Range")+" "+r.Header.Get("If-Range")))
	h.mu.Unlock()
	h.answers[min(n, len(h.answers)-1)](w, r)
}

func (h *host) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ranges)
}

type answers = []func(w http.ResponseWriter, r *http.Request)

// sends returns an answer with a status, pairs of headers and a body. It cuts the connection if length is not that of body.
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

// TestResume: a download continues after the connection was cut, if the host supports it and the file has not changed.
func TestResume(t *testing.T) {
	t.Parallel()
	data, other := content(1000), bytes.Repeat([]byte("x"), 800)
	offer := []string{"Accept-Ranges", "bytes", "ETag", `"v1"`}
	first := sends(200, 1000, data[:400], offer...)
	rest := func(from, to, total int, tag string) func(http.ResponseWriter, *http.Request) {
		return sends(206, to-from, data[from:to], "Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, total), "ETag", tag)
	}
	whole := sends(200, 1000, data, "ETag", `"v1"`)
	says := func(status int, headers ...string) func(http.ResponseWriter, *http.Request) {
		return sends(status, 0, nil, headers...)
	}
	tests := []struct {
		name       string
		answers    answers
		want       []byte // nil: an error
		wantStatus int    // of a RefusedError; 0: a TruncatedError
		wantRanges string
	}{
		{"one cut", answers{first, rest(400, 1000, 1000, `"v1"`)}, data, 0, `|bytes=400- "v1"`},
		{"two cuts", answers{
			first, sends(206, 600, data[400:700], "Content-Range", "bytes 400-999/1000", "ETag", `"v1"`), rest(700, 1000, 1000, `"v1"`),
		}, data, 0, `|bytes=400- "v1"|bytes=700- "v1"`},
		{"no response to the second request", answers{first, cut, rest(400, 1000, 1000, `"v1"`)}, data, 0, `|bytes=400- "v1"|bytes=400- "v1"`},
		{"small parts", answers{first, rest(400, 600, 1000, `"v1"`), rest(600, 1000, 1000, `"v1"`)}, data, 0, `|bytes=400- "v1"|bytes=600- "v1"`},
		{"unknown size", answers{sends(200, -1, data[:400], offer...), rest(400, 1000, 1000, `"v1"`)}, data, 0, `|bytes=400- "v1"`},
		{"unknown size, small parts", answers{
			sends(200, -1, data[:400], offer...), rest(400, 600, 1000, `"v1"`), rest(600, 1000, 1000, `"v1"`),
		}, data, 0, `|bytes=400- "v1"|bytes=600- "v1"`},
		{"size never known", answers{
			sends(200, -1, data[:400], offer...), sends(206, 200, data[400:600], "Content-Range", "bytes 400-599/*", "ETag", `"v1"`), whole,
		}, data, 0, `|bytes=400- "v1"|`},
		{"the rest has no tag", answers{first, sends(206, 600, data[400:], "Content-Range", "bytes 400-999/*")}, data, 0, `|bytes=400- "v1"`},
		{"all attempts cut", answers{first, cut}, nil, 0, `|bytes=400- "v1"|bytes=400- "v1"|bytes=400- "v1"`},
		{"more cuts than attempts, with progress", answers{
			sends(200, 1000, data[:100], offer...), sends(206, 900, data[100:200], "Content-Range", "bytes 100-999/1000"), cut,
			sends(206, 800, data[200:300], "Content-Range", "bytes 200-999/1000"), cut, cut, sends(206, 700, data[300:400], "Content-Range", "bytes 300-999/1000"),
			rest(400, 1000, 1000, `"v1"`),
		}, data, 0, `|bytes=100- "v1"|bytes=200- "v1"|bytes=200- "v1"|bytes=300- "v1"|bytes=300- "v1"|bytes=300- "v1"|bytes=400- "v1"`},
		{"weak tag", answers{sends(200, 1000, data[:400], "Accept-Ranges", "bytes", "ETag", `W/"v1"`), whole}, data, 0, "|"},
		{"no tag", answers{sends(200, 1000, data[:400], "Accept-Ranges", "bytes"), whole}, data, 0, "|"},
		{"no tag, cut each time at the same place", answers{sends(200, 1000, data[:400])}, nil, 0, "|||"},
		{"host that does not know ranges", answers{sends(200, 1000, data[:400], "ETag", `"v1"`), whole}, data, 0, `|bytes=400- "v1"`},
		{"ranges refused", answers{sends(200, 1000, data[:400], "ETag", `"v1"`, "Accept-Ranges", "none"), whole}, data, 0, "|"},
		{"changed file", answers{first, sends(200, 800, other)}, other, 0, `|bytes=400- "v1"`},
		{"changed and shorter file", answers{first, sends(200, 300, other[:300])}, other[:300], 0, `|bytes=400- "v1"`},
		{"changed file, cut too", answers{
			first, sends(200, 800, other[:100], "Accept-Ranges", "bytes", "ETag", `"v2"`),
			sends(206, 700, other[100:], "Content-Range", "bytes 100-799/800", "ETag", `"v2"`),
		}, other, 0, `|bytes=400- "v1"|bytes=100- "v2"`},
		{"changed file, cut without a tag", answers{first, sends(200, 800, other[:100]), sends(200, 800, other)}, other, 0, `|bytes=400- "v1"|`},
		{"wrong start", answers{first, rest(300, 1000, 1000, `"v1"`), whole}, data, 0, `|bytes=400- "v1"|`},
		{"wrong size", answers{first, rest(400, 1000, 2000, `"v1"`), whole}, data, 0, `|bytes=400- "v1"|`},
		{"wrong tag", answers{first, rest(400, 1000, 1000, `"v2"`), whole}, data, 0, `|bytes=400- "v1"|`},
		{"no Content-Range", answers{first, sends(206, 600, data[400:]), whole}, data, 0, `|bytes=400- "v1"|`},
		{"wrong part, and the next download is cut", answers{first, sends(206, 600, data[400:]), first, whole}, data, 0, `|bytes=400- "v1"||`},
		{"a part instead of the whole file", answers{first, sends(206, 600, data[400:])}, nil, 206, `|bytes=400- "v1"|`},
		{"range refused", answers{first, says(416), whole}, data, 0, `|bytes=400- "v1"|`},
		{"file removed", answers{first, says(404)}, nil, 404, `|bytes=400- "v1"`},
		{"host fails between the parts", answers{first, says(503), says(429), rest(400, 1000, 1000, `"v1"`)}, data, 0, `|bytes=400- "v1"|bytes=400- "v1"|bytes=400- "v1"`},
		{"cut at once", answers{cut, whole}, data, 0, "|"},
		{"always cut at once", answers{cut}, nil, 0, "|||"},
		{"503 at first", answers{says(503), whole}, data, 0, "|"},
		{"429 at first", answers{says(429, "Retry-After", "1"), whole}, data, 0, "|"},
		{"429 with a second each time", answers{
			says(429, "Retry-After", "1"), says(429, "Retry-After", "1"), says(429, "Retry-After", "1"), says(429, "Retry-After", "1"), says(429, "Retry-After", "1"), whole,
		}, data, 0, "|||||"},
		{"429 for an hour", answers{says(429, "Retry-After", "3600"), whole}, nil, 429, ""},
		{"429 for a time that overflows", answers{says(429, "Retry-After", "99999999999999999999"), whole}, nil, 429, ""},
		{"408 and 425", answers{says(408), says(425), whole}, data, 0, "||"},
		{"500 for good", answers{says(500)}, nil, 500, "|||"},
		{"403 is final", answers{says(403), whole}, nil, 403, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := &host{answers: tt.answers}
			folder := t.TempDir()
			path := filepath.Join(folder, "a.bin")
			d := newDownloader()
			d.HTTP.Transport = &http.Transport{DisableKeepAlives: true}
			size, err := save(t.Context(), d, serve(t, h.ServeHTTP)+"/a.bin?signature=s3cret", path)
			if got := strings.Join(h.requests(), "|"); got != tt.wantRanges {
				t.Errorf("got the requests %s, want %s", got, tt.wantRanges)
			}
			if tt.want != nil {
				if err != nil || size != int64(len(tt.want)) {
					t.Fatalf("got %d, %v, want %d", size, err, len(tt.want))
				}
				wantFile(t, path, tt.want)
				return
			}
			var truncated *TruncatedError
			var refused *RefusedError
			switch {
			case tt.wantStatus != 0:
				if !errors.As(err, &refused) || refused.Status != tt.wantStatus {
					t.Errorf("got %v, want a RefusedError with status %d", err, tt.wantStatus)
				}
			case !errors.As(err, &truncated) || !strings.HasSuffix(truncated.URL, "/a.bin") || strings.Contains(err.Error(), "s3cret"):
				t.Errorf("got %v, want a TruncatedError without the query", err)
			}
			wantNames(t, folder, "")
		})
	}
}

// TestDecompressed: a body that the transport decompressed is not resumed.
func TestDecompressed(t *testing.T) {
	t.Parallel()
	resp := &http.Response{StatusCode: http.StatusOK, Uncompressed: true, Header: http.Header{"Etag": {`"v1"`}, "Accept-Ranges": {"bytes"}}}
	if tag := resumable(resp); tag != "" {
		t.Errorf("got the tag %s, want none", tag)
	}
}

// TestCancel: a cancelled download leaves no file.
func TestCancel(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	d := newDownloader()
	d.Progress = func(int64, int64) { cancel() }
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(content(1000))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	_, err := save(ctx, d, url, filepath.Join(folder, "a.png"))
	var truncated *TruncatedError
	if !errors.Is(err, context.Canceled) || errors.As(err, &truncated) {
		t.Errorf("got %v, want Canceled and no TruncatedError", err)
	}
	wantNames(t, folder, "")
}

// A stalling transport sends one byte and then no more.
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

// TestStall: a connection without data is closed after stallTimeout, and the download is tried four times.
func TestStall(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		_, err := save(t.Context(), (&Downloader{HTTP: &http.Client{Transport: stalling{}}}), "https://example.com/a", filepath.Join(folder, "a"))
		var truncated *TruncatedError
		if !errors.As(err, &truncated) || !errors.Is(err, errStalled) {
			t.Errorf("got %v, want errStalled", err)
		}
		if took := time.Since(begun); took < 4*stallTimeout || took > 5*stallTimeout {
			t.Errorf("got the error after %v, want four times %v and a little more", took, stallTimeout)
		}
	})
	wantNames(t, folder, "")
}

// TestMemory: a large file is copied with a small buffer. The test is not parallel, because it measures the whole process.
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
	n, err := save(t.Context(), newDownloader(), url, filepath.Join(t.TempDir(), "a.mp4"))
	runtime.ReadMemStats(&after)
	if err != nil || n != size {
		t.Fatalf("got %d, %v, want %d", n, err, size)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("got %d KiB allocated for a file of %d KiB, want at most 4096", used>>10, size>>10)
	}
}
