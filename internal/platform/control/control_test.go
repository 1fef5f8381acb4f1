package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
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
		t.Errorf("got %d requests, %d to %d; want the last %d", len(all), all[0].Status, all[len(all)-1].Status, maxRequests)
	}
}

// Flushing, deadlines and taking over the connection work in a watched handler.
func TestWatchKeepsTheWriter(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	server := httptest.NewServer(f.watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wire.RequestID(r.Context()) == "" {
			t.Error("RequestID: got none in the handler, want one")
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
	for _, tt := range []struct {
		name, plan, wantType, wantBody string
		wantStatus                     int
	}{
		{"status", `"status": 503`, "application/json", `"code":"RESOURCE_UNAVAILABLE","retryable":true`, 503},
		{"status only", `"status": 404`, "application/json", `"code":"NOT_FOUND","retryable":false`, 404},
		{"json body", `"status": 400, "body": "{\"error\":\"invalid_grant\"}"`, "application/json", `{"error":"invalid_grant"}`, 400},
		{"text body", `"status": 429, "body": "too many", "headers": {"Retry-After": "7"}`, "text/plain; charset=utf-8", "too many", 429},
		{"empty body", `"status": 502, "body": ""`, "text/plain; charset=utf-8", "", 502},
		{"content type", `"body": "x", "contentType": "application/x-test"`, "application/x-test", "x", 200},
		{"garbage", `"garbage": true`, "application/json", `{"data": [1, 2,`, 200},
		{"html", `"html": true`, "text/html; charset=utf-8", "<h1>", 200},
		{"html error", `"html": true, "status": 502`, "text/html; charset=utf-8", "<h1>", 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.plan(`{"path": "/metadata", ` + tt.plan + `}`)
			res := f.Get("/metadata")
			if res.Status != tt.wantStatus || res.Header.Get("Content-Type") != tt.wantType || !strings.Contains(res.Body, tt.wantBody) {
				t.Errorf("got %d %q %q, want %d %q %q", res.Status, res.Header.Get("Content-Type"), res.Body, tt.wantStatus, tt.wantType, tt.wantBody)
			}
			if strings.Contains(tt.plan, "Retry-After") && res.Header.Get("Retry-After") != "7" {
				t.Errorf("Retry-After: got %q, want 7", res.Header.Get("Retry-After"))
			}
			if res.Header.Get("X-Request-Id") == "" {
				t.Error("X-Request-Id: got none, want one")
			}
			if res := f.Get("/metadata"); res.Status != http.StatusOK || res.Object()["issuer"] == nil {
				t.Errorf("the next request: got %d %s, want 200 from the handler", res.Status, res.Body)
			}
		})
	}
}

// Cutting a stream also ends its handler.
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
		t.Errorf("got %q, %v; want 25 bytes and an unexpected end", body, err)
	}
	<-ended
}

func TestFaultsByChance(t *testing.T) {
	t.Parallel()
	const requests = 400
	failures := func(plan string) (numbers []int, remaining int) {
		f := newRig(t)
		f.plan(plan)
		for i := range requests {
			if f.Get("/v1/runs").Status == http.StatusServiceUnavailable {
				numbers = append(numbers, i)
			}
		}
		return numbers, f.s.Faults()[0].Remaining
	}
	first, remaining := failures(`{"path": "/v1/*", "status": 503, "times": 1000, "chance": 0.25, "seed": 7}`)
	if len(first) < requests/8 || len(first) > requests/2 || remaining != 1000-len(first) {
		t.Errorf("got %d failures of %d and %d remaining, want about a quarter, each counted", len(first), requests, remaining)
	}
	again, _ := failures(`{"path": "/v1/*", "status": 503, "times": 1000, "chance": 0.25, "seed": 7}`)
	if !slices.Equal(again, first) {
		t.Errorf("the same seed: got the failures %v, want %v", again, first)
	}
	if other, _ := failures(`{"path": "/v1/*", "status": 503, "times": 1000, "chance": 0.25, "seed": 8}`); slices.Equal(other, first) {
		t.Error("another seed: got the same failures")
	}
	if all, _ := failures(`{"path": "/v1/*", "status": 503, "times": 1000}`); len(all) != requests {
		t.Errorf("without a chance: got %d failures, want %d", len(all), requests)
	}
}

func TestFaultDelay(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	f.plan(`{"path": "/device", "delay": "30ms"}`)
	start := time.Now()
	if res := f.Get("/device"); res.Status != http.StatusOK || time.Since(start) < 30*time.Millisecond {
		t.Errorf("got %d after %v, want 200 after 30ms", res.Status, time.Since(start))
	}
	f.plan(`{"path": "/device", "delay": "10m"}`)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := f.HTTP.Do(f.Request("GET", "/device", "", "").WithContext(ctx)); err == nil {
		t.Error("got an answer before the delay, want a timeout")
	} // the test's server closes only after the handler has ended
}

func TestLatency(t *testing.T) {
	t.Parallel()
	f := newRigWith(t, Options{Latency: 30 * time.Millisecond})
	start := time.Now()
	if f.Get("/device"); time.Since(start) < 30*time.Millisecond {
		t.Errorf("got an answer after %v, want 30ms", time.Since(start))
	}
}

func TestControlRefusals(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	for _, tt := range []struct{ name, body string }{
		{"no body", ``},
		{"an array", `[]`},
		{"an empty object", `{}`},
		{"no fault", `{"path": "/x"}`},
		{"no path", `{"status": 500}`},
		{"relative path", `{"path": "x", "status": 500}`},
		{"star within the path", `{"path": "/*x", "status": 500}`},
		{"path of the controls", `{"path": "/dev/requests", "status": 500}`},
		{"status too small", `{"path": "/x", "status": 99}`},
		{"status too large", `{"path": "/x", "status": 600}`},
		{"zero times", `{"path": "/x", "status": 500, "times": 0}`},
		{"negative times", `{"path": "/x", "status": 500, "times": -1}`},
		{"no chance", `{"path": "/x", "status": 500, "chance": 0}`},
		{"chance above 1", `{"path": "/x", "status": 500, "chance": 1.01}`},
		{"negative seed", `{"path": "/x", "status": 500, "chance": 0.5, "seed": -1}`},
		{"malformed delay", `{"path": "/x", "delay": "soon"}`},
		{"negative delay", `{"path": "/x", "delay": "-1s"}`},
		{"long delay", `{"path": "/x", "delay": "11m"}`},
		{"unknown cut", `{"path": "/x", "cut": "never"}`},
		{"cut with a status", `{"path": "/x", "cut": "before", "status": 500}`},
		{"bytes without a body", `{"path": "/x", "cut": "after", "cutAfterBytes": 3}`},
		{"negative bytes", `{"path": "/x", "cut": "body", "cutAfterBytes": -3}`},
		{"garbage and html", `{"path": "/x", "garbage": true, "html": true}`},
		{"garbage and a body", `{"path": "/x", "garbage": true, "body": ""}`},
		{"headers alone", `{"path": "/x", "headers": {"A": "b"}}`},
		{"line break in a header", `{"path": "/x", "status": 500, "headers": {"A": "b\r\nC: d"}}`},
		{"space in a header name", `{"path": "/x", "status": 500, "headers": {"A b": "c"}}`},
		{"method in small letters", `{"path": "/x", "status": 500, "method": "post"}`},
		{"unknown grant type", `{"path": "/x", "status": 500, "grantType": "password"}`},
		{"unknown field", `{"path": "/x", "status": 500, "stauts": 1}`},
		{"two values", `{"path": "/x", "status": 500} {}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := f.Post("/dev/faults", tt.body)
			res.T = t
			if e := res.WantError(http.StatusBadRequest, "VALIDATION_ERROR"); e.Retryable || e.Error == "" {
				t.Errorf("got %+v, want a message and not retryable", e)
			}
		})
	}
	for _, tt := range []struct{ name, body string }{
		{"clock: no duration", `{}`},
		{"clock: zero", `{"advance": "0s"}`},
		{"clock: back", `{"advance": "-1h"}`},
		{"clock: too far", `{"advance": "90000h"}`},
		{"clock: a number", `{"advance": 5}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if res := f.Post("/dev/clock", tt.body); res.Status != http.StatusBadRequest {
				t.Errorf("got %d %s, want 400", res.Status, res.Body)
			}
		})
	}
}

func TestControlRefusesOtherOrigins(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	const plan = `{"path": "/x", "status": 500}`
	for _, tt := range []struct {
		name, method, path, contentType, origin, fetchSite string
		want                                               int
	}{
		{"fault from another site", "POST", "/dev/faults", "application/json", "https://evil.example", "", 403},
		{"fault from another port", "POST", "/dev/faults", "application/json", "http://localhost:1", "", 403},
		{"fault from an opaque origin", "POST", "/dev/faults", "application/json", "null", "", 403},
		{"fault by a cross-site fetch", "POST", "/dev/faults", "application/json", "", "cross-site", 403},
		{"clearing faults from another site", "DELETE", "/dev/faults", "", "https://evil.example", "", 403},
		{"clearing requests from another site", "DELETE", "/dev/requests", "", "https://evil.example", "", 403},
		{"clock from another site", "POST", "/dev/clock", "application/json", "https://evil.example", "", 403},
		{"fault as text", "POST", "/dev/faults", "text/plain", "", "", 415},
		{"fault as a form", "POST", "/dev/faults", "application/x-www-form-urlencoded", "", "", 415},
		{"clock without a type", "POST", "/dev/clock", "", "", "", 415},
		{"fault from the same origin", "POST", "/dev/faults", "application/json; charset=utf-8", f.URL, "", 201},
		{"clearing faults from the same origin", "DELETE", "/dev/faults", "", f.URL, "same-origin", 204},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := plan
			if tt.method == "DELETE" {
				body = ""
			}
			req := f.Request(tt.method, tt.path, tt.contentType, body)
			if tt.origin != "" {
				req.Header.Set("Origin", tt.origin)
			}
			if tt.fetchSite != "" {
				req.Header.Set("Sec-Fetch-Site", tt.fetchSite)
			}
			if res := f.Do(req); res.Status != tt.want {
				t.Errorf("got %d %s, want %d", res.Status, res.Body, tt.want)
			}
		})
	}
}

// What callers choose is bounded: the path of a logged request, and the bodies of planned faults.
func TestControlsAreBounded(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	f.Get("/" + strings.Repeat("x", 10_000))
	all := f.s.requests.list()
	if got := len(all[len(all)-1].Path); got != maxLoggedPath {
		t.Errorf("got a logged path of %d bytes, want %d", got, maxLoggedPath)
	}
	body := `{"path": "/x", "body": "` + strings.Repeat("x", 1<<20-100) + `"}`
	for i := 0; ; i++ {
		if res := f.Post("/dev/faults", body); res.Status != http.StatusCreated {
			res.WantError(http.StatusBadRequest, "VALIDATION_ERROR")
			if i < 30 || i > 33 {
				t.Errorf("got %d plans of 1 MiB, want about 32", i)
			}
			break
		}
	}
}
