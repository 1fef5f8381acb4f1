// Package download brings a run's outputs to disk: it chooses names that stay in the folder a person chose, and
// streams through a temporary file, so that what is there under its name is whole.
package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// An ExistsError means that a file is in the way and overwriting was not asked for.
type ExistsError struct{ Path string }

// Error names the file.
func (e *ExistsError) Error() string { return fmt.Sprintf("%s already exists", e.Path) }

// A RefusedError is an answer of the file's host that says no.
type RefusedError struct {
	URL    string // without its query, which may hold a signature
	Status int
}

// Error says what was refused.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
}

// A TruncatedError means that the connection ended before the whole file had come, and trying on did not help.
type TruncatedError struct {
	URL string
	Err error
}

// Error says which download was cut off.
func (e *TruncatedError) Error() string {
	return fmt.Sprintf("the download of %s was cut off: %v", e.URL, e.Err)
}

// Unwrap returns the cause.
func (e *TruncatedError) Unwrap() error { return e.Err }

// A Downloader fetches files. HTTP must carry no credentials.
type Downloader struct {
	HTTP *http.Client
	// Force replaces files that are in the way.
	Force bool
	// AllowLoopback permits plain http to this machine, for a service that runs on it.
	AllowLoopback bool
	// Progress, if set, is told of the bytes so far and of all of them (-1: unknown).
	Progress func(done, total int64)
}

// Save writes what is at rawURL to the file at path, making its folder where needed, and returns its size.
func (d *Downloader) Save(ctx context.Context, rawURL, path string) (int64, error) {
	u, err := d.check(rawURL)
	if err != nil {
		return 0, err
	}
	return d.write(path, func(f *os.File) (int64, error) { return d.stream(ctx, u, f) })
}

// SaveText writes text to the file at path, in the same way.
func (d *Downloader) SaveText(text, path string) (int64, error) {
	return d.write(path, func(f *os.File) (int64, error) { return io.Copy(f, strings.NewReader(text)) })
}

// write lets fill write a .part file beside path, and gives it its name when it is whole.
func (d *Downloader) write(path string, fill func(*os.File) (int64, error)) (size int64, err error) {
	if err := d.inTheWay(path); err != nil {
		return 0, err
	}
	folder, name := filepath.Split(path)
	if folder != "" {
		if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // a person's own folder, like any other
			return 0, fmt.Errorf("could not make the folder for the download: %w", err)
		}
	}
	f, err := os.CreateTemp(folder, name+".*.part")
	if err != nil {
		return 0, fmt.Errorf("could not write the download: %w", err)
	}
	defer func() {
		_ = f.Close()
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if size, err = fill(f); err != nil {
		return 0, err
	}
	if err = f.Chmod(0o644); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return 0, fmt.Errorf("could not write the download: %w", err)
	}
	if err = f.Close(); err != nil {
		return 0, fmt.Errorf("could not write the download: %w", err)
	}
	if err = d.publish(f.Name(), path); err != nil {
		return 0, err
	}
	return size, nil
}

// publish gives the finished file its name. A link, unlike a rename, fails if something came to be in the way.
func (d *Downloader) publish(part, path string) error {
	if !d.Force {
		err := os.Link(part, path)
		if err == nil {
			return os.Remove(part)
		}
		if errors.Is(err, fs.ErrExist) {
			return &ExistsError{Path: path}
		}
		if err := d.inTheWay(path); err != nil { // a file system without links
			return err
		}
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("could not write the download: %w", err)
	}
	return nil
}

func (d *Downloader) inTheWay(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("could not look at the place for the download: %w", err)
	case info.IsDir() || !d.Force:
		return &ExistsError{Path: path}
	}
	return nil
}

// stream copies a URL to f. If the connection is cut and the host can send the rest, it goes on from there.
func (d *Downloader) stream(ctx context.Context, u *url.URL, f *os.File) (int64, error) {
	const tries = 4
	var done int64
	var tag string
	for try := 1; ; try++ {
		n, total, newTag, err := d.part(ctx, u, f, done, tag)
		done += n
		tag = newTag
		if err == nil {
			return done, nil
		}
		var cut *TruncatedError
		if ctx.Err() != nil || !errors.As(err, &cut) || try == tries || tag == "" || total < 0 {
			return done, err
		}
	}
}

// part copies from offset done on, which is 0 or what came before a cut of the file that tag names. It returns how
// much came, the size of the whole file (-1: unknown) and its tag ("": it cannot be resumed).
func (d *Downloader) part(ctx context.Context, u *url.URL, f *os.File, done int64, tag string) (int64, int64, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, -1, "", fmt.Errorf("could not make the request: %w", err)
	}
	want := http.StatusOK
	if done > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", done))
		req.Header.Set("If-Range", tag)
		want = http.StatusPartialContent
	}
	resp, err := d.client().Do(req)
	if err != nil {
		return 0, -1, tag, &TruncatedError{URL: bare(u), Err: withoutURL(err)}
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		return 0, -1, "", &RefusedError{URL: bare(u), Status: resp.StatusCode}
	}
	total := resp.ContentLength
	if total >= 0 {
		total += done
	}
	n, err := d.copy(f, resp.Body, bare(u), done, total)
	return n, total, resumable(resp), err
}

// copy is io.Copy with progress, that tells a failing disk from a failing network.
func (d *Downloader) copy(f *os.File, body io.Reader, name string, done, total int64) (int64, error) {
	buf := make([]byte, 256<<10)
	var n int64
	for {
		read, rerr := body.Read(buf)
		if read > 0 {
			if _, err := f.Write(buf[:read]); err != nil {
				return n, fmt.Errorf("could not write the download: %w", err)
			}
			n += int64(read)
			if d.Progress != nil {
				d.Progress(done+n, total)
			}
		}
		switch {
		case errors.Is(rerr, io.EOF):
			return n, nil
		case rerr != nil:
			return n, &TruncatedError{URL: name, Err: rerr}
		}
	}
}

// resumable returns the strong validator of a response that can be continued with a range (RFC 9110 §13.1.5), or "".
func resumable(resp *http.Response) string {
	tag := resp.Header.Get("ETag")
	if resp.Header.Get("Accept-Ranges") != "bytes" && resp.StatusCode != http.StatusPartialContent || strings.HasPrefix(tag, "W/") {
		return ""
	}
	return tag
}

// client returns HTTP with a guard on redirects.
func (d *Downloader) client() *http.Client {
	c := *d.HTTP
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("too many redirects")
		}
		req.Header.Del("Referer")
		_, err := d.check(req.URL.String())
		return err
	}
	return &c
}

// check refuses addresses that are not https, or plain http to this machine where that is allowed.
func (d *Downloader) check(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("the output is not at an address that can be downloaded")
	case u.Scheme == "https":
		return u, nil
	case u.Scheme == "http" && d.AllowLoopback && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("will not download from %s: only https is safe", bare(u))
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// bare is a URL without what may hold a secret.
func bare(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// withoutURL takes off the wrapping of net/http, which repeats the whole URL.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
