package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A clock stands still but for those who sleep by it.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{at: time.Date(2026, 4, 11, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *clock) sleeps() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.slept)
}

// serve returns a client of a server that answers with handler, and never sleeps for real.
func serve(t testing.TB, handler http.HandlerFunc) (*Client, *clock) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	at := newClock()
	return &Client{BaseURL: server.URL, HTTP: server.Client(), Sleep: at.sleep, Now: at.now, Timeout: 5 * time.Second}, at
}

// reply answers with a status, a JSON body and pairs of headers.
func reply(w http.ResponseWriter, status int, body string, headers ...string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	for i := 0; i < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// cut ends a connection in the middle of what is being answered.
func cut(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// TestRequests pins what each method sends: the tables of sections 5.1 and 6.1 of the API's facts.
func TestRequests(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 4, 1, 10, 30, 0, 0, time.FixedZone("", 2*3600))
	tests := []struct {
		name, method, uri, body string // of the request
		reply                   string
		call                    func(context.Context, *Client) error
	}{
		{"account", "GET", "/v1/account", "", `{"data":{}}`, func(ctx context.Context, c *Client) error {
			_, err := c.Account(ctx)
			return err
		}},
		{"apps", "GET", "/v1/apps", "", `{"data":[]}`, func(ctx context.Context, c *Client) error {
			_, err := c.ListApps(ctx, 0)
			return err
		}},
		{"apps with limit", "GET", "/v1/apps?limit=7", "", `{"data":[]}`, func(ctx context.Context, c *Client) error {
			_, err := c.ListApps(ctx, 7)
			return err
		}},
		{"app", "GET", "/v1/apps/a1", "", `{"data":{}}`, func(ctx context.Context, c *Client) error {
			_, err := c.App(ctx, "a1")
			return err
		}},
		{"app with a hostile id", "GET", "/v1/apps/..%2Fruns%3Fx=1%23y", "", `{"data":{}}`, func(ctx context.Context, c *Client) error {
			_, err := c.App(ctx, "../runs?x=1#y")
			return err
		}},
		{
			"discover", "POST", "/v1/apps/discover",
			`{"intent":"a poster","constraints":{"maxCredits":2.5,"outputFormat":"image"},"limit":5}`, `{"data":{"matches":[]}}`,
			func(ctx context.Context, c *Client) error {
				_, err := c.Discover(ctx, DiscoverRequest{
					Intent: "a poster", Limit: 5, Constraints: &DiscoverConstraints{MaxCredits: 2.5, OutputFormat: "image"},
				})
				return err
			},
		},
		{"discover without limits", "POST", "/v1/apps/discover", `{"intent":"x"}`, `{"data":{}}`, func(ctx context.Context, c *Client) error {
			_, err := c.Discover(ctx, DiscoverRequest{Intent: "x"})
			return err
		}},
		{
			"start", "POST", "/v1/apps/a1/runs", `{"inputs":{"text":"<&>"},"outputs":["Poster"]}`, `{"data":{}}`,
			func(ctx context.Context, c *Client) error {
				_, err := c.StartRun(ctx, "a1", StartRun{Inputs: map[string]any{"text": "<&>"}, Outputs: []string{"Poster"}}, "")
				return err
			},
		},
		{
			"start with webhook", "POST", "/v1/apps/a1/runs?webhook=https%3A%2F%2Fexample.com%2Fhook%3Fa%3Db%26c",
			`{"inputs":{}}`, `{"data":{}}`,
			func(ctx context.Context, c *Client) error {
				_, err := c.StartRun(ctx, "a1", StartRun{Inputs: map[string]any{}}, "https://example.com/hook?a=b&c")
				return err
			},
		},
		{"runs", "GET", "/v1/runs", "", `{"data":[]}`, func(ctx context.Context, c *Client) error {
			_, err := c.ListRuns(ctx, RunFilter{})
			return err
		}},
		{
			"runs with filter", "GET", "/v1/runs?appId=a1&limit=100&offset=25&since=2026-04-01T08%3A30%3A00Z&status=cancelled", "",
			`{"data":[]}`,
			func(ctx context.Context, c *Client) error {
				_, err := c.ListRuns(ctx, RunFilter{Status: Cancelled, AppID: "a1", Limit: 100, Offset: 25, Since: since})
				return err
			},
		},
		{"run", "GET", "/v1/runs/r1", "", `{"data":{}}`, func(ctx context.Context, c *Client) error {
			_, err := c.Run(ctx, "r1")
			return err
		}},
		{"wait", "GET", "/v1/runs/r1/wait?timeout=60", "", `{"data":{}}`, func(ctx context.Context, c *Client) error {
			_, err := c.WaitRun(ctx, "r1", time.Minute)
			return err
		}},
		{"wait too short", "GET", "/v1/runs/r1/wait?timeout=1", "", `{"data":{}}`, func(ctx context.Context, c *Client) error {
			_, err := c.WaitRun(ctx, "r1", 0)
			return err
		}},
		{"wait too long", "GET", "/v1/runs/r1/wait?timeout=120", "", `{"data":{}}`, func(ctx context.Context, c *Client) error {
			_, err := c.WaitRun(ctx, "r1", time.Hour)
			return err
		}},
		{"cancel", "POST", "/v1/runs/r1/cancel", "", `{"data":{}}`, func(ctx context.Context, c *Client) error {
			_, err := c.CancelRun(ctx, "r1")
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var calls int
			c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				body, _ := io.ReadAll(r.Body)
				if r.Method != tt.method || r.RequestURI != tt.uri {
					t.Errorf("got %s %s, want %s %s", r.Method, r.RequestURI, tt.method, tt.uri)
				}
				if !sameJSON(string(body), tt.body) {
					t.Errorf("body %s, want %s", body, tt.body)
				}
				wantType := ""
				if tt.body != "" {
					wantType = "application/json"
				}
				for name, want := range map[string]string{
					"Accept": "application/json", "User-Agent": "lamina/test", "X-Workspace-Id": "w1", "Content-Type": wantType,
				} {
					if got := r.Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				reply(w, http.StatusOK, tt.reply)
			})
			c.UserAgent, c.Workspace = "lamina/test", "w1"
			if err := tt.call(t.Context(), c); err != nil {
				t.Error(err)
			}
			if calls != 1 {
				t.Errorf("%d requests, want 1", calls)
			}
		})
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return a == b
	}
	return reflect.DeepEqual(x, y)
}

func TestWorkspaceIsOptional(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, sent := r.Header["X-Workspace-Id"]; sent {
			t.Error("an empty x-workspace-id was sent")
		}
		reply(w, 200, `{"data":{}}`)
	})
	if _, err := c.Account(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAccept: the stream asks for what it can read.
func TestStreamAccept(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept"); got != "text/event-stream" || r.RequestURI != "/v1/runs/r%2F1/stream" {
			t.Errorf("Accept %q for %s", got, r.RequestURI)
		}
		w.Header().Set("Content-Type", "text/event-stream")
	})
	for range c.StreamRun(t.Context(), "r/1") {
		break
	}
}

// TestReplyIsKept: the envelope reaches the caller as it came, siblings and unknown fields included.
func TestReplyIsKept(t *testing.T) {
	t.Parallel()
	const body = `{ "data" : [], "pagination":{"total":31,"limit":25,"offset":25}, "new": 12345678901234567890 }`
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body) })
	got, err := c.ListRuns(t.Context(), RunFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Raw) != body {
		t.Errorf("raw %s", got.Raw)
	}
	if got.Pagination == nil || *got.Pagination != (Pagination{Total: 31, Limit: 25, Offset: 25}) {
		t.Errorf("pagination %+v", got.Pagination)
	}
	if got.Data == nil {
		t.Error("an empty list became none")
	}
}

// TestStrangeAnswers: something answers with success that is not the API.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		contentType, body string
	}{
		"web page":         {"text/html; charset=utf-8", "<!doctype html><title>Sign in</title>"},
		"garbage":          {"application/json", "\x00\xff{{{"},
		"truncated JSON":   {"application/json", `{"data":{"runId":"r1"`},
		"trailing JSON":    {"application/json", `{"data":{}} {}`},
		"empty":            {"application/json", ""},
		"wrong type":       {"text/plain", `{"data":{}}`},
		"broken type":      {"application/json; charset=", `nope`},
		"null data":        {"application/json", `{"data":null}`},
		"no data":          {"application/json", `{"error":null}`},
		"data of a list":   {"application/json", `{"data":[]}`},
		"a bare run":       {"application/json", `{"runId":"r1","status":"queued"}`},
		"fields of a type": {"application/json", `{"data":{"runId":17}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				calls++
				reply(w, 200, tt.body, "Content-Type", tt.contentType, "X-Request-Id", "req_1")
			})
			_, err := c.Run(t.Context(), "r1")
			var unexpected *UnexpectedError
			if !errors.As(err, &unexpected) {
				t.Fatalf("got %v, want an UnexpectedError", err)
			}
			if unexpected.Status != 200 || unexpected.RequestID != "req_1" || unexpected.Method != http.MethodGet || unexpected.Path != "/v1/runs/r1" {
				t.Errorf("lost what is known: %+v", unexpected)
			}
			if calls != 1 {
				t.Errorf("garbage was asked for %d times", calls)
			}
		})
	}
}

// TestJSONTypes: what counts as JSON; a proxy may drop the type.
func TestJSONTypes(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"application/json", "Application/JSON;charset=UTF-8", "application/problem+json", "application/vnd.x+json"} {
		c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 202, `{"data":{}}`, "Content-Type", contentType)
		})
		if _, err := c.Run(t.Context(), "r1"); err != nil {
			t.Errorf("%s: %v", contentType, err)
		}
	}
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		_, _ = io.WriteString(w, `{"data":{}}`)
	})
	if _, err := c.Run(t.Context(), "r1"); err != nil {
		t.Errorf("no type: %v", err)
	}
}

func TestOversizedReply(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range maxReply>>20 + 1 {
			_, _ = w.Write(chunk)
		}
	})
	_, err := c.Run(t.Context(), "r1")
	var unexpected *UnexpectedError
	if !errors.As(err, &unexpected) || unexpected.Reason != "the answer is too large" {
		t.Errorf("got %v", err)
	}
}

// TestRedirects are never followed, whoever made the http.Client: a credential must not travel.
func TestRedirects(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var elsewhere int
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/apps/a1/runs" {
				elsewhere++
				reply(w, 200, `{"data":{}}`)
				return
			}
			http.Redirect(w, r, "/elsewhere", status)
		})
		_, err := c.StartRun(t.Context(), "a1", StartRun{}, "")
		var unexpected *UnexpectedError
		if !errors.As(err, &unexpected) || unexpected.Status != status {
			t.Errorf("%d: got %v", status, err)
		}
		if elsewhere > 0 {
			t.Errorf("%d was followed", status)
		}
	}
}

// TestRetry is about when a request is sent again, and how long after.
func TestRetry(t *testing.T) {
	t.Parallel()
	get := func(ctx context.Context, c *Client) error {
		_, err := c.Run(ctx, "r1")
		return err
	}
	start := func(ctx context.Context, c *Client) error {
		_, err := c.StartRun(ctx, "a1", StartRun{Inputs: map[string]any{"text": "x"}}, "")
		return err
	}
	stop := func(ctx context.Context, c *Client) error {
		_, err := c.CancelRun(ctx, "r1")
		return err
	}
	const ok = `{"data":{"runId":"r1"}}`
	answers := func(status int, headers ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { reply(w, status, `{"error":"x","code":"Y"}`, headers...) }
	}
	html := func(w http.ResponseWriter) { reply(w, 502, "<html>Bad gateway", "Content-Type", "text/html") }
	half := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"data":`)
		_ = http.NewResponseController(w).Flush()
		cut(w)
	}
	tests := []struct {
		name  string
		call  func(context.Context, *Client) error
		fails func(http.ResponseWriter) // the first answers
		times int                       // how many of them
		calls int                       // how many requests are made
		ok    bool
		waits []time.Duration // at least
	}{
		{"GET after 500", get, answers(500), 1, 2, true, []time.Duration{300 * time.Millisecond}},
		{"GET after 502 HTML", get, html, 2, 3, true, []time.Duration{300 * time.Millisecond, 600 * time.Millisecond}},
		{"GET gives up", get, answers(503), 9, 3, false, []time.Duration{300 * time.Millisecond, 600 * time.Millisecond}},
		{"GET after 503 with Retry-After", get, answers(503, "Retry-After", "7"), 1, 2, true, []time.Duration{7 * time.Second}},
		{"GET after 503 with a long Retry-After", get, answers(503, "Retry-After", "700"), 1, 1, false, nil},
		{"GET after 404", get, answers(404), 1, 1, false, nil},
		{"GET after 400", get, answers(400), 1, 1, false, nil},
		{"GET after a cut", get, cut, 1, 2, true, []time.Duration{300 * time.Millisecond}},
		{"GET after a cut in the body", get, half, 1, 2, true, []time.Duration{300 * time.Millisecond}},
		{"start after 500", start, answers(500), 1, 1, false, nil},
		{"start after 503", start, answers(503, "Retry-After", "1"), 1, 1, false, nil},
		{"start after a cut", start, cut, 1, 1, false, nil},
		{"start after a cut in the body", start, half, 1, 1, false, nil},
		{"start after 429", start, answers(429, "Retry-After", "3"), 1, 2, true, []time.Duration{3 * time.Second}},
		{"start after 429 without a time", start, answers(429), 1, 2, true, []time.Duration{time.Second}},
		{"start after 429 at the limit", start, answers(429, "Retry-After", "60"), 1, 2, true, []time.Duration{time.Minute}},
		{"start after 429 past the limit", start, answers(429, "Retry-After", "61"), 1, 1, false, nil},
		{"cancel after 500", stop, answers(500), 1, 2, true, []time.Duration{300 * time.Millisecond}},
		{"cancel after a cut", stop, cut, 1, 2, true, []time.Duration{300 * time.Millisecond}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			calls, told := 0, 0
			var bodies []string
			c, at := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				calls++
				bodies = append(bodies, string(body))
				failing := calls <= tt.times
				mu.Unlock()
				if failing {
					tt.fails(w)
					return
				}
				reply(w, 200, ok)
			})
			// Without kept connections, net/http has no reason to repeat a request by itself.
			c.HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			c.OnRetry = func(error, time.Duration) { told++ }
			err := tt.call(t.Context(), c)
			if (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if calls != tt.calls || told != tt.calls-1 {
				t.Errorf("%d requests, of which %d announced, want %d", calls, told, tt.calls)
			}
			if len(slices.Compact(bodies)) > 1 {
				t.Errorf("bodies differ: %q", bodies)
			}
			got := at.sleeps()
			if len(got) != len(tt.waits) {
				t.Fatalf("slept %v, want %v", got, tt.waits)
			}
			for i, atLeast := range tt.waits {
				if got[i] < atLeast || got[i] > atLeast*3/2 {
					t.Errorf("slept %v, want about %v", got[i], atLeast)
				}
			}
		})
	}
}

// TestStartAfterRefused: where nothing listened, nothing was started, so that even a start is sent again.
func TestStartAfterRefused(t *testing.T) {
	t.Parallel()
	c, at := serve(t, nil)
	c.BaseURL = "http://" + unusedAddress(t)
	_, err := c.StartRun(t.Context(), "a1", StartRun{}, "")
	if kind := kindIn(t, err); kind != Refused {
		t.Errorf("kind %s", kind)
	}
	if n := len(at.sleeps()); n != 2 {
		t.Errorf("tried %d times, want 3", n+1)
	}
}

// TestNoRetryAfterTimeout: a service that is too slow is not asked for more.
func TestNoRetryAfterTimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var calls int
	c, at := serve(t, func(http.ResponseWriter, *http.Request) { calls++; <-release })
	t.Cleanup(func() { close(release) })
	c.Timeout = 20 * time.Millisecond
	_, err := c.Run(t.Context(), "r1")
	if kind := kindIn(t, err); kind != Timeout {
		t.Errorf("kind %s", kind)
	}
	if len(at.sleeps()) > 0 {
		t.Error("it was tried again")
	}
}

// TestLeavingBetweenTries: a caller who leaves is told so, and one whose time is over is told what went wrong.
func TestLeavingBetweenTries(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 429, `{"error":"slow down"}`, "Retry-After", "30")
	})
	ctx, cancel := context.WithCancel(t.Context())
	c.Sleep = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	_, err := c.Run(ctx, "r1")
	if kind := kindIn(t, err); kind != Interrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v (%s)", err, kind)
	}
	c.Sleep = func(context.Context, time.Duration) error { return context.DeadlineExceeded }
	_, err = c.Run(t.Context(), "r1")
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 429 {
		t.Errorf("deadline: got %v", err)
	}
}

// TestRealSleep: without a Sleep of its own the client waits by a timer, which ends with the context.
func TestRealSleep(t *testing.T) {
	t.Parallel()
	c := &Client{}
	if err := c.sleep(t.Context(), time.Millisecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestZeroClient: a BaseURL is enough.
func TestZeroClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `{"data":{"user":{"id":"u1"}}}`)
	}))
	t.Cleanup(server.Close)
	c := &Client{BaseURL: server.URL}
	got, err := c.Account(t.Context())
	if err != nil || got.Data.User.ID != "u1" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestBadBaseURL(t *testing.T) {
	t.Parallel()
	c := &Client{BaseURL: "http://bad host"}
	if _, err := c.Account(t.Context()); err == nil || !strings.Contains(err.Error(), "could not make the request") {
		t.Errorf("got %v", err)
	}
	if _, err := c.StartRun(t.Context(), "a", StartRun{Inputs: map[string]any{"x": func() {}}}, ""); err == nil ||
		!strings.Contains(err.Error(), "could not encode") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkRun(b *testing.B) {
	const body = `{"data":{"runId":"r1","workflowId":"w1","status":"running","outputs":[],"createdAt":"2026-04-11T12:00:00Z"}}`
	c, _ := serve(b, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body) })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Run(b.Context(), "r1"); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleClient() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `{"data":{"user":{"id":"u1","email":"ada@example.com"},"workspace":null,"memberships":[]}}`)
	}))
	defer server.Close()
	c := &Client{BaseURL: server.URL}
	account, err := c.Account(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(account.Data.User.Email)
	// Output: ada@example.com
}
