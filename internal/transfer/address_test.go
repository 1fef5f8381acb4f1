package transfer

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url        string
		isLoopback bool // permitted with AllowLoopback
	}{
		{"http://127.0.0.1:1/a", true},
		{"http://localhost:1/a", true},
		{"http://[::1]:1/a", true},
		{"http://127.8.9.10:1/a", true},
		{"http://example.com/a", false},
		{"http://127.0.0.1.example.com/a", false},
		{"http://10.0.0.1/a", false},
		{"ftp://127.0.0.1/a", false},
		{"file:///etc/passwd", false},
		{"https:///a", false},
		{"", false},
		{"%", false},
		{"a.png", false},
		{"//example.com/a", false},
		{"http://localhost@example.com/a", false},
	}
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			t.Parallel()
			d := newDownloader()
			if _, err := d.check(tt.url); (err == nil) != tt.isLoopback {
				t.Errorf("got %v, want an error: %t", err, !tt.isLoopback)
			}
			d.AllowLoopback = false
			if _, err := d.check(tt.url); !errors.As(err, new(*AddressError)) {
				t.Errorf("without AllowLoopback: got %v, want an AddressError", err)
			}
		})
	}
	if _, err := (&Downloader{}).check("HTTPS://example.com/a"); err != nil {
		t.Error(err)
	}
	_, err := save(t.Context(), newDownloader(), "http://user:pass@example.com/a?signature=s3cret#s3cret", filepath.Join(t.TempDir(), "a"))
	if want := "will not download from http://example.com/a: only https is safe"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestRedirects: a redirect is followed without secrets, but not from https to http and not more than ten times.
func TestRedirects(t *testing.T) {
	t.Parallel()
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, secret := range []string{"Authorization", "X-Api-Key", "Cookie", "Referer"} {
			if r.Header.Get(secret) != "" {
				t.Errorf("got the header %s: %s, want none", secret, r.Header.Get(secret))
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
	if _, err := save(t.Context(), newDownloader(), from+"/?signature=s3cret&to="+target, path); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, []byte("there"))

	d := &Downloader{HTTP: secure.Client()}
	_, err := save(t.Context(), d, secure.URL+"/?to="+target+"/x?signature=s3cret", filepath.Join(folder, "b"))
	var unsafe *AddressError
	if !errors.As(err, &unsafe) || unsafe.URL != target+"/x" || errors.As(err, new(*TruncatedError)) {
		t.Errorf("from https to http: got %v, want an AddressError for %s/x", err, target)
	}
	loop := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	_, err = save(t.Context(), newDownloader(), loop, filepath.Join(folder, "c"))
	if !errors.As(err, new(*TruncatedError)) || !strings.Contains(err.Error(), "too many redirects") {
		t.Errorf("in a loop: got %v, want a TruncatedError", err)
	}
	wantNames(t, folder, "a")
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, status := range []int{204, 206, 304, 403, 404, 500, 503} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
			_, err := save(t.Context(), newDownloader(), url+"/a?signature=s3cret", filepath.Join(folder, "a"))
			var refused *RefusedError
			if !errors.As(err, &refused) || refused.Status != status || refused.URL != url+"/a" || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want a RefusedError with status %d", err, status)
			}
			wantNames(t, folder, "")
		})
	}
}
