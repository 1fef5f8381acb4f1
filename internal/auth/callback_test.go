package auth

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// abuse is what no browser sends, written to a connection as it is.
var abuse = map[string]string{
	"nothing":             "",
	"no HTTP":             "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	"noise":               strings.Repeat("\x00\xff\r\n", 4096),
	"half a request line": "GET /callback?code=abc",
	"half a header":       "GET /callback?code=abc&state=x HTTP/1.1\r\nHost: 127.0.0.1",
	"no host":             "GET /callback?code=abc HTTP/1.1\r\n\r\n",
	"two hosts":           "GET /callback HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
	"a proxy's request":   "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
	"absolute address":    "GET http://evil.example/callback?code=abc HTTP/1.1\r\nHost: evil.example\r\n\r\n",
	"path upwards":        "GET /../../callback HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
	"bad escape":          "GET /%zz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
	"huge line":           "GET /callback?code=" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
	"huge header":         "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
	"endless headers":     "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + strings.Repeat("X: y\r\n", 100_000),
	"huge body promised":  "POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999\r\n\r\nx",
	"negative length":     "POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
	"smuggled":            "POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /callback HTTP/1.1\r\n\r\n",
	"HTTP/2":              "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"HTTP/0.9":            "GET /callback\r\n",
}

// TestCallbackSurvivesAbuse keeps many bad connections open at once, some sending a byte at a time, and then lets the
// browser come.
func TestCallbackSurvivesAbuse(t *testing.T) {
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
	var senders sync.WaitGroup
	for name, bytes := range abuse {
		for range 4 {
			conn, err := net.Dial("tcp", redirect.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }() // only after the browser has come
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			senders.Go(func() { _, _ = io.WriteString(conn, bytes) })
			if bytes != "" && strings.HasSuffix(bytes, "\r\n\r\n") && !strings.HasPrefix(bytes, "PRI") && len(bytes) < 300 {
				senders.Go(func() { refused(t, name, conn) })
			}
		}
	}
	drip, err := net.Dial("tcp", redirect.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = drip.Close() }()
	for _, b := range []byte("GET /callback?code=") {
		_, _ = drip.Write([]byte{b})
	}
	status, _, body, _, err := browse(address)
	if err != nil || status != http.StatusOK || !strings.Contains(body, "Signed in") {
		t.Errorf("the browser got %d %v\n%s", status, err, body)
	}
	if got := <-done; got.err != nil || got.c.Token == "" {
		t.Errorf("got %v", got.err)
	}
	senders.Wait()
}

// refused wants an error for an answer, or none.
func refused(t *testing.T, name string, conn net.Conn) {
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return // hung up
	}
	_ = resp.Body.Close()
	if resp.StatusCode < 400 {
		t.Errorf("%s: answered %s", name, resp.Status)
	}
}

// TestCallbackUnderLoad: however many callbacks of other sign-ins come side by side, the right one wins.
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
				return // it may be over already
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusBadRequest {
				t.Errorf("a forged callback was answered %s", resp.Status)
			}
		})
	}
	if status, _, _, _, err := browse(address); err != nil || status != http.StatusOK {
		t.Errorf("the browser got %d %v", status, err)
	}
	if got := <-done; got.err != nil || s.count("authorization_code") != 1 {
		t.Errorf("got %v after %d exchanges", got.err, s.count("authorization_code"))
	}
	all.Wait()
}

// FuzzMetadata: a description of the server is believed only where all its endpoints are on the issuer's own origin.
func FuzzMetadata(f *testing.F) {
	const issuer = "https://h.example/cli/oauth"
	for _, endpoint := range []string{issuer + "/token", "https://evil.example/token", "http://h.example/token", "//h.example", "https://h.example@evil.example/", "https://h.example:443/x#y"} {
		f.Add(issuer, endpoint, endpoint, endpoint, "S256")
	}
	f.Fuzz(func(t *testing.T, name, authorize, token, device, method string) {
		doc := metadata{Issuer: name, AuthorizationEndpoint: authorize, TokenEndpoint: token, DeviceEndpoint: device, ChallengeMethods: []string{method}}
		server, err := doc.server("https://h.example/.well-known", Server{Issuer: issuer})
		if err != nil {
			return
		}
		for _, endpoint := range []string{server.AuthorizationEndpoint, server.TokenEndpoint, server.DeviceEndpoint} {
			u, err := url.Parse(endpoint)
			if endpoint == "" && err == nil {
				continue
			}
			if err != nil || u.Scheme != "https" || u.User != nil || !strings.EqualFold(u.Hostname(), "h.example") || u.Port() != "" && u.Port() != "443" {
				t.Fatalf("believed %q", endpoint)
			}
		}
		if server.Issuer != issuer || method != "S256" || server.TokenEndpoint == "" {
			t.Fatalf("believed %+v", server)
		}
	})
}

// FuzzPendingLogin: what stands in the file of a sign-in under way leads to no other host than its own.
func FuzzPendingLogin(f *testing.F) {
	f.Add([]byte(`{"baseUrl": "https://h.example", "tokenEndpoint": "https://h.example/token", "deviceCode": "x", "intervalSeconds": 5}`))
	f.Add([]byte(`{"baseUrl": "https://h.example", "tokenEndpoint": "https://evil.example/token"}`))
	f.Add([]byte(`{"baseUrl": "http://h.example", "tokenEndpoint": "http://h.example/token"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		login, err := DecodeDeviceLogin(raw)
		if err != nil {
			return
		}
		if _, err := CheckURL(login.Server.TokenEndpoint); err != nil || !SameOrigin(login.Server.TokenEndpoint, login.BaseURL) {
			t.Fatalf("accepted %q for %q", login.Server.TokenEndpoint, login.BaseURL)
		}
	})
}
