package session

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestKeyedRequestIsSentOnce: net/http repeats a request with an Idempotency-Key whose connection is lost. The transport of commands
// must not: a service that ignores the key would carry it out twice.
func TestKeyedRequestIsSentOnce(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return
		}
		posts.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	m := &Manager{Getenv: func(string) string { return "" }, IsBlank: func(string) bool { return false }}
	transport, err := m.Transport()
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: transport}
	resp, err := client.Get(server.URL) // net/http repeats requests on connections that were used before
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	req, err := http.NewRequest(http.MethodPost, server.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", "key-1")
	if resp, err := client.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Error("the lost response is no error")
	}
	if n := posts.Load(); n != 1 {
		t.Errorf("the request was sent %d times", n)
	}
}
