package transfer

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// content returns n bytes without repetition.
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

// newDownloader returns a downloader for servers on this machine that does not wait between attempts.
func newDownloader() *Downloader {
	return &Downloader{
		HTTP: &http.Client{}, AllowLoopback: true,
		sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// inFolder returns the names in a folder.
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
		t.Errorf("got %d bytes in %s, want the %d that were sent", len(got), path, len(want))
	}
}

// wantNames checks which files are in a folder.
func wantNames(t testing.TB, folder, want string) {
	t.Helper()
	if got := inFolder(t, folder); got != want {
		t.Errorf("got the files %q, want %q", got, want)
	}
}

// wantExists checks that err is an *ExistsError for path.
func wantExists(t testing.TB, err error, path string) {
	t.Helper()
	var exists *ExistsError
	if !errors.As(err, &exists) || exists.Path != path {
		t.Errorf("got %v, want an ExistsError for %s", err, path)
	}
}

// save downloads a URL to a path.
func save(ctx context.Context, d *Downloader, url, path string) (int64, error) {
	_, size, err := d.Save(ctx, Output{URL: url}, func(Output) string { return path })
	return size, err
}

// saveText saves a text to a path.
func saveText(d *Downloader, text, path string) (int64, error) {
	_, size, err := d.Save(context.Background(), Output{Text: text}, func(Output) string { return path })
	return size, err
}
