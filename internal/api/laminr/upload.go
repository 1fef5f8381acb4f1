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

// A StorageError is a refusal of the storage that the bytes of files go to. It is not Laminr, and speaks XML or nothing.
type StorageError struct {
	Host    string
	Status  int
	Code    string // of the storage; may be empty
	Message string // its words; not safe for a terminal as they are
}

// Error says what was refused and why.
func (e *StorageError) Error() string {
	return fmt.Sprintf("the storage at %s refused the file (%d): %s", e.Host, e.Status, e.Message)
}

// Expired reports whether a new address may help.
func (e *StorageError) Expired() bool { return e.Status == http.StatusForbidden }

// checkUploadURL wants https, or http on this machine, as everywhere where documents of a person go.
func checkUploadURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return errors.New("it is no address")
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return errors.New("it is not https")
	}
	return nil
}

// Put sends the bytes of a file to its presigned address, without any credential, again where the storage fails in passing.
// Each time it opens the file anew, because what was sent before may still be read. progress, if not nil, is told how many
// bytes have gone. Errors: *StorageError, *api.UnreachableError, those of open.
func (c *Client) Put(ctx context.Context, t *Ticket, f *File, open func() (io.ReadCloser, error), progress func(sent int64)) error {
	policy := retry.Policy{ // sending the same bytes to the same place twice does no harm
		Backoff: retry.Network(), Attempts: 3,
		Retryable: func(err error) (time.Duration, bool) { return 0, isTransient(err) },
	}
	return policy.Do(ctx, func() error {
		body, err := open()
		if err != nil {
			return err
		}
		return c.putOnce(ctx, t, f, body, progress)
	})
}

// isTransient reports whether the same upload is likely to succeed a moment later.
func isTransient(err error) bool {
	var refused *StorageError
	var lost *api.UnreachableError
	return errors.As(err, &refused) && refused.Status >= 500 || errors.As(err, &lost) && (lost.Kind == api.Cut || lost.Kind == api.Refused)
}

// errStalled is why an upload is given up.
var errStalled = errors.New("the upload stood still")

func (c *Client) putOnce(ctx context.Context, t *Ticket, f *File, body io.ReadCloser, progress func(sent int64)) error {
	patience := c.Patience
	if patience == 0 {
		patience = time.Minute
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(patience, func() { cancel(errStalled) })
	defer watchdog.Stop()
	counted := &counter{r: io.LimitReader(body, f.Size), Closer: body, told: func(sent int64) {
		watchdog.Reset(patience)
		if progress != nil {
			progress(sent)
		}
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, t.UploadURL, counted)
	if err != nil {
		_ = body.Close()
		return fmt.Errorf("could not make the request: %w", err)
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

// storage is the client without a credential. Redirects are not followed: a presigned address is for one place.
func (c *Client) storage() *http.Client {
	hc := http.Client{}
	if c.Storage != nil {
		hc = *c.Storage
	}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &hc
}

// origin is an address without what makes it a secret.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

func storageError(host string, resp *http.Response) error {
	e := &StorageError{Host: host, Status: resp.StatusCode, Message: http.StatusText(resp.StatusCode)}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // a cut refusal is one too
	if code, message := element(raw, "Code"), element(raw, "Message"); bytes.Contains(raw, []byte("<Error>")) && code+message != "" {
		e.Code, e.Message = code, message
		if message == "" {
			e.Message = code
		}
	}
	return e
}

// element returns the text of the first XML element of that name. Refusals of storages have no deeper structure, and a whole
// parser of XML would weigh more than all that speaks to Laminr.
func element(raw []byte, name string) string {
	_, rest, _ := strings.Cut(string(raw), "<"+name+">")
	text, _, closed := strings.Cut(rest, "</"+name+">")
	if !closed || strings.Contains(text, "<") {
		return ""
	}
	return html.UnescapeString(strings.TrimSpace(text))
}

// A counter tells how much was read.
type counter struct {
	io.Closer
	r    io.Reader
	sent int64
	told func(sent int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sent += int64(n)
	c.told(c.sent)
	return n, err
}
