package transfer

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A bucket is a storage host. It gives the answers in turn; after them it keeps what it gets.
type bucket struct {
	answers answers
	mu      sync.Mutex
	got     [][]byte
	headers []http.Header
	paths   []string
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	n := len(b.paths)
	b.paths, b.headers = append(b.paths, r.URL.Path), append(b.headers, r.Header.Clone())
	b.mu.Unlock()
	if n < len(b.answers) {
		b.answers[n](w, r)
		return
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPut {
		http.Error(w, "not taken", http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, raw)
}

// requests returns the headers and the paths of the requests so far.
func (b *bucket) requests() (headers []http.Header, paths []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.headers), slices.Clone(b.paths)
}

// files returns what the bucket has kept so far.
func (b *bucket) files() [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

// newUploader returns an uploader for servers on this machine that does not wait between attempts.
func newUploader() *Uploader {
	return &Uploader{
		HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Second}}, AllowLoopback: true,
		sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// targets returns a function that makes the targets base/1, base/2, …
func targets(base string) func(context.Context) (Target, error) {
	n := 0
	return func(context.Context) (Target, error) {
		n++
		return Target{URL: fmt.Sprintf("%s/%d?signature=s3cret", base, n), ContentType: "image/png"}, nil
	}
}

// xml is an error response of a storage service.
func xml(status int, message string) func(http.ResponseWriter, *http.Request) {
	return sends(status, -1, []byte("<Error><Code>Code</Code><Message>"+message+"</Message></Error>"), "Content-Type", "application/xml")
}

// cutAfter reads some bytes and cuts the connection.
func cutAfter(n int64) func(http.ResponseWriter, *http.Request) {
	return func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, n)
		panic(http.ErrAbortHandler)
	}
}

// TestUpload: failures that pass are tried again, an expired target is replaced once, and the others are told apart.
func TestUpload(t *testing.T) {
	t.Parallel()
	expired := xml(403, "Request has expired")
	tests := []struct {
		name       string
		answers    answers
		wantPaths  string
		wantStatus int    // of an UploadError; -1: no response, 0: success
		wantError  string // a part of the message
	}{
		{"at once", nil, "/1", 0, ""},
		{"503", answers{xml(503, "SlowDown")}, "/1 /1", 0, ""},
		{"429", answers{sends(429, 0, nil, "Retry-After", "2")}, "/1 /1", 0, ""},
		{"cut before the bytes", answers{cut}, "/1 /1", 0, ""},
		{"cut after some bytes", answers{cutAfter(1000), cutAfter(100_000)}, "/1 /1 /1", 0, ""},
		{"expired", answers{expired}, "/1 /2", 0, ""},
		{"expired after a cut", answers{cut, expired, cut}, "/1 /1 /2 /2", 0, ""},
		{"expired twice", answers{expired, expired}, "/1 /2", 403, "twice, the second time with a new address (403): Request has expired"},
		{"always 503", answers{xml(503, "a"), xml(503, "a"), xml(503, "a"), xml(503, "Down")}, "/1 /1 /1 /1", 503, "(503): Down"},
		{"always cut", answers{cut, cut, cut, cut}, "/1 /1 /1 /1", -1, "could not upload to 127.0.0.1:"},
		{"413", answers{sends(413, -1, []byte(`{"error":"too large"}`))}, "/1", 413, "(413): too large"},
		{"400", answers{sends(400, -1, []byte("wrong type"), "Content-Type", "text/plain")}, "/1", 400, "(400): wrong type"},
		{"a redirect", answers{sends(307, 0, nil, "Location", "/elsewhere")}, "/1", 307, "(307)"},
		{"408 and 425", answers{sends(408, 0, nil), sends(425, 0, nil)}, "/1 /1 /1", 0, ""},
		{"429 for an hour", answers{sends(429, 0, nil, "Retry-After", "3600")}, "/1", 429, "(429)"},
	}
	data := content(2 << 20)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := &bucket{answers: tt.answers}
			base := serve(t, b.ServeHTTP)
			err := newUploader().Upload(t.Context(), bytes.NewReader(data), int64(len(data)), targets(base), nil)
			if _, paths := b.requests(); strings.Join(paths, " ") != tt.wantPaths {
				t.Errorf("got the requests %s, want %s", paths, tt.wantPaths)
			}
			if tt.wantStatus == 0 {
				if files := b.files(); err != nil || len(files) != 1 || !bytes.Equal(files[0], data) {
					t.Errorf("got %v and %d files, want the bytes once", err, len(files))
				}
				return
			}
			var refused *UploadError
			if !errors.As(err, &refused) || refused.Status != max(tt.wantStatus, 0) || !strings.Contains(err.Error(), tt.wantError) {
				t.Errorf("got %v, want status %d and %q", err, tt.wantStatus, tt.wantError)
			}
			if strings.Contains(fmt.Sprint(err), "s3cret") {
				t.Errorf("got %v, want no signature", err)
			}
		})
	}
}

// TestUploadUntrusted: an upload to a host whose certificate is not trusted, or that does not use TLS, is tried once.
func TestUploadUntrusted(t *testing.T) {
	t.Parallel()
	for _, err := range []error{x509.UnknownAuthorityError{}, tls.RecordHeaderError{Msg: "no TLS"}, http.ErrSchemeMismatch} {
		u, requests := newUploader(), 0
		u.HTTP = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { requests++; return nil, err })}
		got := u.Upload(t.Context(), strings.NewReader("abc"), 3, targets("https://example.com"), nil)
		if !errors.As(got, new(*UploadError)) || requests != 1 {
			t.Errorf("got %v after %d requests, want an UploadError after one", got, requests)
		}
	}
}

// TestUploadHeaders: the host of a presigned URL gets the media type and the length, and nothing else of the session.
func TestUploadHeaders(t *testing.T) {
	t.Parallel()
	b := &bucket{}
	if err := newUploader().Upload(t.Context(), strings.NewReader("abc"), 3, targets(serve(t, b.ServeHTTP)), nil); err != nil {
		t.Fatal(err)
	}
	headers, _ := b.requests()
	var names []string
	for name := range headers[0] {
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{"Accept-Encoding", "Connection", "Content-Length", "Content-Type", "User-Agent"}
	if !slices.Equal(names, want) || headers[0].Get("Content-Type") != "image/png" {
		t.Errorf("got the headers %v, want %v", headers[0], want)
	}
}

// TestUploadAddress: bytes are sent only to https, and to http on this machine if that is permitted.
func TestUploadAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://example.com/a", "ftp://127.0.0.1/a", "", "/a", "file:///etc/passwd"} {
		target := func(context.Context) (Target, error) { return Target{URL: address}, nil }
		err := newUploader().Upload(t.Context(), strings.NewReader("abc"), 3, target, nil)
		if !errors.As(err, new(*AddressError)) {
			t.Errorf("%s: got %v, want an AddressError", address, err)
		}
	}
	u := newUploader()
	u.AllowLoopback = false
	if err := u.Upload(t.Context(), strings.NewReader("abc"), 3, targets("http://127.0.0.1:1"), nil); !errors.As(err, new(*AddressError)) {
		t.Errorf("got %v, want an AddressError", err)
	}
}

// TestUploadSource: a file that cannot be read, or became shorter, is not blamed on the network, and not tried again.
func TestUploadSource(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, content(1000), 0o600); err != nil {
		t.Fatal(err)
	}
	short, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer short.Close()
	closed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, file := range map[string]*os.File{"shorter": short, "closed": closed} {
		b := &bucket{}
		err := newUploader().Upload(t.Context(), file, 5000, targets(serve(t, b.ServeHTTP)), nil)
		_, paths := b.requests()
		if !errors.As(err, new(*SourceError)) || len(paths) > 1 || len(b.files()) > 0 {
			t.Errorf("%s: got %v after %d requests, want a SourceError after one", name, err, len(paths))
		}
	}
}

// TestUploadProgress: the progress ends with the size, and begins again with each attempt.
func TestUploadProgress(t *testing.T) {
	t.Parallel()
	b := &bucket{answers: answers{cutAfter(10)}}
	var mu sync.Mutex
	var steps []int64
	data := content(300_000)
	err := newUploader().Upload(t.Context(), bytes.NewReader(data), int64(len(data)), targets(serve(t, b.ServeHTTP)), func(sent int64) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, sent)
	})
	mu.Lock()
	defer mu.Unlock()
	if err != nil || len(steps) == 0 || steps[len(steps)-1] != int64(len(data)) {
		t.Errorf("got %v and the steps %v, want the size at the end", err, steps)
	}
}

// TestUploadCancel: a cancelled upload ends, without another attempt.
func TestUploadCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := &bucket{answers: answers{func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		_, _ = io.Copy(io.Discard, r.Body) // ends when the connection ends
	}}}
	data := content(64 << 20)
	err := newUploader().Upload(ctx, bytes.NewReader(data), int64(len(data)), targets(serve(t, b.ServeHTTP)), nil)
	if _, paths := b.requests(); !errors.Is(err, context.Canceled) || len(paths) != 1 {
		t.Errorf("got %v after %d requests, want Canceled after one", err, len(paths))
	}
}

// TestUploadStalls: a host that takes no byte for a minute is left, and tried again.
func TestUploadStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		u := &Uploader{HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			attempts++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}}
		begun := time.Now()
		err := u.Upload(t.Context(), strings.NewReader("abc"), 3, targets("https://example.com"), nil)
		var refused *UploadError
		if !errors.As(err, &refused) || !errors.Is(err, errUploadStalled) || attempts != uploadAttempts {
			t.Errorf("got %v after %d attempts, want errUploadStalled after %d", err, attempts, uploadAttempts)
		}
		if took := time.Since(begun); took < uploadAttempts*stallTimeout || took > uploadAttempts*stallTimeout+time.Minute {
			t.Errorf("got the error after %v, want %d times %v", took, uploadAttempts, stallTimeout)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestHolds: a file counts as gone only if its host denies it.
func TestHolds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		want   bool
	}{
		{"there", sends(200, 5, nil), true},
		{"another size", sends(200, 6, nil), false},
		{"unknown size", sends(204, -1, nil), true},
		{"gone", sends(404, 0, nil), false},
		{"denied", sends(403, 0, nil), false},
		{"no HEAD", sends(405, 0, nil), true},
		{"busy", sends(503, 0, nil), true},
		{"a redirect", sends(302, 0, nil, "Location", "https://example.com"), true},
		{"cut", cut, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if err := recover(); err != nil && tt.name == "cut" {
						panic(err)
					}
				}()
				tt.answer(w, r)
			}))
			t.Cleanup(server.Close)
			if got := newUploader().Holds(t.Context(), server.URL, 5); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
	if newUploader().Holds(t.Context(), "http://example.com/a", 5) {
		t.Error("an unsafe address: got true, want false")
	}
}
