package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/retry"
)

// TestRefusals is about every shape in which the service, or what stands before it, says no.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		status  int
		body    string
		headers []string
		want    Error
	}{
		{
			"gen 2", 404, `{"error":"Execution not found","code":"NOT_FOUND","retryable":false,"requestId":"req_body","new":{}}`,
			[]string{"X-Request-Id", "req_header"},
			Error{Status: 404, Code: CodeNotFound, Message: "Execution not found", RequestID: "req_body"},
		},
		{
			"gen 2, id in the header only", 403, `{"error":"App access denied","code":"FORBIDDEN"}`, []string{"X-Request-Id", "req_header"},
			Error{Status: 403, Code: CodeForbidden, Message: "App access denied", RequestID: "req_header"},
		},
		{
			"gen 2 validation", 400,
			`{"error":"Invalid inputs","code":"VALIDATION_ERROR","retryable":false,"details":[{"field":"size","message":"not an option","allowed":["S","M",3]}],"requestId":"r"}`,
			nil,
			Error{
				Status: 400, Code: CodeValidation, Message: "Invalid inputs", RequestID: "r",
				Details: []Detail{{Field: "size", Message: "not an option", Allowed: []string{"S", "M", "3"}}},
			},
		},
		{
			"gen 1", 400, `{"error":"Invalid inputs","details":["size: must be one of S, M","text is required"]}`, nil,
			Error{Status: 400, Message: "Invalid inputs", Details: []Detail{{Message: "size: must be one of S, M"}, {Message: "text is required"}}},
		},
		{"gen 0", 401, `{"error":"Missing API key"}`, nil, Error{Status: 401, Message: "Missing API key"}},
		{
			"model validation", 400,
			`{"error":"Invalid params","code":"VALIDATION_ERROR","details":{"code":"invalid_params","message":"bad","details":{"errors":[{"field":"duration","error":"out_of_range","message":"must be 3 to 15","range":[3,15],"got":20},{"field":"prompt","error":"is missing"}]}}}`,
			nil,
			Error{
				Status: 400, Code: CodeValidation, Message: "Invalid params",
				Details: []Detail{{Field: "duration", Code: "out_of_range", Message: "must be 3 to 15"}, {Field: "prompt", Message: "is missing"}},
			},
		},
		{
			"429 JSON", 429, `{"error":"Too many requests","code":"RATE_LIMITED","retryable":true,"retryAfter":12,"requestId":"r"}`,
			[]string{"Retry-After", "99"},
			Error{Status: 429, Code: CodeRateLimited, Message: "Too many requests", Retryable: true, RetryAfter: 12 * time.Second, RequestID: "r"},
		},
		{
			"429 JSON of gen 1", 429, `{"error":"Too many requests"}`, []string{"Retry-After", "9"},
			Error{Status: 429, Code: CodeRateLimited, Message: "Too many requests", Retryable: true, RetryAfter: 9 * time.Second},
		},
		{
			"429 plain", 429, "too many requests from this IP\nplease wait", []string{"Content-Type", "text/plain", "Retry-After", " 30 "},
			Error{Status: 429, Code: CodeRateLimited, Message: "too many requests from this IP", Retryable: true, RetryAfter: 30 * time.Second},
		},
		{
			"429 with a date", 429, "", []string{"Date", "Sat, 11 Apr 2026 08:00:00 GMT", "Retry-After", "Sat, 11 Apr 2026 08:01:30 GMT"},
			Error{Status: 429, Code: CodeRateLimited, Message: "Too Many Requests", Retryable: true, RetryAfter: 90 * time.Second},
		},
		{
			"429 with a date in the past", 429, "", []string{"Date", "Sat, 11 Apr 2026 08:00:00 GMT", "Retry-After", "Sat, 11 Apr 2026 07:00:00 GMT"},
			Error{Status: 429, Code: CodeRateLimited, Message: "Too Many Requests", Retryable: true},
		},
		{
			"429 with nonsense", 429, "<html>", []string{"Retry-After", "soon"},
			Error{Status: 429, Code: CodeRateLimited, Message: "Too Many Requests", Retryable: true},
		},
		{
			"429 cut in a rune", 429, strings.Repeat("x", 199) + "é", []string{"Content-Type", "text/plain", "Retry-After", "-5"},
			Error{Status: 429, Code: CodeRateLimited, Message: strings.Repeat("x", 199), Retryable: true},
		},
		{
			"429 forever", 429, `{"error":"x","retryAfter":9223372036854775807}`, nil,
			Error{Status: 429, Code: CodeRateLimited, Message: "x", Retryable: true, RetryAfter: retry.MaxAfter},
		},
		{
			"a field of a wrong type", 429, `{"error":"x","code":"RATE_LIMITED","retryAfter":1.5,"requestId":"r"}`, []string{"Retry-After", "2"},
			Error{Status: 429, Code: CodeRateLimited, Message: "x", Retryable: true, RetryAfter: 2 * time.Second, RequestID: "r"},
		},
		{"500", 500, `{"error":"boom","code":"INTERNAL_ERROR","retryable":true}`, nil, Error{Status: 500, Code: "INTERNAL_ERROR", Message: "boom", Retryable: true}},
		{"502 HTML", 502, "<html>Bad gateway</html>", []string{"Content-Type", "text/html"}, Error{Status: 502, Message: "Bad Gateway", Retryable: true}},
		{"501 HTML", 501, "<html></html>", []string{"Content-Type", "text/html"}, Error{Status: 501, Message: "Not Implemented"}},
		{"520 of a proxy", 520, "", nil, Error{Status: 520, Message: "no reason given", Retryable: true}},
		{"401 without a body", 401, "", nil, Error{Status: 401, Message: "Unauthorized"}},
		{"404 of other JSON", 404, `{"message":"no route"}`, nil, Error{Status: 404, Message: "Not Found"}},
		{"400 of an object", 400, `{"error":{"message":"x"}}`, nil, Error{Status: 400, Message: "Bad Request"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, tt.status, tt.body, tt.headers...) })
			_, err := c.StartRun(t.Context(), "a1", StartRun{}, "")
			if tt.status == 429 {
				c.MaxWait = time.Nanosecond // do not try again
				_, err = c.StartRun(t.Context(), "a1", StartRun{}, "")
			}
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			tt.want.Method, tt.want.Path = "POST", "/v1/apps/a1/runs"
			if !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", *got, tt.want)
			}
			if want := fmt.Sprintf("POST /v1/apps/a1/runs: the service answered %d: %s", tt.status, tt.want.Message); err.Error() != want {
				t.Errorf("got %q, want %q", err, want)
			}
		})
	}
}

// TestForeignRefusals: a 4xx of something that is not the API says nothing of apps or runs.
func TestForeignRefusals(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"web page": "  <!doctype html>", "text": "404 page not found", "broken": `{"error":`} {
		c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 404, body, "Content-Type", "text/plain", "X-Request-Id", "r")
		})
		_, err := c.Run(t.Context(), "r1")
		var got *UnexpectedError
		if !errors.As(err, &got) || got.Status != 404 || got.RequestID != "r" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestRefusedWorkspace: the workspace that was insisted on is known where it may be the reason.
func TestRefusedWorkspace(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, says(403, `{"error":"Workspace header does not match API key workspace scope","code":"FORBIDDEN"}`))
	c.Workspace = "w2"
	_, err := c.Account(t.Context())
	var got *Error
	if !errors.As(err, &got) || got.Workspace != "w2" || got.Code != CodeForbidden {
		t.Errorf("got %+v", err)
	}
}

// TestRefusalCutOff: the status came, so that the service did say no.
func TestRefusalCutOff(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "500")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":`)
		_ = http.NewResponseController(w).Flush()
		cut(w)
	})
	_, err := c.Run(t.Context(), "r1")
	var got *Error
	if !errors.As(err, &got) || got.Status != 404 || got.Message != "Not Found" {
		t.Errorf("got %v", err)
	}
}

func TestParseDetails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw string
		want      []Detail
	}{
		{"none", ``, nil},
		{"null", `null`, nil},
		{"empty", `[]`, nil},
		{"number", `7`, nil},
		{"texts", `["a","b"]`, []Detail{{Message: "a"}, {Message: "b"}}},
		{"objects", `[{"field":"f","message":"m","code":"c"},{"name":"n","error":"e"},{"path":"p","message":"m"}]`, []Detail{
			{Field: "f", Code: "c", Message: "m"}, {Field: "n", Message: "e"}, {Field: "p", Message: "m"},
		}},
		{"mixed, and what does not fit", `["a",7,{"path":["x",1],"message":"m","allowed":[true,null,"S"]},{},null]`, []Detail{
			{Message: "a"}, {Message: "m", Allowed: []string{"true", "", "S"}},
		}},
		{"object", `{"errors":[{"field":"f","error":"e"}]}`, []Detail{{Field: "f", Message: "e"}}},
		{"nested", `{"code":"c","message":"m","details":{"errors":[{"field":"f","error":"bad","message":"m","allowed":[4,6.5]}]}}`, []Detail{
			{Field: "f", Code: "bad", Message: "m", Allowed: []string{"4", "6.5"}},
		}},
		{"wrong nesting", `{"errors":"x","details":[1]}`, nil},
	}
	for _, tt := range tests {
		if got := ParseDetails(json.RawMessage(tt.raw)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func kindIn(t *testing.T, err error) Kind {
	t.Helper()
	var lost *UnreachableError
	if !errors.As(err, &lost) {
		t.Fatalf("got %v, want an UnreachableError", err)
	}
	return lost.Kind
}

// unusedAddress is one of this machine where nothing listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// raw answers every connection with bytes, and closes it.
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

// TestKinds makes each of the faults of a network for real, and looks at what it is taken for.
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
	t.Cleanup(func() { close(hang) }) // before the servers are closed, which wait
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	own := errors.New("nobody is signed in")

	tests := []struct {
		name  string
		base  string
		http  *http.Client
		limit time.Duration
		kind  Kind
		sent  bool // it may have been
		is    error
	}{
		{"refused", "http://" + unusedAddress(t), nil, 0, Refused, false, nil},
		{"closed before the head", raw(t, ""), nil, 0, Cut, true, io.EOF},
		{"closed in the head", raw(t, "HTTP/1.1 200 OK\r\nContent-"), nil, 0, Cut, true, nil},
		{"closed in the body", raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"), nil, 0, Cut, true, io.ErrUnexpectedEOF},
		{"closed in a chunk", raw(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"), nil, 0, Cut, true, io.ErrUnexpectedEOF},
		{"broken chunk", raw(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"), nil, 0, Cut, true, nil},
		{"slow head", slow.URL, nil, 20 * time.Millisecond, Timeout, true, context.DeadlineExceeded},
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
		{"of a transport below", "http://x.invalid", &http.Client{Transport: failingTransport{fmt.Errorf("token: %w", own)}}, 0, Other, true, own},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &Client{BaseURL: tt.base, HTTP: tt.http, Timeout: tt.limit, Sleep: newClock().sleep}
			_, err := c.StartRun(t.Context(), "a1", StartRun{}, "https://hook.example/?token=s3cret")
			kind := kindIn(t, err)
			if kind != tt.kind || kind.NeverSent() == tt.sent {
				t.Errorf("kind %s of %v, want %s", kind, err, tt.kind)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v lost its cause %v", err, tt.is)
			}
			if strings.Contains(err.Error(), "s3cret") || !strings.HasPrefix(err.Error(), tt.base+": ") {
				t.Errorf("message %q", err)
			}
		})
	}
}

// dialError is a client whose connections fail with err.
func dialError(err error) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err },
	}}
}

// TestHTTP2Reset: the service resets a stream, as gateways do when they restart. The errors of HTTP/2 have no names
// that other packages can see.
func TestHTTP2Reset(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(http.ResponseWriter){
		"before the head": func(http.ResponseWriter) {},
		"in the body": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
		},
	} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("%s was spoken", r.Proto)
			}
			begin(w)
			cut(w)
		}))
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		c := &Client{BaseURL: server.URL, HTTP: server.Client(), Sleep: newClock().sleep}
		_, err := c.Run(t.Context(), "r1")
		if kind := kindIn(t, err); kind != Cut {
			t.Errorf("%s: %v is %s, want cut", name, err, kind)
		}
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
		t.Errorf("got %v (%s)", err, kind)
	}
	if len(at.sleeps()) > 0 {
		t.Error("it was tried again")
	}
}

func FuzzParseDetails(f *testing.F) {
	for _, seed := range []string{
		`["a"]`, `[{"field":"f","allowed":[1]}]`, `{"errors":[{"error":"e"}]}`, `{"details":{"errors":[1,null]}}`, `{`, `[[[]]]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, d := range ParseDetails(raw) {
			if d.Message == "" && d.Field == "" {
				t.Errorf("an empty problem of %q", raw)
			}
		}
	})
}

// FuzzRefusal: whatever the body, an error status gives a typed error with a message and a bounded pause.
func FuzzRefusal(f *testing.F) {
	f.Add(404, []byte(`{"error":"x","code":"NOT_FOUND","details":["a"]}`), "application/json", "3")
	f.Add(429, []byte("too many"), "text/plain", "Sat, 11 Apr 2026 08:01:30 GMT")
	f.Add(502, []byte("<html>"), "text/html", "")
	f.Add(302, []byte(""), "", "x")
	f.Fuzz(func(t *testing.T, status int, body []byte, contentType, after string) {
		if status < 300 || status > 599 {
			return
		}
		resp := &http.Response{
			StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(bytes.NewReader(body)),
			Header: http.Header{"Content-Type": {contentType}, "Retry-After": {after}},
		}
		err := (&Client{Now: newClock().now}).refusal(Call{Method: "GET", Path: "/v1/x"}, resp)
		var refused *Error
		var unexpected *UnexpectedError
		switch {
		case errors.As(err, &refused):
			if refused.Message == "" || refused.Status != status || refused.RetryAfter < 0 || refused.RetryAfter > retry.MaxAfter {
				t.Errorf("%+v", refused)
			}
			if utf8.Valid(body) && !utf8.ValidString(refused.Message) {
				t.Errorf("message %q", refused.Message)
			}
		case errors.As(err, &unexpected):
			if status >= 500 || status == 429 || unexpected.Reason == "" {
				t.Errorf("%d: %v", status, err)
			}
		default:
			t.Errorf("no typed error: %v", err)
		}
	})
}
