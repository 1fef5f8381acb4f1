package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/retry"
)

// maxBody is the largest size of a JSON response in bytes. The largest real ones have a few hundred KiB.
const maxBody = 32 << 20

// workspaceHeader is the header with the expected workspace. The service refuses a credential of another one.
const workspaceHeader = "X-Workspace-Id"

// A Client calls the API at BaseURL, which is its only required field.
type Client struct {
	// Provider is the service with the table of its refusals; the zero value means Lamina.
	Provider provider.Provider
	// BaseURL is the origin of the service without a final slash, such as https://app.uselamina.ai.
	BaseURL string
	// HTTP sends the requests and adds the credential; nil means a plain client. Redirects are never followed: the API has
	// none, and they could send the credential to another host.
	HTTP *http.Client
	// UserAgent is sent with every request.
	UserAgent string
	// Workspace, if not empty, is the workspace that the credential must belong to.
	Workspace string
	// Timeout limits one request including its response; 0 means 30 seconds. Endpoints that wait or plan may take longer.
	Timeout time.Duration
	// MaxWait limits the time that a call spends with Retry-After of the service; then the refusal is returned. 0 means 60 seconds.
	MaxWait time.Duration
	// Once makes each call send one request. Failures are not repeated, whatever they are.
	Once bool
	// OnRetry, if set, is called before a request is repeated, with the error and the delay.
	OnRetry func(err error, after time.Duration)
	// Sleep waits between attempts; nil means retry.Sleep.
	Sleep func(ctx context.Context, d time.Duration) error
	// Now returns the current time; nil means time.Now.
	Now func() time.Time
	// Header is sent with every request. It contains no secrets.
	Header http.Header
	// Refine, if set, adds information to an error that only the responses of this service contain.
	Refine func(e *Error, header http.Header, body []byte)

	pace *retry.Pace // nil: none
}

// LimitRate makes the client send at most n requests in a minute, so that the service does not refuse them as too many.
func (c *Client) LimitRate(n int) { c.pace = &retry.Pace{Limit: n, Per: time.Minute} }

// A Reply is the envelope of a response with the decoded data.
type Reply[T any] struct {
	Data       T
	Pagination *Pagination
	// Timeout is set by the wait endpoint if the run has not ended.
	Timeout bool
	// Raw is the body: an envelope {"data": …} with its other fields.
	Raw json.RawMessage
}

// call sends a request and decodes the envelope of its response.
func call[T any](ctx context.Context, c *Client, req Call) (*Reply[T], error) {
	got, err := c.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	reply, err := readReply[T](got.Raw)
	if err != nil {
		return nil, got.Unexpected(req, "the response is not the JSON that the API documents", err)
	}
	return reply, nil
}

// Do sends a call. It repeats the call after a failure if that is safe. It returns an *Error, an *UnreachableError, an
// *UnexpectedError, or the error of a credential that could not be obtained (auth.CredentialError).
func (c *Client) Do(ctx context.Context, req Call) (*Response, error) {
	timeout := c.timeLimit(req)
	var got *Response
	err := c.retried(ctx, req, func() (err error) {
		got, err = c.doOnce(ctx, req, timeout)
		return err
	})
	return got, err
}

// retried calls once, and again after a failure if that is safe for the call.
func (c *Client) retried(ctx context.Context, req Call, once func() error) error {
	if c.Once {
		if err := c.paced(ctx); err != nil {
			return err
		}
		return once()
	}
	var ended error // the end of the context during a wait
	policy := retry.Policy{
		Backoff: retry.Network(), Attempts: 3, MaxWait: cmp.Or(c.MaxWait, time.Minute),
		Retryable: func(err error) (time.Duration, bool) { return retryable(req, err) },
		OnRetry:   c.OnRetry,
		Sleep: func(ctx context.Context, d time.Duration) error {
			ended = c.sleep(ctx, d)
			return ended
		},
	}
	err := policy.Do(ctx, func() error {
		if err := c.paced(ctx); err != nil {
			return err
		}
		return once()
	})
	if errors.Is(ended, context.Canceled) {
		return &UnreachableError{BaseURL: c.BaseURL, Kind: Interrupted, Err: ended}
	}
	return err
}

// paced waits until the pace permits a request.
func (c *Client) paced(ctx context.Context) error {
	if c.pace == nil {
		return nil
	}
	if err := c.sleep(ctx, c.pace.Delay(c.now())); err != nil {
		return Unreachable(ctx, c.BaseURL, err)
	}
	return nil
}

func (c *Client) doOnce(ctx context.Context, req Call, timeout time.Duration) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	got := &Response{Raw: raw, Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"), Header: resp.Header}
	switch {
	case err != nil:
		return nil, cutOff(ctx, c.BaseURL, fmt.Errorf("the response was cut off: %w", err))
	case len(raw) > maxBody:
		return nil, got.Unexpected(req, "the response is too large", nil)
	case !isJSON(resp):
		return nil, notJSON(req, resp, raw)
	}
	return got, nil
}

// send sends one request. It returns a response with a status below 300, or an error as Do does. The caller must close the body
// of the response.
func (c *Client) send(ctx context.Context, req Call) (*http.Response, error) {
	resp, err := c.exchange(ctx, req)
	if err == nil && resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, c.refusal(req, resp)
	}
	return resp, err
}

// exchange sends one request and returns its response, whatever its status is. The caller must close the body of the response.
func (c *Client) exchange(ctx context.Context, req Call) (*http.Response, error) {
	var body io.Reader
	if req.Body != nil {
		raw, err := encodeBody(req)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	if err := checkQuery(req.Query); err != nil {
		return nil, err
	}
	target := provider.Join(c.BaseURL, req.Path)
	if len(req.Query) > 0 {
		target += string("?&"[min(strings.Count(target, "?"), 1)]) + req.Query.Encode()
	}
	hr, err := http.NewRequestWithContext(ctx, req.Method, target, body)
	if err != nil {
		return nil, fmt.Errorf("could not create the request: %w", err)
	}
	c.setHeaders(hr, req)
	hc := http.Client{}
	if c.HTTP != nil {
		hc = *c.HTTP
	}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := hc.Do(hr)
	if err != nil {
		return nil, Unreachable(ctx, c.BaseURL, err)
	}
	return resp, nil
}

func (c *Client) setHeaders(hr *http.Request, req Call) {
	for _, extra := range []http.Header{c.Header, req.Header} {
		for name, values := range extra {
			hr.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	hr.Header.Set("Accept", "application/json")
	if req.Accept != "" {
		hr.Header.Set("Accept", req.Accept)
	}
	if req.Body != nil {
		hr.Header.Set("Content-Type", "application/json")
	}
	if c.UserAgent != "" {
		hr.Header.Set("User-Agent", c.UserAgent)
	}
	if c.Workspace != "" {
		hr.Header.Set(workspaceHeader, c.Workspace)
	}
}

// retryable reports whether a call may be sent again after err, and the delay that the service requested. It may when the
// service did nothing (429) or was not reached, or when the call is repeatable and the failure is likely to be transient.
func retryable(req Call, err error) (time.Duration, bool) {
	repeatable := req.Repeatable || req.Method == http.MethodGet
	var refused *Error
	var lost *UnreachableError
	switch {
	case errors.As(err, &refused) && refused.Rule.Kind == provider.RateLimited:
		return max(refused.RetryAfter, time.Second), true
	case errors.As(err, &refused):
		return refused.RetryAfter, repeatable && refused.IsTransient()
	case errors.As(err, &lost):
		return 0, lost.Kind.isTransient() && (repeatable || lost.Kind.NeverSent())
	case lacksCredential(err): // the service did not carry out the call, so that any call is repeatable
		return 0, kindOf(context.Background(), err).isTransient()
	}
	return 0, false
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	return retry.Sleep(ctx, d)
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// isJSON reports whether the media type of a response is JSON. Some proxies send JSON without a media type.
func isJSON(resp *http.Response) bool {
	ct := resp.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(ct)
	return ct == "" || err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
