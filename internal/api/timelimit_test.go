package api

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

// TestTimeLimit: a request may take as long as its endpoint, whether the caller uses a method of Client or the path.
func TestTimeLimit(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		query        url.Values
		timeout      time.Duration
		want         time.Duration
	}{
		{"GET", "/v1/account", nil, 0, 30 * time.Second},
		{"GET", "/v1/account", nil, 5 * time.Second, 5 * time.Second},
		{"GET", "/v1/runs/r/wait", nil, 5 * time.Second, 75 * time.Second},
		{"GET", "/v1/runs/r/wait?timeout=5", nil, 5 * time.Second, 20 * time.Second},
		{"GET", "/v1/runs/r/wait", url.Values{"timeout": {"120"}}, 0, 135 * time.Second},
		{"GET", "/v1/runs/r/wait?timeout=999999999999", nil, 0, 75 * time.Second * 9 / 5},
		{"GET", "/v1/runs/r/wait?timeout=many", nil, 0, 75 * time.Second},
		{"GET", "/v1/runs/r/wait?timeout=-1", nil, 0, 75 * time.Second},
		{"GET", "/v1/runs/r/wait", nil, 5 * time.Minute, 5 * time.Minute},
		{"GET", "/v1/runs/wait", nil, 5 * time.Second, 5 * time.Second},
		{"POST", "/v1/runs/r/feedback", nil, 5 * time.Second, 10 * time.Minute},
		{"POST", "/v1/content/plan", nil, 5 * time.Second, 2 * time.Minute},
		{"GET", "/v1/content/x", nil, 5 * time.Second, 5 * time.Second},
	} {
		c := &Client{Timeout: tt.timeout}
		if got := c.timeLimit(Call{Method: tt.method, Path: tt.path, Query: tt.query}); got != tt.want {
			t.Errorf("%s %s with the query %v and the time limit %v: got %v, want %v", tt.method, tt.path, tt.query, tt.timeout, got, tt.want)
		}
	}
}

// TestFetchWaits: Fetch, which sends the calls of lamina api, waits as long as the service waits for a run.
func TestFetchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Client{BaseURL: "http://127.0.0.1", HTTP: &http.Client{Transport: slowly(59 * time.Second)}}
		doc, err := c.Fetch(context.Background(), Call{Method: http.MethodGet, Path: "/v1/runs/r/wait"})
		if err != nil {
			t.Fatal(err)
		}
		_ = doc.Body.Close()
		if _, err := c.Fetch(context.Background(), Call{Method: http.MethodGet, Path: "/v1/runs/r"}); err == nil {
			t.Error("got no error of a request that took 59 seconds")
		}
	})
}

// slowly is a transport that responds after this time.
type slowly time.Duration

func (s slowly) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-time.After(time.Duration(s)):
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
}
