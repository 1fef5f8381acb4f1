package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/retry"
)

// stallTimeout is the longest time without data before a connection is closed.
const stallTimeout = time.Minute

// errEmpty is the cause of a picture, a video or a sound without a byte.
var errEmpty = errors.New("the host sent an empty file")

// errStalled is the cause of a connection that was closed after stallTimeout.
var errStalled = errors.New("no data for a minute")

// A download is one file that is being downloaded.
type download struct {
	Output
	url       *url.URL
	file      *os.File
	limit     int64  // of the size; 0: none
	done      int64  // bytes in the file
	most      int64  // the largest value of done after a failure
	total     int64  // bytes of the whole file; -1: unknown
	tag       string // strong validator of the bytes in the file; empty: the download starts over
	neverJoin bool   // the host sent a wrong part once
	mediaType string // of the response; may be empty
}

// stream downloads a file. After a fault that passes by itself, it requests the rest of the file, or the whole file if the host cannot
// send the rest.
func (d *Downloader) stream(ctx context.Context, t *download) error {
	policy := retry.Policy{
		Backoff: retry.Network(), Attempts: 4, MaxWait: time.Minute, Retryable: canRepeat, Advanced: t.advanced, Sleep: d.sleep,
	}
	err := policy.Do(ctx, func() error { return d.request(ctx, t) })
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("the download of %s was stopped: %w", withoutQuery(t.url), context.Cause(ctx))
	}
	return err
}

// canRepeat reports whether a failure passes by itself, and the delay that the host requested.
func canRepeat(err error) (after time.Duration, ok bool) {
	var refused *RefusedError
	var cut *TruncatedError
	switch {
	case errors.As(err, &refused):
		return refused.retryAfter, retry.Passing(refused.Status)
	case errors.As(err, &cut):
		return 0, !retry.Untrusted(err) && !errors.Is(err, errRedirects)
	}
	return 0, false
}

// advanced reports whether the last attempt got further than all before.
func (t *download) advanced() bool {
	isFurther := t.done > t.most
	t.most = max(t.most, t.done)
	return isFurther
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
	isRest := t.done > 0 && t.tag != ""
	if isRest {
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
	if isRest && resp.StatusCode != http.StatusOK {
		err = t.join(resp)
	} else {
		err = t.start(resp)
	}
	if err != nil {
		return err
	}
	return d.copy(ctx, t, resp.Body, watchdog)
}

// start prepares the file for a response with the whole file, which a host also sends instead of the rest if the file has changed.
func (t *download) start(resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return t.refused(resp)
	}
	if t.done > 0 {
		if err := t.file.Truncate(0); err != nil {
			return diskError(err)
		}
		if _, err := t.file.Seek(0, io.SeekStart); err != nil {
			return diskError(err)
		}
	}
	t.done, t.total, t.tag = 0, resp.ContentLength, resumable(resp)
	if t.neverJoin {
		t.tag = ""
	}
	t.mediaType = mediaType(resp.Header.Get("Content-Type"))
	if t.mediaType != "text/plain" && t.isWrong(t.mediaType) { // many hosts call every file a text
		return t.wrongType(t.mediaType)
	}
	return t.checkSize(t.total)
}

// join checks that a partial response starts where the file ends (RFC 9110 section 15.3.7.3). If it does not, if the host refuses the
// range, or if the size of the whole file remains unknown, so that its end cannot be recognized, the next attempt starts over.
func (t *download) join(resp *http.Response) error {
	var start, end int64
	var size string
	switch resp.StatusCode {
	case http.StatusPartialContent:
		_, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%s", &start, &end, &size)
		tag := resp.Header.Get("ETag")
		if total, sizeErr := strconv.ParseInt(size, 10, 64); sizeErr == nil && t.total < 0 {
			t.total = total
		}
		isSameSize := size == fmt.Sprint(t.total) || size == "*" && t.total >= 0
		if err == nil && start == t.done && isSameSize && (tag == "" || tag == t.tag) && !resp.Uncompressed {
			return nil
		}
	case http.StatusRequestedRangeNotSatisfiable:
	default:
		return t.refused(resp)
	}
	t.tag, t.neverJoin = "", true
	return &TruncatedError{URL: withoutQuery(t.url), Err: errors.New("the host sent another part than the requested one")}
}

func (t *download) refused(resp *http.Response) error {
	return &RefusedError{URL: withoutQuery(t.url), Status: resp.StatusCode, retryAfter: retry.After(resp.Header, time.Now())}
}

// checkSize returns an error if the file has too many bytes.
func (t *download) checkSize(size int64) error {
	if t.limit > 0 && size > t.limit {
		return &TooLargeError{URL: withoutQuery(t.url), Size: t.total, Limit: t.limit}
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
			if err := t.checkSize(t.done + int64(n)); err != nil {
				return err
			}
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
		case errors.Is(err, io.EOF) && t.done == 0 && t.isMedia():
			return t.truncated(ctx, errEmpty)
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
// that the transport decompressed cannot: its offsets are not those of the ranges. A host that does not know ranges sends the whole
// file, so that Accept-Ranges need not be there.
func resumable(resp *http.Response) string {
	tag := resp.Header.Get("ETag")
	if strings.EqualFold(resp.Header.Get("Accept-Ranges"), "none") || resp.Uncompressed || !strings.HasPrefix(tag, `"`) {
		return ""
	}
	return tag
}
