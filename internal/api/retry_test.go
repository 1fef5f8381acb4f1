package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestRedirects: redirects are not followed, so that no credential is sent to another host.
func TestRedirects(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		followed := 0
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/apps/a1/runs" {
				followed++
				reply(w, 200, `{"data":{}}`)
				return
			}
			http.Redirect(w, r, "/elsewhere", status)
		})
		_, err := c.StartRun(t.Context(), "a1", StartRun{}, "")
		var unexpected *UnexpectedError
		if !errors.As(err, &unexpected) || unexpected.Status != status {
			t.Errorf("%d: got %v, want an UnexpectedError with the status", status, err)
		}
		if followed > 0 {
			t.Errorf("%d: got a request to the target, want none", status)
		}
	}
}

// TestRetry: which requests are repeated after which failures, and after which delays.
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
		name      string
		call      func(context.Context, *Client) error
		fail      func(http.ResponseWriter) // writes the first responses
		failures  int                       // number of the first responses
		wantCalls int
		wantOK    bool
		wantWaits []time.Duration // without jitter
	}{
		{"GET after 500", get, answers(500), 1, 2, true, []time.Duration{300 * time.Millisecond}},
		{"GET after 502 HTML", get, html, 2, 3, true, []time.Duration{300 * time.Millisecond, 600 * time.Millisecond}},
		{"GET, all attempts fail", get, answers(503), 9, 3, false, []time.Duration{300 * time.Millisecond, 600 * time.Millisecond}},
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
		{"GET after 408", get, answers(408), 1, 2, true, []time.Duration{300 * time.Millisecond}},
		{"GET after 408 without JSON", get, func(w http.ResponseWriter) { reply(w, 408, "timed out", "Content-Type", "text/plain") }, 1, 2, true, []time.Duration{300 * time.Millisecond}},
		{"GET after 425", get, answers(425), 1, 2, true, []time.Duration{300 * time.Millisecond}},
		{"GET after 409", get, answers(409), 1, 1, false, nil},
		{"start after 408", start, answers(408), 1, 1, false, nil},
		{
			"five times 429 with a second each", start, answers(429, "Retry-After", "1"), 5, 6, true,
			[]time.Duration{time.Second, time.Second, 1200 * time.Millisecond, 2400 * time.Millisecond, 4800 * time.Millisecond},
		},
		{"GET after 429 with a time that overflows", get, answers(429, "Retry-After", "99999999999999999999"), 1, 1, false, nil},
		{"cancel after 500", stop, answers(500), 1, 2, true, []time.Duration{300 * time.Millisecond}},
		{"cancel after a cut", stop, cut, 1, 2, true, []time.Duration{300 * time.Millisecond}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			calls, retries := 0, 0
			var bodies []string
			c, at := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				calls++
				bodies = append(bodies, string(body))
				mustFail := calls <= tt.failures
				mu.Unlock()
				if mustFail {
					tt.fail(w)
					return
				}
				reply(w, 200, ok)
			})
			// net/http repeats requests by itself on a reused connection only.
			c.HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			c.OnRetry = func(error, time.Duration) { retries++ }
			err := tt.call(t.Context(), c)
			if (err == nil) != tt.wantOK {
				t.Errorf("got %v, want an error: %t", err, !tt.wantOK)
			}
			mu.Lock()
			defer mu.Unlock()
			if calls != tt.wantCalls || retries != tt.wantCalls-1 {
				t.Errorf("got %d requests and %d calls of OnRetry, want %d requests", calls, retries, tt.wantCalls)
			}
			if len(slices.Compact(bodies)) > 1 {
				t.Errorf("got the bodies %q, want equal ones", bodies)
			}
			got := at.sleeps()
			if len(got) != len(tt.wantWaits) {
				t.Fatalf("got the waits %v, want %v", got, tt.wantWaits)
			}
			for i, want := range tt.wantWaits {
				if got[i] < want || got[i] > want*3/2 {
					t.Errorf("got a wait of %v, want %v to %v", got[i], want, want*3/2)
				}
			}
		})
	}
}

// TestStartAfterRefused: a refused connection cannot have started a run, so the request is repeated.
func TestStartAfterRefused(t *testing.T) {
	t.Parallel()
	c, at := serve(t, nil)
	c.BaseURL = "http://" + unusedAddress(t)
	_, err := c.StartRun(t.Context(), "a1", StartRun{}, "")
	if kind := kindIn(t, err); kind != Refused {
		t.Errorf("got the kind %s, want %s", kind, Refused)
	}
	if n := len(at.sleeps()); n != 2 {
		t.Errorf("got %d attempts, want 3", n+1)
	}
}

// TestNoRetryAfterTimeout: a request is not repeated after a timeout.
func TestNoRetryAfterTimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var calls int
	c, at := serve(t, func(http.ResponseWriter, *http.Request) { calls++; <-release })
	t.Cleanup(func() { close(release) })
	c.Timeout = 20 * time.Millisecond
	_, err := c.Run(t.Context(), "r1")
	if kind := kindIn(t, err); kind != Timeout {
		t.Errorf("got the kind %s, want %s", kind, Timeout)
	}
	if len(at.sleeps()) > 0 {
		t.Error("got a second attempt, want none")
	}
}

// TestContextEndsBetweenAttempts: after a cancellation the error is Interrupted, after a deadline it is the last refusal.
func TestContextEndsBetweenAttempts(t *testing.T) {
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
		t.Errorf("cancelled: got %v (%s), want Interrupted", err, kind)
	}
	c.Sleep = func(context.Context, time.Duration) error { return context.DeadlineExceeded }
	_, err = c.Run(t.Context(), "r1")
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 429 {
		t.Errorf("deadline: got %v, want status 429", err)
	}
}

// TestDefaultSleep: without Sleep the client uses a timer that the context ends.
func TestDefaultSleep(t *testing.T) {
	t.Parallel()
	c := &Client{}
	if err := c.sleep(t.Context(), time.Millisecond); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
}
