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

// stall is how long nothing may come before a connection counts as dead.
const stall = time.Minute

// errStalled is why a dead connection is given up.
var errStalled = errors.New("nothing came any more")

// A download is one file that is being downloaded.
type download struct {
	url   *url.URL
	file  *os.File
	done  int64  // bytes in the file
	total int64  // of the whole file; -1: unknown
	tag   string // the strong validator of what is in the file; empty: it cannot be continued
}

// stream copies a URL to f, and returns its size. If the connection is cut and the host can send the rest, it goes on
// from there.
func (d *Downloader) stream(ctx context.Context, u *url.URL, f *os.File) (int64, error) {
	t := &download{url: u, file: f, total: -1}
	policy := retry.Policy{Backoff: retry.Network(), Attempts: 4, Retryable: t.canResume}
	err := policy.Do(ctx, func() error { return d.part(ctx, t) })
	switch {
	case err == nil:
		return t.done, nil
	case ctx.Err() != nil:
		return 0, fmt.Errorf("the download of %s was stopped: %w", bare(u), context.Cause(ctx))
	}
	return 0, err
}

// canResume reports whether the rest of the file may be requested after err.
func (t *download) canResume(err error) (time.Duration, bool) {
	var cut *TruncatedError
	return 0, t.tag != "" && errors.As(err, &cut)
}

// part makes one request, for all of the file or for what is missing of it.
func (d *Downloader) part(ctx context.Context, t *download) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer watchdog.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url.String(), nil)
	if err != nil {
		return fmt.Errorf("could not make the request: %w", err)
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
		return t.cut(ctx, err)
	}
	defer resp.Body.Close()
	if err := t.accept(resp); err != nil {
		return err
	}
	return d.copy(ctx, t, resp.Body, watchdog)
}

// accept prepares for the answer: the whole file, which is also what comes after a cut if the file is another one by
// then, or the rest of it.
func (t *download) accept(resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusPartialContent && t.done > 0:
		return t.join(resp)
	case resp.StatusCode != http.StatusOK:
		return &RefusedError{URL: bare(t.url), Status: resp.StatusCode}
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

// join checks that a partial answer goes on where the file ends (RFC 9110 §15.3.7.3). One that does not shows that the
// host cannot be trusted to resume.
func (t *download) join(resp *http.Response) error {
	var start, end int64
	var size string
	_, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%s", &start, &end, &size)
	tag := resp.Header.Get("ETag")
	known := t.total < 0 || size == "*" || size == fmt.Sprint(t.total)
	if err != nil || start != t.done || !known || tag != "" && tag != t.tag {
		t.tag = ""
		return &TruncatedError{URL: bare(t.url), Err: errors.New("the host sent another part than the missing one")}
	}
	return nil
}

// copy is io.Copy with progress, that tells a failing disk from a failing network.
func (d *Downloader) copy(ctx context.Context, t *download, body io.Reader, watchdog *time.Timer) error {
	buf := make([]byte, 256<<10)
	for {
		watchdog.Reset(stall)
		n, err := body.Read(buf)
		watchdog.Stop() // the disk may be slow
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
			return t.cut(ctx, io.ErrUnexpectedEOF)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return t.cut(ctx, err)
		}
	}
}

// cut is the error of a connection that ended too early.
func (t *download) cut(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
		err = cause
	}
	return &TruncatedError{URL: bare(t.url), Err: withoutURL(err)}
}

func diskError(err error) error { return fmt.Errorf("could not write the download: %w", err) }

// resumable returns the strong validator of a response that can be continued with a range (RFC 9110 §13.1.5), or "".
// Bytes that were unpacked on the way have no place in the file that the validator names.
func resumable(resp *http.Response) string {
	tag := resp.Header.Get("ETag")
	if resp.Header.Get("Accept-Ranges") != "bytes" || resp.Uncompressed || strings.HasPrefix(tag, "W/") {
		return ""
	}
	return tag
}
