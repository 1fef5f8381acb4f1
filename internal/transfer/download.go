// Package transfer downloads the outputs of a run. It derives safe file names from the service's data, writes each file under
// a temporary name and renames it when it is complete, and resumes a download that was cut off.
package transfer

import (
	"context"
	"crypto/rand"
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
	"time"
)

// An ExistsError means that the path exists and may not be replaced.
type ExistsError struct{ Path string }

// Error names the path.
func (e *ExistsError) Error() string { return fmt.Sprintf("%s already exists", e.Path) }

// A RefusedError is a response of the file's host with an unexpected status.
type RefusedError struct {
	URL    string // without its query, which may contain a signature
	Status int
}

// Error names the URL and the status.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
}

// A TruncatedError means that a connection failed or ended before the file was complete, and that retries failed too.
type TruncatedError struct {
	URL string // without its query
	Err error
}

// Error names the URL and the cause.
func (e *TruncatedError) Error() string {
	return fmt.Sprintf("could not download %s: %v", e.URL, e.Err)
}

// Unwrap returns the cause.
func (e *TruncatedError) Unwrap() error { return e.Err }

// An AddressError means that the URL of an output, or a redirect, is invalid or not safe to download from.
type AddressError struct {
	URL string // without its query; empty if it is invalid
}

// Error names the URL.
func (e *AddressError) Error() string {
	if e.URL == "" {
		return "the output has no URL that can be downloaded"
	}
	return fmt.Sprintf("will not download from %s: only https is safe", e.URL)
}

// A Downloader downloads files. HTTP must not add credentials.
type Downloader struct {
	HTTP *http.Client
	// Force permits to replace existing files.
	Force bool
	// AllowLoopback permits http to this machine, for a service that runs on it.
	AllowLoopback bool
	// Progress, if set, is called with the number of bytes so far and in all (-1: unknown).
	Progress func(done, total int64)

	sleep func(ctx context.Context, d time.Duration) error // replaces retry.Sleep in tests
}

// Save downloads rawURL to path and returns the size of the file. It creates missing folders.
func (d *Downloader) Save(ctx context.Context, rawURL, path string) (int64, error) {
	u, err := d.check(rawURL)
	if err != nil {
		return 0, err
	}
	return d.write(path, func(f *os.File) (int64, error) { return d.stream(ctx, u, f) })
}

// SaveText writes text to path as Save does.
func (d *Downloader) SaveText(text, path string) (int64, error) {
	return d.write(path, func(f *os.File) (int64, error) {
		n, err := io.WriteString(f, text)
		if err != nil {
			return 0, diskError(err)
		}
		return int64(n), nil
	})
}

// write calls fill with a temporary file in the folder of path, and moves the file to path when fill has succeeded.
func (d *Downloader) write(path string, fill func(*os.File) (int64, error)) (size int64, err error) {
	if err := d.checkFree(path); err != nil {
		return 0, err
	}
	folder, name := filepath.Split(path)
	if folder != "" {
		if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // the user's own folder, which their umask protects
			return 0, fmt.Errorf("could not create the folder for the download: %w", err)
		}
	}
	f, err := createPart(folder, name)
	if err != nil {
		return 0, diskError(err)
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
	if err = f.Close(); err != nil {
		return 0, diskError(err)
	}
	if err = d.publish(f.Name(), path); err != nil {
		return 0, err
	}
	return size, nil
}

// createPart creates a temporary file for name in folder. Unlike os.CreateTemp it leaves the permissions to the umask.
func createPart(folder, name string) (*os.File, error) {
	name = strings.ToValidUTF8(name[:min(len(name), 200)], "") // leaves room for the suffix
	name = fmt.Sprintf("%s.%s.part", name, rand.Text()[:10])
	return os.OpenFile(filepath.Join(folder, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // the umask decides on the permissions
}

// publish moves the complete file to path. Without Force it uses a link, which unlike a rename fails if path exists by now.
func (d *Downloader) publish(part, path string) error {
	if !d.Force {
		err := os.Link(part, path)
		if err == nil {
			return os.Remove(part)
		}
		if errors.Is(err, fs.ErrExist) {
			return &ExistsError{Path: path}
		}
		if err := d.checkFree(path); err != nil { // the file system has no links
			return err
		}
	}
	if err := os.Rename(part, path); err != nil { //nolint:gosec // the user chose the path
		return diskError(err)
	}
	return nil
}

// checkFree returns an *ExistsError if path may not be written.
func (d *Downloader) checkFree(path string) error {
	info, err := os.Lstat(path) //nolint:gosec // the user chose the path
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("could not check the path of the download: %w", err)
	case info.IsDir() || !d.Force:
		return &ExistsError{Path: path}
	}
	return nil
}

// client returns HTTP with a check of redirects.
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

// check parses rawURL. It returns an *AddressError unless the URL is https, or http to this machine with AllowLoopback.
func (d *Downloader) check(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil || u.Host == "":
		return nil, &AddressError{}
	case u.Scheme == "https":
		return u, nil
	case u.Scheme == "http" && d.AllowLoopback && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, &AddressError{URL: withoutQuery(u)}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// withoutQuery returns a URL without the parts that may contain a secret: user, query and fragment.
func withoutQuery(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// withoutURL removes the *url.Error of net/http, which contains the whole URL.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
