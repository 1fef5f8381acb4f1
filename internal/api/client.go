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

	"github.com/uselamina/lamina/internal/retry"
)

// maxReply bounds a JSON reply; the largest real ones are a few hundred KiB.
const maxReply = 32 << 20

// workspaceHeader makes the service refuse a credential of another workspace.
const workspaceHeader = "X-Workspace-Id"

// A Client calls the API at BaseURL. Only BaseURL must be set.
type Client struct {
	// BaseURL is the origin of the service, such as https://app.uselamina.ai, without a slash at its end.
	BaseURL string
	// HTTP sends the requests and adds the credential; nil means a plain client. Redirects are never followed: the API
	// makes none, and a credential must not travel.
	HTTP *http.Client
	// UserAgent is sent with every request.
	UserAgent string
	// Workspace is sent as x-workspace-id; the service refuses a credential of another one. Empty means not sent.
	Workspace string
	// Timeout bounds one request, its reply included; 0 means 30 seconds.
	Timeout time.Duration
	// MaxWait is the longest Retry-After that is obeyed before the service's refusal is returned; 0 means 60 seconds.
	MaxWait time.Duration
	// OnRetry, if set, is told why a request is repeated, and after how long.
	OnRetry func(err error, after time.Duration)
	// Sleep waits between tries; nil means a timer that ends with the context.
	Sleep func(ctx context.Context, d time.Duration) error
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Header is sent with every request: what a service wants to know beside the key. It holds no secrets.
	Header http.Header
	// ReadRefusal fills an error from an answer of a service that is not Lamina, and reports whether the body has the
	// shape of its refusals. Nil means Lamina's envelope.
	ReadRefusal func(e *Error, header http.Header, body []byte) bool
}

// A Reply is what the service answered: Data decoded, and the whole body as it came.
type Reply[T any] struct {
	Data       T
	Pagination *Pagination
	// Timeout is set by the wait endpoint when the run was still going.
	Timeout bool
	// Raw is the body, an envelope {"data": …} with its siblings.
	Raw json.RawMessage
}

// call sends a request and decodes the envelope of its reply.
func call[T any](ctx context.Context, c *Client, req Call) (*Reply[T], error) {
	got, err := c.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	var envelope struct {
		Data       *T          `json:"data"`
		Pagination *Pagination `json:"pagination"`
		Timeout    bool        `json:"timeout"`
	}
	if err := json.Unmarshal(got.Raw, &envelope); err != nil || envelope.Data == nil {
		return nil, got.Unexpected(req, "the answer is not the JSON that the API describes", err)
	}
	if old, ok := any(envelope.Data).(interface{ normalize() }); ok {
		old.normalize()
	}
	return &Reply[T]{Data: *envelope.Data, Pagination: envelope.Pagination, Timeout: envelope.Timeout, Raw: got.Raw}, nil
}

// Do sends a call, and repeats it if it failed for a transient reason and a repetition is safe. Errors: *Error,
// *UnreachableError, *UnexpectedError, and that of a credential that could not be obtained (auth.CredentialError).
func (c *Client) Do(ctx context.Context, req Call) (*Answer, error) {
	timeout := req.Timeout
	if timeout == 0 {
		timeout = c.Timeout
	}
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	var got *Answer
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
	err := policy.Do(ctx, func() (err error) {
		got, err = c.doOnce(ctx, req, timeout)
		return err
	})
	if errors.Is(ended, context.Canceled) {
		return nil, &UnreachableError{BaseURL: c.BaseURL, Kind: Interrupted, Err: ended}
	}
	return got, err
}

func (c *Client) doOnce(ctx context.Context, req Call, timeout time.Duration) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	got := &Answer{Raw: raw, Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"), Header: resp.Header}
	switch {
	case err != nil:
		return nil, cutOff(ctx, c.BaseURL, fmt.Errorf("the answer was cut off: %w", err))
	case len(raw) > maxReply:
		return nil, got.Unexpected(req, "the answer is too large", nil)
	case !isJSON(resp):
		return nil, notJSON(req, resp, raw)
	}
	return got, nil
}

// send is the one method through which every request passes. It returns a response with a status below 300, whose
// body the caller must close, or a typed error.
func (c *Client) send(ctx context.Context, req Call) (*http.Response, error) {
	var body io.Reader
	if req.Body != nil {
		raw, err := json.Marshal(req.Body)
		if err != nil {
			return nil, fmt.Errorf("could not encode the request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	target := c.BaseURL + req.Path
	if len(req.Query) > 0 {
		target += "?" + req.Query.Encode()
	}
	hr, err := http.NewRequestWithContext(ctx, req.Method, target, body)
	if err != nil {
		return nil, fmt.Errorf("could not make the request: %w", err)
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
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, c.refusal(req, resp)
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
	case errors.As(err, &refused) && refused.Final:
		return 0, false
	case errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests:
		return max(refused.RetryAfter, time.Second), true
	case errors.As(err, &refused):
		return refused.RetryAfter, repeatable && refused.Status >= 500
	case errors.As(err, &lost):
		return 0, lost.Kind.passing() && (repeatable || lost.Kind.NeverSent())
	case lacksCredential(err): // the service did not carry out the call, so that any call is repeatable
		return 0, kindOf(context.Background(), err).passing()
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

// isJSON reports whether a response says that it is JSON. Some proxies send JSON without a type.
func isJSON(resp *http.Response) bool {
	ct := resp.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(ct)
	return ct == "" || err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
