// Package transfer downloads the outputs of a run. It derives safe file names from the service's data, writes each file under
// a temporary name and renames it when it is complete, and resumes or repeats a download that failed for a moment.
package transfer

import (
	"cmp"
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

	"github.com/uselamina/lamina/internal/retry"
)

// An ExistsError means that the path exists and may not be replaced.
type ExistsError struct{ Path string }

// Error names the path.
func (e *ExistsError) Error() string { return fmt.Sprintf("%s already exists", e.Path) }

// A RefusedError is a response of the file's host with an unexpected status.
type RefusedError struct {
	URL    string // without its query, which may contain a signature
	Status int

	retryAfter time.Duration // 0 if the host named no time
}

// Error names the URL and the status.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
}

// IsPassing reports whether a later download may succeed.
func (e *RefusedError) IsPassing() bool { return retry.Passing(e.Status) }

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
	// MaxSize limits the bytes of one file; 0 means no limit.
	MaxSize int64
	// Progress, if set, is called with the number of bytes so far and in all (-1: unknown).
	Progress func(done, total int64)

	sleep func(ctx context.Context, d time.Duration) error // replaces retry.Sleep in tests
}

// A TooLargeError means that a file has more bytes than Downloader.MaxSize.
type TooLargeError struct {
	URL   string // without its query; empty for an output that is not at an address
	Size  int64  // -1: unknown
	Limit int64
}

// Error names the URL; sizes are for those who print the error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s is larger than %d bytes", cmp.Or(e.URL, "the output"), e.Limit)
}

// Save writes an output to the path that name returns for it, and returns the path and the size of the file. It calls name before the
// download, to refuse an existing file at once, and again when the media type of the content is known, which decides the extension.
// Save creates missing folders.
func (d *Downloader) Save(ctx context.Context, o Output, name func(Output) string) (path string, size int64, err error) {
	if path = name(o); path == "" {
		return "", 0, errors.New("the output has no name")
	}
	path, err = d.write(path, func(f *os.File) (final string, err error) {
		o.MimeType, size, err = d.fill(ctx, o, f)
		return name(o), err
	})
	return path, size, err
}

// write has fill write a temporary file beside path, and moves it to the path that fill returns when it is complete.
func (d *Downloader) write(path string, fill func(*os.File) (final string, err error)) (final string, err error) {
	if err := d.checkFree(path); err != nil {
		return "", err
	}
	f, err := createPart(filepath.Split(path))
	if err != nil {
		return "", err
	}
	defer func() {
		_ = f.Close()
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if final, err = fill(f); err != nil {
		return "", err
	}
	if err = f.Close(); err != nil {
		return "", diskError(err)
	}
	if filepath.Dir(final) != filepath.Dir(f.Name()) {
		if err = makeFolder(filepath.Dir(final)); err != nil {
			return "", err
		}
	}
	err = d.publish(f.Name(), final)
	return final, err
}

// Copy writes an output to w and returns its size. Nothing is written before the output is complete.
func (d *Downloader) Copy(ctx context.Context, o Output, w io.Writer) (size int64, err error) {
	f, err := os.CreateTemp("", "lamina-*.part")
	if err != nil {
		return 0, diskError(err)
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	if _, _, err = d.fill(ctx, o, f); err != nil {
		return 0, err
	}
	if _, err = f.Seek(0, io.SeekStart); err != nil {
		return 0, diskError(err)
	}
	return io.Copy(w, f)
}

// fill writes the content of an output to f. It returns the media type of the content, if it is known, and the size.
func (d *Downloader) fill(ctx context.Context, o Output, f *os.File) (mediaType string, size int64, err error) {
	content := []byte(o.Text)
	switch {
	case isData(o.URL):
		if o.MimeType, content, err = decodeData(o.URL, o.MimeType); err != nil {
			return "", 0, err
		}
	case o.URL != "":
		return d.fetch(ctx, o, f)
	}
	if d.MaxSize > 0 && int64(len(content)) > d.MaxSize {
		return "", 0, &TooLargeError{Size: int64(len(content)), Limit: d.MaxSize}
	}
	if _, err := f.Write(content); err != nil {
		return "", 0, diskError(err)
	}
	return o.MimeType, int64(len(content)), nil
}

// fetch downloads the address of an output to f.
func (d *Downloader) fetch(ctx context.Context, o Output, f *os.File) (mediaType string, size int64, err error) {
	u, err := d.check(o.URL)
	if err != nil {
		return "", 0, err
	}
	t := &download{Output: o, url: u, file: f, total: -1, limit: d.MaxSize}
	if err := d.stream(ctx, t); err != nil {
		return "", 0, err
	}
	head := make([]byte, 512)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", 0, diskError(err)
	}
	mediaType, err = t.identify(head[:n])
	return mediaType, t.done, err
}

// createPart creates a temporary file for name in folder, and the folder. Unlike os.CreateTemp it leaves the permissions to the umask.
func createPart(folder, name string) (*os.File, error) {
	if folder != "" {
		if err := makeFolder(folder); err != nil {
			return nil, err
		}
	}
	name = strings.ToValidUTF8(name[:min(len(name), 200)], "") // leaves room for the suffix
	name = fmt.Sprintf("%s.%s.part", name, rand.Text()[:10])
	f, err := os.OpenFile(filepath.Join(folder, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // the umask decides on the permissions
	if err != nil {
		return nil, diskError(err)
	}
	return f, nil
}

func makeFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // the user's own folder, which their umask protects
		return fmt.Errorf("could not create the folder for the download: %w", err)
	}
	return nil
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
	if err := os.Rename(part, path); err != nil {
		return diskError(err)
	}
	return nil
}

// checkFree returns an *ExistsError if path may not be written.
func (d *Downloader) checkFree(path string) error {
	info, err := os.Lstat(path)
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

// errRedirects is the cause of a download that was redirected ten times.
var errRedirects = errors.New("too many redirects")

// client returns HTTP with a check of redirects.
func (d *Downloader) client() *http.Client {
	c := *d.HTTP
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errRedirects
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
