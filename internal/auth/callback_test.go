package auth

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/provider"
)

// TestCallbackIgnoresOtherRequests checks that only an authorization response with the right state ends the wait.
func TestCallbackIgnoresOtherRequests(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	done := s.start(t.Context())
	address := <-s.shown
	u, _ := url.Parse(address)
	redirect, state := u.Query().Get("redirect_uri"), u.Query().Get("state")
	base := strings.TrimSuffix(redirect, "/callback")
	tests := []struct {
		name, method, target, host string
		status                     int
	}{
		{"icon", "GET", base + "/favicon.ico", "", 204},
		{"root", "GET", base + "/", "", 404},
		{"guessed result page", "GET", base + "/done/guess", "", 404},
		{"no query", "GET", redirect, "", 400},
		{"wrong state", "GET", redirect + "?code=x&state=wrong", "", 400},
		{"error with a wrong state", "GET", redirect + "?error=access_denied&state=wrong", "", 400},
		{"error without a state", "GET", redirect + "?error=access_denied", "", 400},
		{"two states", "GET", redirect + "?code=x&state=" + state + "&state=" + state, "", 400},
		{"malformed query", "GET", redirect + "?%zz", "", 400},
		{"HEAD", "HEAD", redirect + "?code=x&state=" + state, "", 405},
		{"POST", "POST", redirect + "?code=x&state=" + state, "", 405},
		{"another host name", "GET", redirect + "?code=x&state=" + state, "evil.example", 421},
		{"too large", "GET", redirect + "?code=" + strings.Repeat("x", 64<<10) + "&state=" + state, "", 431},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req, _ := http.NewRequest(test.method, test.target, nil)
			req.Host = test.host
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != test.status || strings.Contains(string(body), state) {
				t.Errorf("got status %d, want %d, without the state:\n%s", resp.StatusCode, test.status, body)
			}
		})
	}
	select {
	case got := <-done:
		t.Fatalf("the sign-in ended: %v", got.err)
	default:
	}
	// A connection without a request must not block the end either.
	if idle, err := net.Dial("tcp", strings.TrimPrefix(base, "http://")); err == nil {
		defer func() { _ = idle.Close() }()
	}
	wantPage(t, address, http.StatusOK)
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
}

// TestParallelCallbacks checks that a browser may send the response several times: the first one is used, and each request gets
// the result.
func TestParallelCallbacks(t *testing.T) {
	t.Parallel()
	listeners, redirect, err := listenLoopback(t.Context(), Client{})
	if err != nil {
		t.Fatal(err)
	}
	s := serveCallback(listeners, &attempt{state: "st4te", provider: provider.Lamina()}, nil)
	defer s.close()
	// The requests do not use the network, because the server may close before a late connection is accepted.
	request := func(address string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		return w
	}
	origin := strings.TrimSuffix(redirect, "/callback")
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			w := request(fmt.Sprintf("%s?code=code-%d&state=st4te", redirect, i))
			next := w.Header().Get("Location")
			if w.Code != http.StatusSeeOther || next != s.donePath {
				t.Errorf("got status %d, redirect to %q, want 303 to %s", w.Code, next, s.donePath)
			}
			if w := request(origin + next); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Signed in") {
				t.Errorf("got status %d, want 200 with the result:\n%s", w.Code, w.Body)
			}
		})
	}
	<-s.responses
	s.finish("sam@example.com", nil)
	all.Wait()
	if got := len(s.responses); got != 0 {
		t.Errorf("got %d further responses, want none", got)
	}
}

// TestCallbackHidesCode checks that the browser neither stores the address with the code nor sends it to another server, and
// shows another address at the end.
func TestCallbackHidesCode(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	done := s.start(t.Context())
	get := func(address string) (*http.Response, string) {
		t.Helper()
		resp, err := noFollow.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	authorized, _ := get(<-s.shown)
	callback := authorized.Header.Get("Location")
	resp, body := get(callback)
	next := resp.Header.Get("Location")
	if !strings.HasPrefix(next, "/done/") || strings.Contains(next+body, "code") {
		t.Errorf("got a redirect to %q, want /done/ without the code:\n%s", next, body)
	}
	if h := resp.Header; h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("got headers %v, want no-store and no-referrer", h)
	}
	origin, _, _ := strings.Cut(callback, "/callback")
	wantPage(t, origin+next, http.StatusOK)
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
}

func TestCallbackTimeouts(t *testing.T) {
	t.Parallel()
	listeners, _, err := listenLoopback(t.Context(), Client{})
	if err != nil {
		t.Fatal(err)
	}
	s := serveCallback(listeners, &attempt{}, nil)
	defer s.close()
	tests := []struct {
		name string
		got  time.Duration
	}{
		{"header", s.http.ReadHeaderTimeout},
		{"request", s.http.ReadTimeout},
		{"next request", s.http.IdleTimeout},
	}
	for _, test := range tests {
		if test.got <= 0 || test.got > 30*time.Second {
			t.Errorf("%s: got timeout %s, want at most 30 s", test.name, test.got)
		}
	}
}

func TestListenOnBothFamilies(t *testing.T) {
	t.Parallel()
	listeners, redirect, err := listenLoopback(t.Context(), Client{ID: "c", RedirectURI: "http://127.0.0.1/callback"})
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(listeners)
	if !strings.HasPrefix(redirect, "http://127.0.0.1:") || !strings.HasSuffix(redirect, "/callback") {
		t.Errorf("got redirect URI %s, want http://127.0.0.1:PORT/callback", redirect)
	}
	if probe, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		_ = probe.Close()
		if len(listeners) != 2 {
			t.Errorf("got %d listeners, want one for 127.0.0.1 and one for ::1", len(listeners))
		}
	}
}

func TestBusyPort(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	client := Client{ID: "c", RedirectURI: "http://" + busy.Addr().String() + "/callback"}
	listeners, redirect, err := listenLoopback(t.Context(), client)
	if err != nil || redirect == client.RedirectURI {
		t.Errorf("registered client: got redirect URI %q, %v, want another port", redirect, err)
	}
	closeAll(listeners)
	client.UserProvided = true
	listeners, redirect, err = listenLoopback(t.Context(), client)
	var port *PortError
	if !errors.As(err, &port) || "127.0.0.1:"+port.Port != busy.Addr().String() {
		t.Errorf("user-provided client: got redirect URI %q, %v, want a *PortError for %s", redirect, err, busy.Addr())
	}
	closeAll(listeners)
}

// malformedRequests are requests that no browser sends.
var malformedRequests = []struct {
	name, bytes string
	isComplete  bool // the server can reply
}{
	{"nothing", "", false},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", false},
	{"noise", strings.Repeat("\x00\xff\r\n", 4096), false},
	{"half a request line", "GET /callback?code=abc", false},
	{"half a header", "GET /callback?code=abc&state=x HTTP/1.1\r\nHost: 127.0.0.1", false},
	{"no host", "GET /callback?code=abc HTTP/1.1\r\n\r\n", true},
	{"two hosts", "GET /callback HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", true},
	{"proxy request", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", true},
	{"absolute address", "GET http://evil.example/callback?code=abc HTTP/1.1\r\nHost: evil.example\r\n\r\n", true},
	{"path with dots", "GET /../../callback HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", true},
	{"invalid escape", "GET /%zz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", true},
	{"huge line", "GET /callback?code=" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", false},
	{"huge header", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", false},
	{"endless headers", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + strings.Repeat("X: y\r\n", 100_000), false},
	{"huge content length", "POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999\r\n\r\nx", false},
	{"negative content length", "POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", true},
	{
		"smuggled request",
		"POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
			"GET /callback HTTP/1.1\r\n\r\n",
		true,
	},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false},
	{"HTTP/0.9", "GET /callback\r\n", false},
}

// TestCallbackWithMalformedRequests keeps many bad connections open, one of them sending single bytes, while the browser
// sends the authorization response.
func TestCallbackWithMalformedRequests(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	done := s.start(t.Context())
	address := <-s.shown
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	redirect, err := url.Parse(u.Query().Get("redirect_uri"))
	if err != nil {
		t.Fatal(err)
	}
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", redirect.Host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	var senders sync.WaitGroup
	for _, request := range malformedRequests {
		for range 4 {
			conn := dial()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			senders.Go(func() { _, _ = io.WriteString(conn, request.bytes) })
			if request.isComplete {
				senders.Go(func() { wantNoSuccess(t, request.name, conn) })
			}
		}
	}
	slow := dial()
	for _, b := range []byte("GET /callback?code=") {
		_, _ = slow.Write([]byte{b})
	}
	wantPage(t, address, http.StatusOK, "Signed in")
	if got := <-done; got.err != nil || got.c.Token == "" {
		t.Errorf("got %v, want a token", got.err)
	}
	senders.Wait()
}

// wantNoSuccess checks that a connection receives an error status or is closed.
func wantNoSuccess(t *testing.T, name string, conn net.Conn) {
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return
	}
	_ = resp.Body.Close()
	if resp.StatusCode < 400 {
		t.Errorf("%s: got status %s, want an error", name, resp.Status)
	}
}

// TestCallbackUnderLoad checks that forged responses with other states, sent in parallel, do not prevent the right one.
func TestCallbackUnderLoad(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	done := s.start(t.Context())
	address := <-s.shown
	u, _ := url.Parse(address)
	redirect := u.Query().Get("redirect_uri")
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			resp, err := http.Get(fmt.Sprintf("%s?code=forged-%d&state=guess-%d", redirect, i, i))
			if err != nil {
				return // the sign-in may have ended
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusBadRequest {
				t.Errorf("forged response: got status %s, want 400", resp.Status)
			}
		})
	}
	wantPage(t, address, http.StatusOK)
	if got := <-done; got.err != nil || s.count("authorization_code") != 1 {
		t.Errorf("got %v, %d exchanges, want 1", got.err, s.count("authorization_code"))
	}
	all.Wait()
}
