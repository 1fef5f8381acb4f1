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
	"strings"
	"testing"
	"time"
)

// TestRequests checks the request of each method.
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
			"start", "POST", "/v1/apps/a1/runs", `{"inputs":{"text":"<&>"},"outputs":["Poster"]}`, `{"data":{"runId":"r1"}}`,
			func(ctx context.Context, c *Client) error {
				_, err := c.StartRun(ctx, "a1", StartRun{Inputs: map[string]any{"text": "<&>"}, Outputs: []string{"Poster"}}, "")
				return err
			},
		},
		{
			"start with webhook", "POST", "/v1/apps/a1/runs?webhook=https%3A%2F%2Fexample.com%2Fhook%3Fa%3Db%26c",
			`{"inputs":{}}`, `{"data":{"runId":"r1"}}`,
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
					t.Errorf("got the body %s, want %s", body, tt.body)
				}
				wantType := ""
				if tt.body != "" {
					wantType = "application/json"
				}
				for name, want := range map[string]string{
					"Accept": "application/json", "User-Agent": "lamina/test", "X-Workspace-Id": "w1", "Content-Type": wantType,
				} {
					if got := r.Header.Get(name); got != want {
						t.Errorf("got %s: %q, want %q", name, got, want)
					}
				}
				reply(w, http.StatusOK, tt.reply)
			})
			c.UserAgent, c.Workspace = "lamina/test", "w1"
			if err := tt.call(t.Context(), c); err != nil {
				t.Errorf("got %v, want no error", err)
			}
			if calls != 1 {
				t.Errorf("got %d requests, want 1", calls)
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
			t.Error("got an empty X-Workspace-Id, want none")
		}
		reply(w, 200, `{"data":{}}`)
	})
	if _, err := c.Account(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStreamAccept(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept"); got != "text/event-stream" || r.RequestURI != "/v1/runs/r%2F1/stream" {
			t.Errorf("got Accept %q for %s, want text/event-stream for /v1/runs/r%%2F1/stream", got, r.RequestURI)
		}
		w.Header().Set("Content-Type", "text/event-stream")
	})
	for range c.StreamRun(t.Context(), "r/1") {
		break
	}
}

// TestReplyRaw: Raw is the whole body, including unknown fields.
func TestReplyRaw(t *testing.T) {
	t.Parallel()
	const body = `{ "data" : [], "pagination":{"total":31,"limit":25,"offset":25}, "new": 12345678901234567890 }`
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body) })
	got, err := c.ListRuns(t.Context(), RunFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Raw) != body {
		t.Errorf("got the body %s, want %s", got.Raw, body)
	}
	if got.Pagination == nil || *got.Pagination != (Pagination{Total: 31, Limit: 25, Offset: 25}) {
		t.Errorf("got %+v, want 31, 25, 25", got.Pagination)
	}
	if got.Data == nil {
		t.Error("got nil, want an empty list")
	}
}

// TestUnexpectedResponses: a successful response that is not of the API is an UnexpectedError and is not repeated.
func TestUnexpectedResponses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, contentType, body string
	}{
		{"web page", "text/html; charset=utf-8", "<!doctype html><title>Sign in</title>"},
		{"garbage", "application/json", "\x00\xff{{{"},
		{"truncated JSON", "application/json", `{"data":{"runId":"r1"`},
		{"trailing JSON", "application/json", `{"data":{}} {}`},
		{"empty", "application/json", ""},
		{"wrong type", "text/plain", `{"data":{}}`},
		{"broken type", "application/json; charset=", `nope`},
		{"null data", "application/json", `{"data":null}`},
		{"no data", "application/json", `{"error":null}`},
		{"data of a list", "application/json", `{"data":[]}`},
		{"a bare run", "application/json", `{"runId":"r1","status":"queued"}`},
		{"data of another type", "application/json", `{"data":17}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
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
				t.Errorf("got %+v, want the status, the request and its id", unexpected)
			}
			if calls != 1 {
				t.Errorf("got %d requests, want 1", calls)
			}
		})
	}
}

// TestJSONTypes: the media types that are accepted as JSON.
func TestJSONTypes(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"application/json", "Application/JSON;charset=UTF-8", "application/problem+json", "application/vnd.x+json"} {
		c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 202, `{"data":{}}`, "Content-Type", contentType)
		})
		if _, err := c.Run(t.Context(), "r1"); err != nil {
			t.Errorf("%s: got %v, want no error", contentType, err)
		}
	}
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		_, _ = io.WriteString(w, `{"data":{}}`)
	})
	if _, err := c.Run(t.Context(), "r1"); err != nil {
		t.Errorf("no media type: got %v, want no error", err)
	}
}

func TestOversizedBody(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range maxBody>>20 + 1 {
			_, _ = w.Write(chunk)
		}
	})
	c.Timeout = time.Minute // the race detector is slow
	_, err := c.Run(t.Context(), "r1")
	var unexpected *UnexpectedError
	if !errors.As(err, &unexpected) || unexpected.Reason != "the response is too large" {
		t.Errorf("got %v, want an UnexpectedError for the size", err)
	}
}

// TestZeroClient: only BaseURL is required.
func TestZeroClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `{"data":{"user":{"id":"u1"}}}`)
	}))
	t.Cleanup(server.Close)
	c := &Client{BaseURL: server.URL}
	got, err := c.Account(t.Context())
	if err != nil || got.Data.User.ID != "u1" {
		t.Errorf("got %+v, %v, want user u1", got, err)
	}
}

func TestBadBaseURL(t *testing.T) {
	t.Parallel()
	c := &Client{BaseURL: "http://bad host"}
	if _, err := c.Account(t.Context()); err == nil || !strings.Contains(err.Error(), "could not create the request") {
		t.Errorf("got %v, want an error of the request", err)
	}
	if _, err := c.StartRun(t.Context(), "a", StartRun{Inputs: map[string]any{"x": func() {}}}, ""); err == nil ||
		!strings.Contains(err.Error(), "could not encode") {
		t.Errorf("got %v, want an error of the encoding", err)
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
