package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/uselamina/lamina/internal/auth/clientkey"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/redact"
	"github.com/uselamina/lamina/internal/retry"
)

const (
	maxResponse    = 1 << 20 // of an authorization server, in bytes
	maxRedirects   = 5
	requestTimeout = 30 * time.Second
)

// A call is one request to an authorization server. It is the RoundTripper of x/oauth2 and of this package's own requests. It
// limits the time and the size of the response, and sends JSON instead of forms if the service expects that. It follows no
// redirects, because most requests carry a credential.
type call struct {
	doing string // continues "cannot" in error messages
	ctx   context.Context
	base  http.RoundTripper
	json  bool

	as      Client                       // authenticates forms; a public client does not
	extra   url.Values                   // is added to forms
	follows func(from, to *url.URL) bool // for a request without a credential: which redirects it follows; nil means none
	cookies http.CookieJar               // nil means none

	sent atomic.Bool // the last request was sent in full
	date time.Time   // the Date header of the last response
}

// newCall prepares a request. hc may be nil; its Timeout limits the request. The caller calls cancel after the request.
func newCall(ctx context.Context, hc *http.Client, oauth *provider.OAuth, doing string) (c *call, cancel func()) {
	ctx, cancel = withLimit(ctx, requestLimit(hc))
	c = &call{doing: doing, ctx: ctx, base: http.DefaultTransport, json: oauth.JSONBodies}
	if hc != nil && hc.Transport != nil {
		c.base = hc.Transport
	}
	return c, cancel
}

// withLimit ends a context after a time limit. The cause names the limit.
func withLimit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("no response within %s", limit))
}

// requestLimit returns the time limit of one request: that of the client, else 30 seconds. A client may be nil.
func requestLimit(hc *http.Client) time.Duration {
	if hc == nil || hc.Timeout <= 0 {
		return requestTimeout
	}
	return hc.Timeout
}

var errTooLarge = errors.New("is too large")

func (c *call) client() *http.Client {
	return &http.Client{
		Transport: c,
		Jar:       c.cookies,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if c.follows == nil || len(via) > maxRedirects || !c.follows(via[len(via)-1].URL, req.URL) {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// followSecure allows redirects that stay on https, and from and to http on this machine.
func followSecure(from, to *url.URL) bool {
	_, err := safeurl.Check(to.String())
	return err == nil && (from.Scheme == "http" || to.Scheme == "https")
}

// followSameOrigin allows redirects that stay on the server.
func followSameOrigin(from, to *url.URL) bool { return safeurl.SameOrigin(from.String(), to.String()) }

// context returns the context with which x/oauth2 uses the client.
func (c *call) context() context.Context {
	return context.WithValue(c.ctx, oauth2.HTTPClient, c.client())
}

// RoundTrip implements http.RoundTripper. It reads the whole response, to distinguish a broken connection from a malformed
// response.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	c.sent.Store(false)
	if _, err := safeurl.Check(req.URL.String()); err != nil {
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
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxResponse:
		return nil, errTooLarge
	}
	c.date, _ = http.ParseTime(resp.Header.Get("Date"))
	resp.Header.Set("Content-Type", responseType(resp.Header.Get("Content-Type"), body))
	resp.Body = io.NopCloser(bytes.NewReader(normalize(body)))
	return resp, nil
}

// secretFields are the secret parameters of requests to an authorization server (RFC 6749, 7009, 7521, 7636, 8628).
var secretFields = []string{"client_assertion", "client_secret", "code", "code_verifier", "device_code", "password", "refresh_token", "token"}

func (c *call) prepare(req *http.Request) (*http.Request, error) {
	trace := &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) {
		if info.Err == nil {
			c.sent.Store(true)
		}
	}}
	out := req.Clone(httptrace.WithClientTrace(c.ctx, trace)) // x/oauth2's device request does not pass the context on
	if out.Header.Get("Accept") == "" {
		out.Header.Set("Accept", "application/json")
	}
	if mediaType(req.Header.Get("Content-Type")) != formType || req.Body == nil {
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
	maps.Copy(form, c.extra)
	if err := c.authenticate(out.Header, form); err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for name := range form {
		if form.Get(name) == "" {
			form.Del(name) // a parameter without a value is equivalent to an absent one (RFC 6749 section 3.1)
			continue
		}
		fields[name] = form.Get(name)
		if slices.Contains(secretFields, name) {
			redact.Record(c.ctx, form.Get(name))
		}
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

// responseType returns the JSON media type for a JSON object with any declared type, because x/oauth2 reads text/plain as a
// form.
func responseType(declared string, body []byte) string {
	if json.Valid(body) && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return "application/json"
	}
	return declared
}

// normalize rewrites the fields of a response that x/oauth2 would not read: an expires_in that is a fraction, a string or a huge
// number, and an error that is an object. The response to a refresh must be read, because it may contain the only valid token.
func normalize(body []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields["expires_in"] == nil && fields["error"] == nil {
		return body
	}
	normalizeLifetime(fields)
	normalizeError(fields)
	normalized, err := json.Marshal(fields)
	if err != nil {
		return body
	}
	return normalized
}

func normalizeLifetime(fields map[string]json.RawMessage) {
	if fields["expires_in"] == nil {
		return
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
}

// normalizeError replaces an error object by its code and its message.
func normalizeError(fields map[string]json.RawMessage) {
	var object struct {
		Code    any    `json:"code"`
		Status  string `json:"status"`
		Message string `json:"message"`
	}
	var text string
	if fields["error"] == nil || json.Unmarshal(fields["error"], &text) == nil {
		return
	}
	code := "error"
	if json.Unmarshal(fields["error"], &object) == nil {
		switch {
		case object.Status != "":
			code = object.Status
		case object.Code != nil:
			code = fmt.Sprint(object.Code)
		}
	}
	fields["error"], _ = json.Marshal(code)
	if fields["error_description"] == nil {
		fields["error_description"], _ = json.Marshal(object.Message)
	}
}

// A response is a complete HTTP response.
type response struct {
	host   string
	url    *url.URL // after redirects
	status int
	header http.Header
	body   []byte
}

// send sends a request without x/oauth2.
func (c *call) send(req *http.Request) (response, error) {
	resp, err := c.client().Do(req)
	if err != nil {
		return response{}, c.convert(req.URL.Host, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return response{host: resp.Request.URL.Host, url: resp.Request.URL, status: resp.StatusCode, header: resp.Header, body: body}, err
}

// get sends a request without a credential.
func (c *call) get(address string) (response, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, address, nil)
	if err != nil {
		return response{}, safeurl.NotURL(address)
	}
	return c.send(req)
}

// post sends a form, or JSON if the service expects that, and returns the body of a successful response.
func (c *call) post(endpoint string, form url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodPost, endpoint, bytes.NewReader([]byte(form.Encode())))
	if err != nil {
		return nil, safeurl.NotURL(endpoint)
	}
	req.Header.Set("Content-Type", formType)
	return c.succeed(req)
}

// succeed sends a request and returns the body of a 2xx response. Any other response is an error.
func (c *call) succeed(req *http.Request) ([]byte, error) {
	r, err := c.send(req)
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

// convert converts an error of http.Client or x/oauth2 to one of this package's errors. Theirs may print the whole response.
func (c *call) convert(host string, err error) error {
	var retrieve *oauth2.RetrieveError
	var refused *safeurl.Error
	var key *clientkey.Error
	var transport *url.Error
	switch {
	case errors.As(err, &retrieve):
		r := response{host: host, status: retrieve.Response.StatusCode, header: retrieve.Response.Header}
		return c.refusal(r, retrieve.ErrorCode, retrieve.ErrorDescription)
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &key):
		return key
	case errors.Is(err, errTooLarge):
		return &ResponseError{Doing: c.doing, Host: host, Detail: errTooLarge.Error()}
	case errors.As(err, &transport):
		if u, err := url.Parse(transport.URL); err == nil { // after redirects
			host = u.Host
		}
		cause := transport.Err
		if c.ctx.Err() != nil {
			cause = context.Cause(c.ctx)
		}
		return &UnreachableError{Doing: c.doing, Host: host, Err: cause, sent: c.sent.Load()}
	default:
		return &ResponseError{Doing: c.doing, Host: host, Detail: "is not an OAuth response"}
	}
}

// refusal returns the error of a response. It is an *OAuthError only if the response has an error code and a status of 4xx, or
// 200 from servers that do not follow the RFC. Any other response may come from a proxy or a failing server.
func (c *call) refusal(r response, code, description string) error {
	if code = clean(code, 60); code == "" || r.status == http.StatusTooManyRequests ||
		r.status >= 300 && r.status < 400 || r.status >= 500 {
		return &StatusError{Doing: c.doing, Host: r.host, Status: r.status, RetryAfter: retry.After(r.header, time.Now())}
	}
	return &OAuthError{Doing: c.doing, Code: code, Description: clean(description, 200), Status: r.status}
}
