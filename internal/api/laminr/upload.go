package laminr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/retry"
)

// A StorageError is an error response of the storage service for uploads. Its body is XML or empty.
type StorageError struct {
	Host    string
	Status  int
	Code    string // of the storage service; may be empty
	Message string // may contain control characters

	retryAfter time.Duration // 0 if the storage named no time
}

// Error returns the host, the status and the message.
func (e *StorageError) Error() string {
	return fmt.Sprintf("the storage at %s refused the file (%d): %s", e.Host, e.Status, e.Message)
}

// checkUploadURL checks that the URL is https, or http to this machine.
func checkUploadURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return errors.New("it is not a URL")
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return errors.New("it is not https")
	}
	return nil
}

// Put uploads a file to its presigned URL without a credential, and repeats that after a transient failure. It opens the file
// for each attempt, because an earlier one may still be reading. progress, if not nil, is called with the number of bytes that
// were sent. Put returns a *StorageError, an *api.UnreachableError or an error of open.
func (c *Client) Put(ctx context.Context, t *Ticket, f *File, open func() (io.ReadCloser, error), progress func(sent int64)) error {
	policy := retry.Policy{ // an upload can be repeated: the content is the same
		Backoff: retry.Network(), Attempts: 3, MaxWait: time.Minute, Retryable: isTransient,
	}
	return policy.Do(ctx, func() error {
		body, err := open()
		if err != nil {
			return err
		}
		return c.putOnce(ctx, t, f, body, progress)
	})
}

// isTransient reports whether the same upload is likely to succeed later, and the delay that the storage requested.
func isTransient(err error) (after time.Duration, ok bool) {
	var refused *StorageError
	var lost *api.UnreachableError
	switch {
	case errors.As(err, &refused):
		return refused.retryAfter, retry.Passing(refused.Status)
	case errors.As(err, &lost):
		return 0, lost.Kind == api.Cut || lost.Kind == api.Refused
	}
	return 0, false
}

// errStalled is the cause of an upload that was ended after Patience.
var errStalled = errors.New("the upload made no progress")

func (c *Client) putOnce(ctx context.Context, t *Ticket, f *File, body io.ReadCloser, progress func(sent int64)) error {
	patience := c.Patience
	if patience == 0 {
		patience = time.Minute
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(patience, func() { cancel(errStalled) })
	defer watchdog.Stop()
	counted := &countingReader{r: io.LimitReader(body, f.Size), Closer: body, onRead: func(sent int64) {
		watchdog.Reset(patience)
		if progress != nil {
			progress(sent)
		}
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, t.UploadURL, counted)
	if err != nil {
		_ = body.Close()
		return fmt.Errorf("could not create the request: %w", err)
	}
	req.ContentLength = f.Size
	req.Header.Set("Content-Type", f.ContentType)
	resp, err := c.storage().Do(req)
	if errors.Is(context.Cause(ctx), errStalled) {
		return &api.UnreachableError{BaseURL: origin(req.URL), Kind: api.Timeout, Err: errStalled}
	}
	if err != nil {
		return api.Unreachable(ctx, origin(req.URL), err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return storageError(req.URL.Host, resp)
	}
	return nil
}

// storage returns the client without a credential. It does not follow redirects: a presigned URL is for one host.
func (c *Client) storage() *http.Client {
	hc := http.Client{}
	if c.Storage != nil {
		hc = *c.Storage
	}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &hc
}

// origin returns the part of a presigned URL that is not secret.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// storageError returns the error of an error response.
func storageError(host string, resp *http.Response) error {
	e := &StorageError{Host: host, Status: resp.StatusCode, Message: http.StatusText(resp.StatusCode), retryAfter: retry.After(resp.Header, time.Now())}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // the status is known even if the body was cut off
	if code, message := element(raw, "Code"), element(raw, "Message"); bytes.Contains(raw, []byte("<Error>")) && code+message != "" {
		e.Code, e.Message = code, message
		if message == "" {
			e.Message = code
		}
	}
	return e
}

// element returns the text of the first XML element with the given name. The errors of storage services are flat, so that an XML
// parser is not needed.
func element(raw []byte, name string) string {
	_, rest, _ := strings.Cut(string(raw), "<"+name+">")
	text, _, closed := strings.Cut(rest, "</"+name+">")
	if !closed || strings.Contains(text, "<") {
		return ""
	}
	return html.UnescapeString(strings.TrimSpace(text))
}

// A countingReader calls onRead with the number of bytes that were read.
type countingReader struct {
	io.Closer
	r      io.Reader
	sent   int64
	onRead func(sent int64)
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sent += int64(n)
	c.onRead(c.sent)
	return n, err
}
