//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// lossyLamatic passes requests to the platform, and loses some of them or of their responses. It notes which payloads arrived there.
type lossyLamatic struct {
	proxy *httputil.ReverseProxy

	mu      sync.Mutex
	arrived map[string]int // by the text in the payload
	lost    int            // responses
}

func (l *lossyLamatic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	var body struct {
		Variables struct{ Payload struct{ Text string } }
	}
	if err != nil || json.Unmarshal(raw, &body) != nil {
		panic(http.ErrAbortHandler) // the client was killed while it sent
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	switch rand.N(200) {
	case 0:
		panic(http.ErrAbortHandler)
	case 1:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case 2, 3:
		w = nil
	}
	l.mu.Lock()
	l.arrived[body.Variables.Payload.Text]++
	if w == nil {
		l.lost++
	}
	l.mu.Unlock()
	if w == nil {
		l.proxy.ServeHTTP(discardedResponse{}, r)
		panic(http.ErrAbortHandler)
	}
	l.proxy.ServeHTTP(w, r)
}

// A discardedResponse is a response that is not sent.
type discardedResponse struct{}

func (discardedResponse) Header() http.Header         { return http.Header{} }
func (discardedResponse) Write(b []byte) (int, error) { return len(b), nil }
func (discardedResponse) WriteHeader(int)             {}

// TestLamaticBatchSurvivesKills kills the processes of a batch of Lamatic at random times, while requests and responses are lost. No payload
// arrives twice, each completed one arrived, and only lost starts are held.
func TestLamaticBatchSurvivesKills(t *testing.T) {
	t.Parallel()
	items, kills, parallel := 100, 3, 4
	if isFullLoad() {
		items, kills = 1_000, 10
	}
	dev, err := startDev(t.TempDir(), t.TempDir(), nil, "--rate-limit", "0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.stop() })
	service := dev.Services["lamatic"]
	endpoint, err := url.Parse(service.BaseURL)
	if err != nil {
		t.Fatal(err)
	}
	lossy := &lossyLamatic{arrived: map[string]int{}, proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = endpoint.Scheme, endpoint.Host
	}, ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}} // the client was killed
	address := newHandler(t, lossy.ServeHTTP)

	home := t.TempDir()
	var payloads bytes.Buffer
	for i := range items {
		fmt.Fprintf(&payloads, `{"text":"%d"}`+"\n", i)
	}
	if err := os.WriteFile(filepath.Join(home, "items.ndjson"), payloads.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command("lamina", args...)
		cmd.Dir = home
		cmd.Env = append(os.Environ(), "HOME="+home, "LAMATIC_ENDPOINT="+address+endpoint.Path, "LAMATIC_API_KEY="+service.APIKey,
			"LAMATIC_PROJECT_ID=prj_sample", "GORACE="+quickExit)
		return cmd
	}
	status, stderr := killAndFinish(t, kills, time.Duration(items)*time.Millisecond, func() *exec.Cmd {
		return command("lamatic", "batch", "spell-numbers", "items.ndjson", "--out", "batch", "--parallel", fmt.Sprint(parallel), "--quiet")
	})
	if status != 0 && status != 3 {
		t.Fatalf("got exit status %d: %s", status, stderr)
	}
	lossy.judge(t, command("batch", "results", "batch", "-o", "ndjson"), items, kills*parallel)
}

// judge compares the results with what arrived. killed is how many starts the kills can have left without outcome.
func (l *lossyLamatic) judge(t *testing.T, results *exec.Cmd, items, killed int) {
	t.Helper()
	out, err := results.Output()
	if err != nil {
		t.Fatalf("batch results: %v", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var held []string
	lines := slices.Collect(bytes.Lines(out))
	for i, line := range lines {
		var r batchResult
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		arrived := l.arrived[strconv.Itoa(i)]
		switch {
		case r.ID != strconv.Itoa(i):
			t.Fatalf("line %d of the results is about %s", i+1, r.ID)
		case arrived > 1:
			t.Errorf("%s arrived %d times", r.ID, arrived)
		case r.State == "held":
			held = append(held, r.ID)
		case r.State != "completed" || arrived != 1:
			t.Errorf("%s is %s, and arrived %d times", r.ID, r.State, arrived)
		}
	}
	if len(lines) != items || len(held) > l.lost+killed+items/50 {
		t.Errorf("got %d results of %d items, %d held; %d responses were lost", len(lines), items, len(held), l.lost)
	}
	t.Logf("%d items, %d held, %d responses lost", len(lines), len(held), l.lost)
}
