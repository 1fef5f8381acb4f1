package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// A rig is a client of the controls and of a watched handler that answers every path with {"issuer":"x"}.
type rig struct {
	*wiretest.Rig
	s *Server
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigWith(t, Options{})
}

func newRigWith(t *testing.T, opts Options) *rig {
	t.Helper()
	opts.Inspect = func(*http.Request) (clientID, grantType string) { return "", "" }
	opts.RedactPath = func(path string) string { return path }
	f := &rig{Rig: wiretest.New(t, "",
		wire.KeyType{Service: "lamina", Title: "Lamina", Prefixes: map[string]string{"": "lma_"}, OwnerIs: "workspace", Owner: "wsp_atelier", Owners: wire.WorkspaceIDs},
		wire.KeyType{Service: "laghav", Title: "Laghav", Prefixes: map[string]string{"live": "lgh_live_", "test": "lgh_test_"}, Class: "live", OwnerIs: "application", Owner: "app_sample"},
	)}
	f.s = New(f.Deps, opts)
	mux := http.NewServeMux()
	mux.Handle("/dev/", f.s)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		wire.WriteJSON(w, http.StatusOK, map[string]string{"issuer": "x"})
	})
	f.Serve(f.s.Watch(mux))
	return f
}

// watch returns a watched handler.
func (f *rig) watch(h http.Handler) http.Handler { return wire.Guard(f.Deps.Clock, f.s.Watch(h)) }

// plan plans a fault.
func (f *rig) plan(body string) {
	f.T.Helper()
	if res := f.Post("/dev/faults", body); res.Status != http.StatusCreated {
		f.T.Fatalf("plan %s: got %d %s, want 201", body, res.Status, res.Body)
	}
}

func TestRequestLogIsBounded(t *testing.T) {
	t.Parallel()
	var log requestLog
	for i := range maxRequests + 7 {
		log.add(&receivedRequest{Status: i})
	}
	all := log.list()
	if len(all) != maxRequests || all[0].Status != 7 || all[maxRequests-1].Status != maxRequests+6 {
		t.Errorf("%d requests, %d to %d", len(all), all[0].Status, all[len(all)-1].Status)
	}
}

// Streams flush, and some handlers take the connection over; both must work through the guard.
func TestGuardPassesWriterOn(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	server := httptest.NewServer(f.watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wire.RequestID(r.Context()) == "" {
			t.Error("the handler has no request id")
		}
		control := http.NewResponseController(w)
		if err := control.Flush(); err != nil {
			t.Errorf("flush: %v", err)
		}
		if err := control.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Errorf("deadline: %v", err)
		}
		conn, _, err := control.Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		_ = conn.Close()
	})))
	defer server.Close()
	if res, err := f.HTTP.Get(server.URL); err == nil {
		_, _ = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
}

func TestFaultAnswers(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	for name, c := range map[string]struct {
		plan, wantType, wantBody string
		wantStatus               int
	}{
		"status":       {`"status": 503`, "application/json", `"code":"RESOURCE_UNAVAILABLE","retryable":true`, 503},
		"status only":  {`"status": 404`, "application/json", `"code":"NOT_FOUND","retryable":false`, 404},
		"json body":    {`"status": 400, "body": "{\"error\":\"invalid_grant\"}"`, "application/json", `{"error":"invalid_grant"}`, 400},
		"text body":    {`"status": 429, "body": "too many", "headers": {"Retry-After": "7"}`, "text/plain; charset=utf-8", "too many", 429},
		"empty body":   {`"status": 502, "body": ""`, "text/plain; charset=utf-8", "", 502},
		"content type": {`"body": "x", "contentType": "application/x-test"`, "application/x-test", "x", 200},
		"garbage":      {`"garbage": true`, "application/json", `{"data": [1, 2,`, 200},
		"html":         {`"html": true`, "text/html; charset=utf-8", "<h1>", 200},
		"html error":   {`"html": true, "status": 502`, "text/html; charset=utf-8", "<h1>", 502},
	} {
		t.Run(name, func(t *testing.T) {
			f.plan(`{"path": "/metadata", ` + c.plan + `}`)
			res := f.Get("/metadata")
			if res.Status != c.wantStatus || res.Header.Get("Content-Type") != c.wantType || !strings.Contains(res.Body, c.wantBody) {
				t.Errorf("%d %q %q", res.Status, res.Header.Get("Content-Type"), res.Body)
			}
			if strings.Contains(c.plan, "Retry-After") && res.Header.Get("Retry-After") != "7" {
				t.Error("the header is missing")
			}
			if res.Header.Get("X-Request-Id") == "" {
				t.Error("a fault without a request id")
			}
			if res := f.Get("/metadata"); res.Status != http.StatusOK || res.Object()["issuer"] == nil {
				t.Errorf("the fault did not end: %d", res.Status)
			}
		})
	}
}

// A stream that is cut must end on the server, too.
func TestFaultCutsStream(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	ended := make(chan struct{})
	server := httptest.NewServer(f.watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "data: {}\n\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	})))
	defer server.Close()
	f.plan(`{"path": "/stream", "cut": "body", "cutAfterBytes": 25}`)
	res, err := f.HTTP.Get(server.URL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if string(body) != "data: {}\n\ndata: {}\n\ndata:" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", body, err)
	}
	<-ended
}

func TestFaultDelay(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	f.plan(`{"path": "/device", "delay": "30ms"}`)
	start := time.Now()
	if res := f.Get("/device"); res.Status != http.StatusOK || time.Since(start) < 30*time.Millisecond {
		t.Errorf("%d after %v", res.Status, time.Since(start))
	}
	f.plan(`{"path": "/device", "delay": "10m"}`)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := f.HTTP.Do(f.Request("GET", "/device", "", "").WithContext(ctx)); err == nil {
		t.Error("the delay was not kept")
	} // and the test's server closes only once the handler has noticed
}

func TestLatency(t *testing.T) {
	t.Parallel()
	f := newRigWith(t, Options{Latency: 30 * time.Millisecond})
	start := time.Now()
	if f.Get("/device"); time.Since(start) < 30*time.Millisecond {
		t.Errorf("answered after %v", time.Since(start))
	}
}

func TestControlRefusals(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	for _, body := range []string{
		``, `[]`, `{}`, `{"path": "/x"}`, `{"status": 500}`, `{"path": "x", "status": 500}`, `{"path": "/*x", "status": 500}`,
		`{"path": "/dev/requests", "status": 500}`, `{"path": "/x", "status": 99}`, `{"path": "/x", "status": 600}`,
		`{"path": "/x", "status": 500, "times": 0}`, `{"path": "/x", "status": 500, "times": -1}`,
		`{"path": "/x", "delay": "soon"}`, `{"path": "/x", "delay": "-1s"}`, `{"path": "/x", "delay": "11m"}`,
		`{"path": "/x", "cut": "never"}`, `{"path": "/x", "cut": "before", "status": 500}`,
		`{"path": "/x", "cut": "after", "cutAfterBytes": 3}`, `{"path": "/x", "cut": "body", "cutAfterBytes": -3}`,
		`{"path": "/x", "garbage": true, "html": true}`, `{"path": "/x", "garbage": true, "body": ""}`,
		`{"path": "/x", "headers": {"A": "b"}}`, `{"path": "/x", "status": 500, "headers": {"A": "b\r\nC: d"}}`,
		`{"path": "/x", "status": 500, "headers": {"A b": "c"}}`, `{"path": "/x", "status": 500, "method": "post"}`,
		`{"path": "/x", "status": 500, "grantType": "password"}`, `{"path": "/x", "status": 500, "stauts": 1}`,
		`{"path": "/x", "status": 500} {}`,
	} {
		res := f.Post("/dev/faults", body)
		if v := res.Object(); res.Status != http.StatusBadRequest || v["code"] != "VALIDATION_ERROR" || v["retryable"] != false ||
			v["error"] == "" || v["requestId"] != res.Header.Get("X-Request-Id") {
			t.Errorf("%s: %d %s", body, res.Status, res.Body)
		}
	}
	for _, body := range []string{`{}`, `{"advance": "0s"}`, `{"advance": "-1h"}`, `{"advance": "90000h"}`, `{"advance": 5}`} {
		if res := f.Post("/dev/clock", body); res.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, res.Status, res.Body)
		}
	}
}

func TestControlRefusesOtherOrigins(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	const plan = `{"path": "/x", "status": 500}`
	for _, c := range []struct {
		method, path, contentType, origin, fetchSite string
		want                                         int
	}{
		{"POST", "/dev/faults", "application/json", "https://evil.example", "", 403},
		{"POST", "/dev/faults", "application/json", "http://localhost:1", "", 403},
		{"POST", "/dev/faults", "application/json", "null", "", 403},
		{"POST", "/dev/faults", "application/json", "", "cross-site", 403},
		{"DELETE", "/dev/faults", "", "https://evil.example", "", 403},
		{"DELETE", "/dev/requests", "", "https://evil.example", "", 403},
		{"POST", "/dev/clock", "application/json", "https://evil.example", "", 403},
		{"POST", "/dev/faults", "text/plain", "", "", 415},
		{"POST", "/dev/faults", "application/x-www-form-urlencoded", "", "", 415},
		{"POST", "/dev/clock", "", "", "", 415},
		{"POST", "/dev/faults", "application/json; charset=utf-8", f.URL, "", 201},
		{"DELETE", "/dev/faults", "", f.URL, "same-origin", 204},
	} {
		body := plan
		if c.method == "DELETE" {
			body = ""
		}
		req := f.Request(c.method, c.path, c.contentType, body)
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		if c.fetchSite != "" {
			req.Header.Set("Sec-Fetch-Site", c.fetchSite)
		}
		if res := f.Do(req); res.Status != c.want {
			t.Errorf("%+v: %d", c, res.Status)
		}
	}
}
