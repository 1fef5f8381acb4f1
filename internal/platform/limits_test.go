package platform

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// serveWith serves a platform with time limits for bodies.
func serveWith(t *testing.T, opts Options, bodies wire.BodyTiming) *httptest.Server {
	t.Helper()
	timing := wire.RealTiming()
	timing.Bodies = bodies
	opts.BaseURL, opts.timing = "http://127.0.0.1:1", &timing
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// TestSlowBodies: a body that never arrives ends the request and its connection, whether or not a handler reads it.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	server := serveWith(t, Options{}, wire.BodyTiming{Idle: 50 * time.Millisecond, Whole: time.Second})
	for _, tt := range []struct{ name, path, header string }{
		{"API", "/dev/faults", ""},
		{"registration", "/cli/oauth/register", ""},
		{"token", "/cli/oauth/token", "Content-Type: application/x-www-form-urlencoded\r\n"},
		{"form", "/device", "Content-Type: application/x-www-form-urlencoded\r\n"},
		{"upload", "/media/uploads/x", ""},
		{"GraphQL", "/lamatic/graphql", ""},
		{"no handler", "/nowhere", ""},
		{"chunks", "/cli/oauth/register", "Transfer-Encoding: chunked\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			length := "Content-Length: 1000\r\n"
			if strings.Contains(tt.header, "chunked") {
				length = ""
			}
			_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s%s\r\n{", tt.path, length, tt.header)
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Errorf("got %v, want the end of the connection", err)
			}
		})
	}
}

// TestSteadyBodies: the limit is for the time between two reads. A long answer after a body is not cut.
func TestSteadyBodies(t *testing.T) {
	t.Parallel()
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("got %v after %d bytes", err, len(body))
		}
		for range 4 {
			_, _ = io.WriteString(w, "data\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(200 * time.Millisecond)
			if r.Context().Err() != nil {
				t.Error("got the end of the request within its answer")
			}
		}
	})
	server := httptest.NewServer(wire.LimitBodies(wire.BodyTiming{Idle: 300 * time.Millisecond, Whole: time.Minute}, slow))
	defer server.Close()
	reader, writer := io.Pipe()
	go func() {
		for range 10 {
			_, _ = writer.Write([]byte("x"))
			time.Sleep(50 * time.Millisecond)
		}
		_ = writer.Close()
	}()
	resp, err := http.Post(server.URL, "text/plain", reader)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := 0
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		lines++
	}
	if lines != 4 {
		t.Errorf("got %d lines, want 4", lines)
	}
}

// TestLateBody: the answer says what happened.
func TestLateBody(t *testing.T) {
	t.Parallel()
	handler := wire.LimitBodies(wire.BodyTiming{Idle: time.Minute, Whole: 50 * time.Millisecond}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var refused *wire.Error
		if err := wire.DecodeBody(w, r, &struct{}{}); errors.As(err, &refused) {
			w.WriteHeader(refused.Status)
		}
	}))
	server := httptest.NewServer(handler)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusRequestTimeout {
		t.Fatalf("got %v, %v, want 408", resp, err)
	}
}

// TestDevToken: every address below /dev needs the token, and nothing else does.
func TestDevToken(t *testing.T) {
	t.Parallel()
	server := serveWith(t, Options{DevToken: "s3cret"}, wire.RealTiming().Bodies)
	get := func(path string, prepare func(*http.Request)) int {
		req, err := http.NewRequest("GET", server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		prepare(req)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if (resp.StatusCode == http.StatusUnauthorized) != (resp.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: got %d with WWW-Authenticate %q", path, resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
		}
		return resp.StatusCode
	}
	for _, path := range []string{"/dev", "/dev/requests", "/dev/keys", "/dev/faults", "/dev/clock", "/dev/laghav", "/dev/lamatic/tokens", "/dev/nowhere", "//dev/requests", "/x/../dev/requests", "/%64ev/requests"} {
		for name, prepare := range map[string]func(*http.Request){
			"nothing": func(*http.Request) {}, "another token": func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") },
			"an API key": func(r *http.Request) { r.Header.Set("X-Api-Key", "s3cret") },
		} {
			if got := get(path, prepare); got != http.StatusUnauthorized {
				t.Errorf("%s with %s: got %d, want 401", path, name, got)
			}
		}
	}
	for _, prepare := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer s3cret") }, func(r *http.Request) { r.SetBasicAuth("dev", "s3cret") },
	} {
		if got := get("/dev/requests", prepare); got != http.StatusOK {
			t.Errorf("got %d with the token, want 200", got)
		}
	}
	if got := get("/device", func(*http.Request) {}); got != http.StatusOK {
		t.Errorf("got %d for a page of a sign-in, want 200", got)
	}
}
