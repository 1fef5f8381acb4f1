package transfer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/retry"
)

// uploadAttempts is how often the bytes are sent at most.
const uploadAttempts = 4

// uploadMaxWait is the longest delay that is obeyed when the host asks for one.
const uploadMaxWait = time.Minute

// An UploadError means that the host of a presigned URL did not take the bytes.
type UploadError struct {
	Host    string        // scheme and host: the rest of the URL is a secret
	Status  int           // 0: no complete response arrived
	Message string        // of the host; may contain control characters
	After   time.Duration // the delay that the host asked for; 0: none
	Expired bool          // a new URL was refused like the first one
	Err     error         // the network failure, if Status is 0
}

// Error names the host and the cause.
func (e *UploadError) Error() string {
	_, host, _ := strings.Cut(e.Host, "://")
	switch {
	case e.Status == 0:
		return fmt.Sprintf("could not upload to %s: %v", host, e.Err)
	case e.Expired:
		return fmt.Sprintf("%s refused the upload twice, the second time with a new address (%d): %s", host, e.Status, e.Message)
	}
	return fmt.Sprintf("%s did not take the upload (%d): %s", host, e.Status, e.Message)
}

// Unwrap returns the network failure.
func (e *UploadError) Unwrap() error { return e.Err }

// isPassing reports whether the same upload is likely to succeed a moment later.
func (e *UploadError) isPassing() bool {
	if e.Status == 0 {
		return !retry.Untrusted(e.Err)
	}
	return retry.Passing(e.Status)
}

// A SourceError means that the bytes to upload could not be read.
type SourceError struct{ Err error }

// Error returns the cause.
func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// A Target is a presigned URL and the media type that it was made for. Who knows the URL may upload, so it is never shown.
type Target struct{ URL, ContentType string }

// An Uploader sends files to presigned URLs. HTTP must not add credentials.
type Uploader struct {
	HTTP *http.Client
	// AllowLoopback permits http to this machine, for a service that runs on it.
	AllowLoopback bool
	// OnRetry, if set, is called before each wait.
	OnRetry func(err error, after time.Duration)

	sleep func(ctx context.Context, d time.Duration) error // replaces retry.Sleep in tests
}

// Upload sends size bytes of src to the target that newTarget returns, and sends them again after a passing failure: a cut
// connection, 429, 5xx. If the host refuses the target as expired (401, 403, 410), it asks newTarget for another one, once.
// progress, if not nil, is called with the number of bytes that were sent; it falls when they are sent again. Upload returns an
// *UploadError, an *AddressError, a *SourceError, or the error of newTarget.
func (u *Uploader) Upload(ctx context.Context, src io.ReaderAt, size int64, newTarget func(context.Context) (Target, error), progress func(sent int64)) error {
	up := &upload{Uploader: u, src: src, size: size, progress: progress}
	err := up.sendTo(ctx, newTarget)
	var refused *UploadError
	if errors.As(err, &refused) && isExpired(refused.Status) {
		if err = up.sendTo(ctx, newTarget); errors.As(err, &refused) {
			refused.Expired = isExpired(refused.Status)
		}
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("the upload was stopped: %w", context.Cause(ctx))
	}
	return err
}

// isExpired reports whether a host refuses a presigned URL with a status.
func isExpired(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusGone
}

// An upload is one file that is being sent.
type upload struct {
	*Uploader
	src      io.ReaderAt
	size     int64
	progress func(sent int64)
}

// sendTo sends the bytes to a new target.
func (up *upload) sendTo(ctx context.Context, newTarget func(context.Context) (Target, error)) error {
	target, err := newTarget(ctx)
	if err != nil {
		return err
	}
	address, err := (&Downloader{AllowLoopback: up.AllowLoopback}).check(target.URL)
	if err != nil {
		return err
	}
	policy := retry.Policy{
		Backoff: retry.Network(), Attempts: uploadAttempts, MaxWait: uploadMaxWait, OnRetry: up.OnRetry, Sleep: up.sleep,
		Retryable: func(err error) (time.Duration, bool) {
			var refused *UploadError
			if errors.As(err, &refused) {
				return refused.After, refused.isPassing()
			}
			return 0, false
		},
	}
	return policy.Do(ctx, func() error { return up.put(ctx, address, target.ContentType) })
}

// expectContinueSize is the size from which the host is asked before the bytes are sent, so that it can refuse them first.
const expectContinueSize = 1 << 20

// put makes one request.
func (up *upload) put(ctx context.Context, address *url.URL, contentType string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(stallTimeout, func() { cancel(errUploadStalled) })
	defer watchdog.Stop()
	body := &uploadBody{file: io.NewSectionReader(up.src, 0, up.size), onRead: func(sent int64) {
		watchdog.Reset(stallTimeout)
		if up.progress != nil {
			up.progress(sent)
		}
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, address.String(), body)
	if err != nil {
		return fmt.Errorf("could not create the request: %w", err)
	}
	req.ContentLength = up.size
	req.Header.Set("Content-Type", contentType)
	if up.size >= expectContinueSize {
		req.Header.Set("Expect", "100-continue")
	}
	resp, err := up.storage().Do(req)
	host := address.Scheme + "://" + address.Host
	switch source := body.close(); {
	case source != nil:
		return &SourceError{Err: source}
	case err != nil && errors.Is(context.Cause(ctx), errUploadStalled):
		return &UploadError{Host: host, Err: errUploadStalled}
	case err != nil:
		return &UploadError{Host: host, Err: withoutURL(err)}
	}
	defer resp.Body.Close()
	if resp.StatusCode < 300 {
		return nil
	}
	return &UploadError{Host: host, Status: resp.StatusCode, Message: storageMessage(resp), After: retry.After(resp.Header, time.Now())}
}

// holdsTime is how long Holds waits for an answer.
const holdsTime = 5 * time.Second

// Holds reports whether a host still holds an uploaded file. It reports false only if the host denies it, or names another size: what
// cannot be asked is assumed to be there.
func (u *Uploader) Holds(ctx context.Context, rawURL string, size int64) bool {
	address, err := (&Downloader{AllowLoopback: u.AllowLoopback}).check(rawURL)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, holdsTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address.String(), nil)
	if err != nil {
		return false
	}
	resp, err := u.storage().Do(req)
	if err != nil {
		return true
	}
	defer resp.Body.Close()
	switch status := resp.StatusCode; {
	case status == http.StatusMethodNotAllowed, status == http.StatusTooManyRequests, status >= 500, status >= 300 && status < 400:
		return true
	case status >= 400:
		return false
	}
	return resp.ContentLength < 0 || resp.ContentLength == size
}

// errUploadStalled is the cause of an upload that was ended after stallTimeout.
var errUploadStalled = errors.New("no byte was taken for a minute")

// storage returns HTTP without redirects: a presigned URL is for one host.
func (u *Uploader) storage() *http.Client {
	c := *u.HTTP
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// storageMessage returns the message of an error response: the element Message of the XML of storage services, the field error or
// message of JSON, the text of a short plain response, or the name of the status.
func storageMessage(resp *http.Response) string {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // the status is known even if the body is cut
	text := strings.TrimSpace(string(raw))
	if _, rest, ok := strings.Cut(text, "<Message>"); ok {
		if message, _, closed := strings.Cut(rest, "</Message>"); closed && !strings.Contains(message, "<") {
			return html.UnescapeString(message)
		}
	}
	var fields struct{ Error, Message string }
	if json.Unmarshal(raw, &fields) == nil && fields.Error+fields.Message != "" {
		return cmp.Or(fields.Error, fields.Message)
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") && text != "" && len(text) <= 200 {
		return text
	}
	return http.StatusText(resp.StatusCode)
}
