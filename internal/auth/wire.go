package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/uselamina/lamina/internal/provider"
)

const (
	maxReply       = 1 << 20 // bytes of an authorization server's reply
	requestTimeout = 30 * time.Second
)

// A call is one request to an authorization server. It is the RoundTripper under x/oauth2 and under our own requests:
// it never follows a redirect, bounds time and size, and speaks the service's dialect.
type call struct {
	doing string // completes "cannot …"
	ctx   context.Context
	base  http.RoundTripper
	json  bool

	sent atomic.Bool // the last request was written in full
	date time.Time   // the last reply's Date
}

// newCall prepares a request. hc may be nil. The caller calls cancel when it is done.
func newCall(ctx context.Context, hc *http.Client, oauth *provider.OAuth, doing string) (c *call, cancel func()) {
	ctx, cancel = context.WithTimeoutCause(ctx, requestTimeout, errTooSlow)
	c = &call{doing: doing, ctx: ctx, base: http.DefaultTransport, json: oauth.JSONBodies}
	if hc != nil && hc.Transport != nil {
		c.base = hc.Transport
	}
	return c, cancel
}

var (
	errTooSlow  = fmt.Errorf("no answer within %s", requestTimeout)
	errTooLarge = errors.New("is too large")
)

func (c *call) client() *http.Client {
	return &http.Client{
		Transport:     c,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// context carries the client to x/oauth2.
func (c *call) context() context.Context {
	return context.WithValue(c.ctx, oauth2.HTTPClient, c.client())
}

// RoundTrip implements http.RoundTripper. The whole reply is read here, so that a reply that is cut off is told apart
// from one that makes no sense.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	c.sent.Store(false)
	if _, err := CheckURL(req.URL.String()); err != nil {
		return nil, err
	}
	req, err := c.prepare(req)
	if err != nil {
		return nil, err
	}
	resp, err := c.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxReply:
		return nil, errTooLarge
	}
	c.date, _ = http.ParseTime(resp.Header.Get("Date"))
	resp.Header.Set("Content-Type", replyType(resp.Header.Get("Content-Type"), body))
	resp.Body = io.NopCloser(bytes.NewReader(plainLifetime(body)))
	return resp, nil
}

func (c *call) prepare(req *http.Request) (*http.Request, error) {
	trace := &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) {
		if info.Err == nil {
			c.sent.Store(true)
		}
	}}
	out := req.Clone(httptrace.WithClientTrace(c.ctx, trace)) // x/oauth2's device request forgets its context
	out.Header.Set("Accept", "application/json")
	if mediaType(req.Header.Get("Content-Type")) != "application/x-www-form-urlencoded" || req.Body == nil {
		return out, nil
	}
	raw, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for name := range form {
		if form.Get(name) == "" {
			form.Del(name) // a parameter without a value counts as absent (RFC 6749 section 3.1)
			continue
		}
		fields[name] = form.Get(name)
	}
	raw = []byte(form.Encode())
	if c.json {
		if raw, err = json.Marshal(fields); err != nil {
			return nil, err
		}
		out.Header.Set("Content-Type", "application/json")
	}
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
	return out, nil
}

func mediaType(header string) string {
	t, _, _ := mime.ParseMediaType(header)
	return t
}

// replyType calls a JSON object JSON, whatever the server calls it: x/oauth2 would read text/plain as a form.
func replyType(declared string, body []byte) string {
	if json.Valid(body) && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return "application/json"
	}
	return declared
}

// plainLifetime rewrites an expires_in that x/oauth2 would refuse (a fraction, text, a huge number). Refusing the reply
// to a refresh would lose the session over a detail.
func plainLifetime(body []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields["expires_in"] == nil {
		return body
	}
	raw := string(fields["expires_in"])
	if text, err := strconv.Unquote(raw); err == nil {
		raw = text
	}
	seconds, err := strconv.ParseFloat(raw, 64)
	if err != nil || !(seconds > 0) {
		delete(fields, "expires_in")
	} else {
		fields["expires_in"] = strconv.AppendInt(nil, int64(min(seconds, math.MaxInt32)), 10)
	}
	plain, err := json.Marshal(fields)
	if err != nil {
		return body
	}
	return plain
}

// A reply is an answer that was read whole.
type reply struct {
	host   string
	status int
	header http.Header
	body   []byte
}

// do sends one of our own requests.
func (c *call) do(req *http.Request) (reply, error) {
	resp, err := c.client().Do(req)
	if err != nil {
		return reply{}, c.explain(req.URL.Host, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return reply{host: req.URL.Host, status: resp.StatusCode, header: resp.Header, body: body}, err
}

// post sends a form (or the JSON in its place), and wants a success.
func (c *call) post(endpoint string, form url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodPost, endpoint, bytes.NewReader([]byte(form.Encode())))
	if err != nil {
		return nil, &URLError{URL: clean(endpoint, 100), Detail: "it is not a URL"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.succeed(req)
}

// succeed sends a request and turns everything but a 2xx into a typed error.
func (c *call) succeed(req *http.Request) ([]byte, error) {
	r, err := c.do(req)
	if err != nil {
		return nil, err
	}
	if r.status < 200 || r.status > 299 {
		var refused struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		_ = json.Unmarshal(r.body, &refused)
		return nil, c.refusal(r, refused.Error, refused.Description)
	}
	return r.body, nil
}

// explain turns what came out of http.Client or x/oauth2 into one of our errors. Theirs may print whole replies.
func (c *call) explain(host string, err error) error {
	var retrieve *oauth2.RetrieveError
	var refused *URLError
	var transport *url.Error
	switch {
	case errors.As(err, &retrieve):
		r := reply{host: host, status: retrieve.Response.StatusCode, header: retrieve.Response.Header}
		return c.refusal(r, retrieve.ErrorCode, retrieve.ErrorDescription)
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, errTooLarge):
		return &ResponseError{Doing: c.doing, Host: host, Detail: errTooLarge.Error()}
	case errors.As(err, &transport):
		cause := transport.Err
		if c.ctx.Err() != nil {
			cause = context.Cause(c.ctx)
		}
		return &UnreachableError{Doing: c.doing, Host: host, Err: cause, sent: c.sent.Load()}
	default:
		return &ResponseError{Doing: c.doing, Host: host, Detail: "is not an OAuth answer"}
	}
}

// refusal tells an authorization server that says no from something on the way that fails. Only 4xx (and the 200 of
// unorthodox servers) with an error code count as its word.
func (c *call) refusal(r reply, code, description string) error {
	if code = clean(code, 60); code == "" || r.status == http.StatusTooManyRequests ||
		r.status >= 300 && r.status < 400 || r.status >= 500 {
		wait, _ := strconv.Atoi(r.header.Get("Retry-After"))
		return &StatusError{Doing: c.doing, Host: r.host, Status: r.status, RetryAfter: time.Duration(max(0, wait)) * time.Second}
	}
	return &OAuthError{Doing: c.doing, Code: code, Description: clean(description, 200), Status: r.status}
}
