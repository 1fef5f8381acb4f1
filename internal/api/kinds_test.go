package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kindIn returns the kind of an UnreachableError.
func kindIn(t *testing.T, err error) Kind {
	t.Helper()
	var lost *UnreachableError
	if !errors.As(err, &lost) {
		t.Fatalf("got %v, want an UnreachableError", err)
	}
	return lost.Kind
}

// unusedAddress returns an address of this machine without a listener.
func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// raw starts a server that writes answer to every connection and closes it, and returns its URL.
func raw(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

type failingTransport struct{ err error }

func (f failingTransport) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// TestKinds: the kind of each network failure. Most failures are real ones.
func TestKinds(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(slow.Close)
	slowBody := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = http.NewResponseController(w).Flush()
		<-hang
	}))
	t.Cleanup(slowBody.Close)
	t.Cleanup(func() { close(hang) }) // runs before the servers are closed, which wait for their handlers
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	local := errors.New("no credential")

	tests := []struct {
		name      string
		base      string
		http      *http.Client
		timeout   time.Duration
		want      Kind
		maybeSent bool  // the service may have received the request
		wantCause error // nil: not checked
	}{
		{"refused", "http://" + unusedAddress(t), nil, 0, Refused, false, nil},
		{"closed before the header", raw(t, ""), nil, 0, Cut, true, io.EOF},
		{"closed in the header", raw(t, "HTTP/1.1 200 OK\r\nContent-"), nil, 0, Cut, true, nil},
		{"closed in the body", raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"), nil, 0, Cut, true, io.ErrUnexpectedEOF},
		{"closed in a chunk", raw(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"), nil, 0, Cut, true, io.ErrUnexpectedEOF},
		{"broken chunk", raw(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"), nil, 0, Cut, true, nil},
		{"slow header", slow.URL, nil, 20 * time.Millisecond, Timeout, true, context.DeadlineExceeded},
		{"slow body", slowBody.URL, nil, 20 * time.Millisecond, Timeout, true, context.DeadlineExceeded},
		{"slow, by the http.Client", slow.URL, &http.Client{Timeout: 20 * time.Millisecond}, 0, Timeout, true, nil},
		{"untrusted certificate", secure.URL, nil, 0, TLS, false, nil},
		{"no TLS there", strings.Replace(plain.URL, "http:", "https:", 1), nil, 0, TLS, false, http.ErrSchemeMismatch},
		{"no such host", "http://lamina.invalid", dialError(&net.DNSError{Err: "no such host", Name: "lamina.invalid", IsNotFound: true}), 0, DNS, false, nil},
		{"slow DNS", "http://lamina.invalid", dialError(&net.DNSError{Err: "i/o timeout", Name: "lamina.invalid", IsTimeout: true}), 0, Timeout, true, nil},
		{"no route", "http://x.invalid", dialError(&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}), 0, Network, true, syscall.EHOSTUNREACH},
		{"refused on Windows", "http://x.invalid", dialError(&net.OpError{Op: "dial", Err: wsaConnRefused}), 0, Refused, false, nil},
		{"reset on Windows", "http://x.invalid", dialError(&net.OpError{Op: "read", Err: wsaConnReset}), 0, Cut, true, nil},
		{"reset", "http://x.invalid", dialError(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), 0, Cut, true, nil},
		{"error of a transport", "http://x.invalid", &http.Client{Transport: failingTransport{fmt.Errorf("token: %w", local)}}, 0, Other, true, local},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &Client{BaseURL: tt.base, HTTP: tt.http, Timeout: tt.timeout, Sleep: newClock().sleep}
			_, err := c.StartRun(t.Context(), "a1", StartRun{}, "https://hook.example/?token=s3cret")
			got := kindIn(t, err)
			if got != tt.want || got.NeverSent() == tt.maybeSent {
				t.Errorf("got the kind %s of %v, NeverSent %t, want %s", got, err, got.NeverSent(), tt.want)
			}
			if tt.wantCause != nil && !errors.Is(err, tt.wantCause) {
				t.Errorf("got %v, want the cause %v", err, tt.wantCause)
			}
			if strings.Contains(err.Error(), "s3cret") || !strings.HasPrefix(err.Error(), tt.base+": ") {
				t.Errorf("got %q, want the base URL and no query", err)
			}
		})
	}
}

// dialError returns a client that fails to connect with err.
func dialError(err error) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err },
	}}
}

// TestHTTP2Reset: a reset stream of HTTP/2, which gateways cause when they restart, is a cut.
func TestHTTP2Reset(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		begin func(http.ResponseWriter)
	}{
		{"before the header", func(http.ResponseWriter) {}},
		{"in the body", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 2 {
					t.Errorf("got the protocol %s, want HTTP/2", r.Proto)
				}
				tt.begin(w)
				cut(w)
			}))
			server.EnableHTTP2 = true
			server.StartTLS()
			t.Cleanup(server.Close)
			c := &Client{BaseURL: server.URL, HTTP: server.Client(), Sleep: newClock().sleep}
			_, err := c.Run(t.Context(), "r1")
			if got := kindIn(t, err); got != Cut {
				t.Errorf("got the kind %s of %v, want %s", got, err, Cut)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, at := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := c.Run(ctx, "r1")
	if kind := kindIn(t, err); kind != Interrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v (%s), want Interrupted", err, kind)
	}
	if len(at.sleeps()) > 0 {
		t.Error("got a second attempt, want none")
	}
}

// TestQueryIsUTF8 checks that a value of a query that is not UTF-8 is refused before it is sent.
func TestQueryIsUTF8(t *testing.T) {
	t.Parallel()
	client := &Client{HTTP: http.DefaultClient, BaseURL: "http://127.0.0.1:9"}
	_, err := client.Fetch(t.Context(), Call{Method: http.MethodGet, Path: "/v1/runs", Query: url.Values{"webhook": {"caf\xe9"}}})
	if refused := (*TextError)(nil); !errors.As(err, &refused) || refused.Field != "webhook" {
		t.Errorf("got %v, want a *TextError for webhook", err)
	}
}
