// Package wiretest serves a server of the local platform in a test: over HTTP, with a clock and timers that the test
// moves.
package wiretest

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A Rig serves a handler and calls it. Its client keeps cookies like a browser and follows no redirects.
type Rig struct {
	T      *testing.T
	URL    string
	Deps   wire.Deps
	Clock  *Clock
	Timers *Timers
	// Header is sent with every request.
	Header http.Header
	// Validate, if not nil, checks every exchange.
	Validate func(req *http.Request, resp *http.Response, body []byte)

	HTTP    *http.Client
	server  *httptest.Server
	handler http.Handler
}

// New returns a rig. An empty file keeps the state in memory. types are the types of key.
func New(t *testing.T, file string, types ...wire.KeyType) *Rig {
	t.Helper()
	rg := NewClient(t)
	timing := wire.RealTiming()
	timing.Pause, timing.After = 0, rg.Timers.After
	rg.Deps = NewDeps(t, file, rg.URL, timing, rg.Clock.Now, types...)
	t.Cleanup(func() { _ = rg.Deps.Store.Close() })
	return rg
}

// NewClient returns a rig without dependencies, for a handler that brings its own.
func NewClient(t *testing.T) *Rig {
	t.Helper()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rg := &Rig{T: t, HTTP: NewBrowser(t), Header: http.Header{}, Clock: &Clock{now: start}, Timers: newTimers()}
	rg.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { rg.handler.ServeHTTP(w, r) }))
	rg.URL = "http://" + rg.server.Listener.Addr().String()
	return rg
}

// NewDeps returns the dependencies of a server.
func NewDeps(t *testing.T, file, baseURL string, timing wire.Timing, now func() time.Time, types ...wire.KeyType) wire.Deps {
	t.Helper()
	store, err := wire.OpenStore(file)
	if err != nil {
		t.Fatal(err)
	}
	deps := wire.Deps{BaseURL: baseURL, Store: store, Clock: wire.NewClock(now), Timing: timing, Log: slog.New(slog.DiscardHandler)}
	if deps.Secrets, err = wire.OpenSecrets(store); err != nil {
		t.Fatal(err)
	}
	if deps.Keys, err = wire.OpenKeys(store, deps.Secrets, deps.Clock, types...); err != nil {
		t.Fatal(err)
	}
	if err := wire.SeedIdentities(store); err != nil {
		t.Fatal(err)
	}
	return deps
}

// Serve starts to serve a handler behind wire.Guard, until the test ends.
func (rg *Rig) Serve(h http.Handler) {
	rg.ServeUnguarded(wire.Guard(rg.Deps.Clock, h))
}

// ServeUnguarded starts to serve a handler, until the test ends.
func (rg *Rig) ServeUnguarded(h http.Handler) {
	rg.handler = h
	rg.server.Start()
	rg.T.Cleanup(rg.server.Close)
}

// NewBrowser returns a client with its own cookies that follows no redirects.
func NewBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{
		Jar: jar, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// WithBrowser returns a rig for the same server with another browser.
func (rg *Rig) WithBrowser() *Rig {
	other := *rg
	other.HTTP = NewBrowser(rg.T)
	return &other
}

// Request returns a request. path may also be a URL. headers come in pairs; an empty value removes a header.
func (rg *Rig) Request(method, path, contentType, body string, headers ...string) *http.Request {
	rg.T.Helper()
	if strings.HasPrefix(path, "/") {
		path = rg.URL + path
	}
	req, err := http.NewRequestWithContext(rg.T.Context(), method, path, strings.NewReader(body))
	if err != nil {
		rg.T.Fatal(err)
	}
	for name, values := range rg.Header {
		req.Header[name] = values
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Del(headers[i])
		if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	return req
}

// Do sends a request and reads its answer.
func (rg *Rig) Do(req *http.Request) Reply {
	rg.T.Helper()
	var sent []byte // read before, because the transport may still read when the response is there
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			rg.T.Fatal(err)
		}
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := rg.HTTP.Do(req)
	if err != nil {
		rg.T.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		rg.T.Fatal(err)
	}
	if rg.Validate != nil {
		seen := req.Clone(req.Context())
		seen.Body = io.NopCloser(bytes.NewReader(sent))
		rg.Validate(seen, resp, body)
	}
	return Reply{T: rg.T, Status: resp.StatusCode, Header: resp.Header, Body: string(body)}
}

// Call sends a request. A string is sent as it is, nil is no body, and another value is sent as JSON. headers come in
// pairs; an empty value removes a header.
func (rg *Rig) Call(method, path string, body any, headers ...string) Reply {
	rg.T.Helper()
	text, contentType := "", "application/json"
	switch b := body.(type) {
	case nil:
		contentType = ""
	case string:
		text = b
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			rg.T.Fatal(err)
		}
		text = string(raw)
	}
	return rg.Do(rg.Request(method, path, contentType, text, headers...))
}

// Get sends a GET.
func (rg *Rig) Get(path string) Reply { rg.T.Helper(); return rg.Call("GET", path, nil) }

// Delete sends a DELETE.
func (rg *Rig) Delete(path string) Reply { rg.T.Helper(); return rg.Call("DELETE", path, nil) }

// Post sends a POST with JSON text.
func (rg *Rig) Post(path, body string) Reply { rg.T.Helper(); return rg.Call("POST", path, body) }

// PostForm sends a POST with a form.
func (rg *Rig) PostForm(path string, v url.Values) Reply {
	rg.T.Helper()
	return rg.Do(rg.Request("POST", path, "application/x-www-form-urlencoded", v.Encode()))
}

// NewKey makes an API key of a service.
func (rg *Rig) NewKey(service, class, owner string) (secret string) {
	rg.T.Helper()
	secret, _, err := rg.Deps.Keys.Make(service, "test", class, owner)
	if err != nil {
		rg.T.Fatal(err)
	}
	return secret
}

// NewRevokedKey makes a revoked API key of a service.
func (rg *Rig) NewRevokedKey(service, class, owner string) (secret string) {
	rg.T.Helper()
	secret, key, err := rg.Deps.Keys.Make(service, "test", class, owner)
	if err != nil {
		rg.T.Fatal(err)
	}
	if found, err := rg.Deps.Keys.Revoke(key.ID); err != nil || !found {
		rg.T.Fatalf("Revoke(%q) = %v, %v; want true", key.ID, found, err)
	}
	return secret
}

// Update changes the state.
func (rg *Rig) Update(fn func(tx *wire.Tx)) {
	rg.T.Helper()
	if err := rg.Deps.Store.Update(func(tx *wire.Tx) error { fn(tx); return nil }); err != nil {
		rg.T.Fatal(err)
	}
}

// Await polls until ok returns true. It fails the test after a minute.
func (rg *Rig) Await(what string, ok func() bool) {
	rg.T.Helper()
	for range 12000 { // a minute: machines may be busy
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	rg.T.Fatal("timeout while waiting for " + what)
}
