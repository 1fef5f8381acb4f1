package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/retry"
)

// stallTimeout is the longest time without data before a connection is closed.
const stallTimeout = time.Minute

// errStalled is the cause of a connection that was closed after stallTimeout.
var errStalled = errors.New("no data for a minute")

// A download is one file that is being downloaded.
type download struct {
	url   *url.URL
	file  *os.File
	done  int64  // bytes in the file
	total int64  // bytes of the whole file; -1: unknown
	tag   string // strong validator of the bytes in the file; empty: the download cannot be resumed
}

// stream downloads a URL to f and returns its size. If the connection is cut and the host can send the rest, it resumes.
func (d *Downloader) stream(ctx context.Context, u *url.URL, f *os.File) (int64, error) {
	t := &download{url: u, file: f, total: -1}
	policy := retry.Policy{Backoff: retry.Network(), Attempts: 4, Retryable: t.canResume, Sleep: d.sleep}
	err := policy.Do(ctx, func() error { return d.request(ctx, t) })
	switch {
	case err == nil:
		return t.done, nil
	case ctx.Err() != nil:
		return 0, fmt.Errorf("the download of %s was stopped: %w", withoutQuery(u), context.Cause(ctx))
	}
	return 0, err
}

// canResume reports whether the rest of the file may be requested after err.
func (t *download) canResume(err error) (time.Duration, bool) {
	var cut *TruncatedError
	return 0, t.tag != "" && errors.As(err, &cut)
}

// request makes one request, for the whole file or for the rest of it.
func (d *Downloader) request(ctx context.Context, t *download) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	defer watchdog.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url.String(), nil)
	if err != nil {
		return fmt.Errorf("could not create the request: %w", err)
	}
	if t.done > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", t.done))
		req.Header.Set("If-Range", t.tag)
	}
	resp, err := d.client().Do(req)
	if err != nil {
		var unsafe *AddressError
		if errors.As(err, &unsafe) {
			return unsafe
		}
		return t.truncated(ctx, err)
	}
	defer resp.Body.Close()
	if err := t.accept(resp); err != nil {
		return err
	}
	return d.copy(ctx, t, resp.Body, watchdog)
}

// accept prepares the file for the body of a response: the rest of the file, or the whole file, which a host also sends
// instead of the rest if the file has changed.
func (t *download) accept(resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusPartialContent && t.done > 0:
		return t.join(resp)
	case resp.StatusCode != http.StatusOK:
		return &RefusedError{URL: withoutQuery(t.url), Status: resp.StatusCode}
	case t.done > 0:
		if err := t.file.Truncate(0); err != nil {
			return diskError(err)
		}
		if _, err := t.file.Seek(0, io.SeekStart); err != nil {
			return diskError(err)
		}
	}
	t.done, t.total, t.tag = 0, resp.ContentLength, resumable(resp)
	return nil
}

// join checks that a partial response starts where the file ends (RFC 9110 section 15.3.7.3). If it does not, the host cannot
// be trusted to resume, and no further attempt is made.
func (t *download) join(resp *http.Response) error {
	var start, end int64
	var size string
	_, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%s", &start, &end, &size)
	tag := resp.Header.Get("ETag")
	isSameSize := t.total < 0 || size == "*" || size == fmt.Sprint(t.total)
	if err != nil || start != t.done || !isSameSize || tag != "" && tag != t.tag {
		t.tag = ""
		return &TruncatedError{URL: withoutQuery(t.url), Err: errors.New("the host sent another part than the requested one")}
	}
	return nil
}

// copy is io.Copy with progress and with different errors for the disk and the network.
func (d *Downloader) copy(ctx context.Context, t *download, body io.Reader, watchdog *time.Timer) error {
	buf := make([]byte, 256<<10)
	for {
		watchdog.Reset(stallTimeout)
		n, err := body.Read(buf)
		watchdog.Stop() // time for the disk does not count
		if n > 0 {
			if _, err := t.file.Write(buf[:n]); err != nil {
				return diskError(err)
			}
			t.done += int64(n)
			if d.Progress != nil {
				d.Progress(t.done, t.total)
			}
		}
		switch {
		case errors.Is(err, io.EOF) && t.total >= 0 && t.done != t.total:
			return t.truncated(ctx, io.ErrUnexpectedEOF)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return t.truncated(ctx, err)
		}
	}
}

// truncated returns the error of a connection that failed or ended too early.
func (t *download) truncated(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
		err = cause
	}
	return &TruncatedError{URL: withoutQuery(t.url), Err: withoutURL(err)}
}

func diskError(err error) error { return fmt.Errorf("could not write the download: %w", err) }

// resumable returns the strong validator of a response that can be resumed with a range (RFC 9110 section 13.1.5), or "". A body
// that the transport decompressed cannot: its offsets are not those of the ranges.
func resumable(resp *http.Response) string {
	tag := resp.Header.Get("ETag")
	if resp.Header.Get("Accept-Ranges") != "bytes" || resp.Uncompressed || strings.HasPrefix(tag, "W/") {
		return ""
	}
	return tag
}
