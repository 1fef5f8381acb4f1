// Package transfer brings a run's outputs to disk: it chooses names that stay in the folder a person chose, and
// streams through a temporary file, so that what is there under its name is whole.
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

// A TruncatedError means that there was no connection, or that it ended before the whole file had come, and that trying
// on did not help.
type TruncatedError struct {
	URL string
	Err error
}

// Error says which download failed, and why.
func (e *TruncatedError) Error() string {
	return fmt.Sprintf("could not download %s: %v", e.URL, e.Err)
}

// Unwrap returns the cause.
func (e *TruncatedError) Unwrap() error { return e.Err }

// An AddressError means that an output, or what it redirects to, is at an address that is not safe to download from.
type AddressError struct {
	URL string // without its query; empty if it is no address at all
}

// Error names the address.
func (e *AddressError) Error() string {
	if e.URL == "" {
		return "the output is not at an address that can be downloaded"
	}
	return fmt.Sprintf("will not download from %s: only https is safe", e.URL)
}

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
	return d.write(path, func(f *os.File) (int64, error) {
		n, err := io.WriteString(f, text)
		if err != nil {
			return 0, diskError(err)
		}
		return int64(n), nil
	})
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

// createPart makes a new file beside the one that it will become. Unlike os.CreateTemp it leaves the permissions to the
// person's umask.
func createPart(folder, name string) (*os.File, error) {
	name = strings.ToValidUTF8(name[:min(len(name), 200)], "") // room for what follows
	name = fmt.Sprintf("%s.%s.part", name, rand.Text()[:10])
	return os.OpenFile(filepath.Join(folder, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // see above
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
	if err := os.Rename(part, path); err != nil { //nolint:gosec // the path is the person's choice
		return diskError(err)
	}
	return nil
}

func (d *Downloader) inTheWay(path string) error {
	info, err := os.Lstat(path) //nolint:gosec // the path is the person's choice
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
		return nil, &AddressError{}
	case u.Scheme == "https":
		return u, nil
	case u.Scheme == "http" && d.AllowLoopback && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, &AddressError{URL: bare(u)}
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
