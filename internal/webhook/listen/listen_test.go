package listen_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/webhook"
	"github.com/uselamina/lamina/internal/webhook/inbox"
	"github.com/uselamina/lamina/internal/webhook/listen"
)

func newKey(fill byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{fill}, ed25519.SeedSize))
}

// keySet returns the response of the service with public keys.
func keySet(keys ...ed25519.PrivateKey) []byte {
	set := struct {
		Keys []webhook.JWK `json:"keys"`
	}{}
	for _, k := range keys {
		set.Keys = append(set.Keys, webhook.NewJWK(webhook.KeyID, k.Public().(ed25519.PublicKey)))
	}
	raw, err := json.Marshal(set)
	if err != nil {
		panic(err)
	}
	return raw
}

// rig is a server with an inbox of its own, and a clock.
type rig struct {
	address string
	dir     string
	box     *inbox.Inbox
	keys    *listen.Keys
	mu      sync.Mutex
	now     time.Time
	refused []string
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

const path = "/hook"

func newRig(t *testing.T, fetch func(context.Context) ([]byte, error)) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), now: time.Unix(1_800_000_000, 0)}
	var err error
	if r.box, err = inbox.Open(r.dir, inbox.Options{}); err != nil {
		t.Fatal(err)
	}
	r.keys = &listen.Keys{Fetch: fetch, Now: r.clock, File: filepath.Join(r.dir, "keys.json")}
	if _, err := r.keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = "http://" + listener.Addr().String() + path
	server := &listen.Server{Path: path, Keys: r.keys, Inbox: r.box, Now: r.clock, Refused: func(status int, reason error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.refused = append(r.refused, fmt.Sprint(status, " ", reason))
	}}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		_ = r.box.Close()
	})
	return r
}

func always(raw []byte) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return raw, nil }
}

// send sends a delivery that is signed at a time, after change, and returns the status of the response.
func (r *rig) send(t *testing.T, key ed25519.PrivateKey, at time.Time, body string, change func(*http.Request)) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	signature, timestamp := webhook.Sign(key, at, []byte(body))
	req.Header.Set(webhook.HeaderSignature, signature)
	req.Header.Set(webhook.HeaderTimestamp, timestamp)
	if change != nil {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

func run(id string) string { return `{"data":{"runId":"` + id + `","status":"completed"}}` }

// TestServerAnswers sends deliveries, and hostile ones, over real HTTP.
func TestServerAnswers(t *testing.T) {
	t.Parallel()
	key := newKey('a')
	set := func(name, value string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set(name, value) }
	}
	tests := []struct {
		name   string
		key    ed25519.PrivateKey
		skew   time.Duration
		body   string
		change func(*http.Request)
		want   int
		stored int
	}{
		{"delivery", key, 0, run("r"), nil, 200, 1},
		{"at the edge of the past", key, -webhook.Tolerance, run("r"), nil, 200, 1},
		{"at the edge of the future", key, webhook.Tolerance, run("r"), nil, 200, 1},
		{"replayed after the window", key, -webhook.Tolerance - time.Second, run("r"), nil, 401, 0},
		{"from the future", key, webhook.Tolerance + time.Second, run("r"), nil, 401, 0},
		{"another key", newKey('b'), 0, run("r"), nil, 401, 0},
		{"no signature", key, 0, run("r"), func(req *http.Request) { req.Header.Del(webhook.HeaderSignature) }, 401, 0},
		{"no timestamp", key, 0, run("r"), func(req *http.Request) { req.Header.Del(webhook.HeaderTimestamp) }, 401, 0},
		{"two signatures", key, 0, run("r"), func(req *http.Request) { req.Header.Add(webhook.HeaderSignature, "00") }, 401, 0},
		{"another id in the header", key, 0, run("r"), set(webhook.HeaderRequestID, "other"), 401, 0},
		{"changed body", key, 0, run("r"), func(req *http.Request) {
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(run("s"))), int64(len(run("s")))
		}, 401, 0},
		{"not a run", key, 0, `{"hello":1}`, nil, 401, 0},
		{"control characters", key, 0, `{"data":{"runId":"\u001b]0;x\u0007","status":"\u001b[31m"}}`, nil, 200, 1},
		{"large body", key, 0, run(strings.Repeat("x", 2<<20)), nil, 413, 0},
		{"large body without a length", key, 0, run(strings.Repeat("x", 2<<20)), func(req *http.Request) { req.ContentLength = -1 }, 413, 0},
		{"large header", key, 0, run("r"), set("X-Filler", strings.Repeat("x", 32<<10)), 431, 0},
		{"large user id, which is not signed", key, 0, run("r"), set(webhook.HeaderUserID, strings.Repeat("x", 8<<10)), 200, 1},
		{"another path", key, 0, run("r"), func(req *http.Request) { req.URL.Path = "/other" }, 404, 0},
		{"another method", key, 0, run("r"), func(req *http.Request) { req.Method = http.MethodPut }, 405, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, always(keySet(key)))
			if got := r.send(t, tt.key, r.now.Add(tt.skew), tt.body, tt.change); got != tt.want {
				t.Errorf("got status %d, want %d", got, tt.want)
			}
			stored := 0
			for d, err := range inbox.All(r.dir) {
				if err != nil {
					t.Fatal(err)
				}
				stored++
				if string(d.Body) != tt.body || len(d.Headers[webhook.HeaderUserID]) > 200 || d.Headers[webhook.HeaderSignature] == "" || len(d.Headers) > 4 {
					t.Errorf("got %+v, want the body and the headers of the signature", d)
				}
			}
			if stored != tt.stored {
				t.Errorf("got %d deliveries in the inbox, want %d", stored, tt.stored)
			}
		})
	}
}

// All attempts for a run have the same id and are stored once, and each is answered 200.
func TestRepeatedDeliveries(t *testing.T) {
	t.Parallel()
	key := newKey('a')
	r := newRig(t, always(keySet(key)))
	for n := range 5 {
		if got := r.send(t, key, r.now.Add(time.Duration(n)*time.Second), run("r"), nil); got != 200 {
			t.Errorf("attempt %d: got status %d, want 200", n, got)
		}
	}
	if r.box.Last() != 1 {
		t.Errorf("got %d deliveries, want 1", r.box.Last())
	}
}

// Forged deliveries cause at most one request for the keys a minute, and a new key of the service is found.
func TestKeysAreFetchedRarely(t *testing.T) {
	t.Parallel()
	var fetches atomic.Int64
	var published atomic.Pointer[[]byte]
	raw := keySet(newKey('a'))
	published.Store(&raw)
	r := newRig(t, func(context.Context) ([]byte, error) {
		fetches.Add(1)
		return *published.Load(), nil
	})
	flood := func() {
		var work sync.WaitGroup
		for n := range 50 {
			work.Go(func() {
				if got := r.send(t, newKey('f'), r.clock(), run(fmt.Sprint("forged-", n)), nil); got != 401 {
					t.Errorf("got status %d for a forged delivery, want 401", got)
				}
			})
		}
		work.Wait()
	}
	flood()
	if got := fetches.Load(); got != 1 {
		t.Errorf("got %d fetches within the first minute, want that of the start", got)
	}
	r.advance(2 * time.Minute)
	flood()
	if got := fetches.Load(); got != 2 {
		t.Errorf("got %d fetches, want 2", got)
	}
	raw2 := keySet(newKey('b'), newKey('a'))
	published.Store(&raw2)
	if got := r.send(t, newKey('b'), r.clock(), run("new"), nil); got != 401 {
		t.Errorf("got status %d within the minute, want 401: the service sends it again", got)
	}
	r.advance(2 * time.Minute)
	if got := r.send(t, newKey('b'), r.clock(), run("new"), nil); got != 200 {
		t.Errorf("got status %d for a new key, want 200", got)
	}
	if got := r.send(t, newKey('a'), r.clock(), run("old"), nil); got != 200 {
		t.Errorf("got status %d for the older key, want 200", got)
	}
	if got := fetches.Load(); got != 3 {
		t.Errorf("got %d fetches, want 3", got)
	}
}

// While the keys cannot be fetched, a delivery that may be genuine is answered 503, so that it comes again.
func TestKeysCannotBeFetched(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	fetch := func(context.Context) ([]byte, error) {
		if down.Load() {
			return nil, errors.New("no network")
		}
		return keySet(newKey('a')), nil
	}
	r := newRig(t, fetch)
	r.advance(2 * time.Minute)
	down.Store(true)
	if got := r.send(t, newKey('b'), r.clock(), run("r"), nil); got != 503 {
		t.Errorf("got status %d, want 503", got)
	}
	if got := r.send(t, newKey('b'), r.clock(), run("r"), nil); got != 503 {
		t.Errorf("got status %d within the minute after a failure, want 503", got)
	}
	r.advance(2 * time.Hour)
	if got := r.send(t, newKey('a'), r.clock(), run("s"), nil); got != 200 {
		t.Errorf("got status %d for a known key that is old, want 200", got)
	}
	r.advance(-2 * time.Hour)
	// Another process uses the saved keys, and old ones only if it cannot get others.
	later := func(age time.Duration) *listen.Keys {
		return &listen.Keys{Fetch: fetch, File: filepath.Join(r.dir, "keys.json"), Now: func() time.Time { return r.clock().Add(age) }}
	}
	if isOld, err := later(time.Minute).Load(t.Context()); isOld || err != nil {
		t.Errorf("got %t, %v, want the saved keys", isOld, err)
	}
	if isOld, err := later(2 * time.Hour).Load(t.Context()); !isOld || err == nil {
		t.Errorf("got %t, %v, want old keys and the reason", isOld, err)
	}
	if _, err := (&listen.Keys{Fetch: fetch}).Load(t.Context()); err == nil {
		t.Error("got no error without any keys")
	}
	if _, err := (&listen.Keys{Fetch: always([]byte(`{"keys":[]}`))}).Load(t.Context()); !errors.Is(err, webhook.ErrNoKeys) {
		t.Errorf("got %v, want ErrNoKeys", err)
	}
}

// A key that the service does not publish any more is not accepted for longer than an hour.
func TestRemovedKey(t *testing.T) {
	t.Parallel()
	var published atomic.Pointer[[]byte]
	first, second := keySet(newKey('a')), keySet(newKey('b'))
	published.Store(&first)
	r := newRig(t, func(context.Context) ([]byte, error) { return *published.Load(), nil })
	published.Store(&second)
	r.advance(59 * time.Minute)
	if got := r.send(t, newKey('a'), r.clock(), run("r"), nil); got != 200 {
		t.Errorf("got status %d before the hour is over, want 200", got)
	}
	r.advance(time.Minute)
	if got := r.send(t, newKey('a'), r.clock(), run("s"), nil); got != 401 {
		t.Errorf("got status %d for a removed key, want 401", got)
	}
}

// A forged delivery makes the server fetch the keys. Deliveries with a known key do not wait for that.
func TestSlowFetch(t *testing.T) {
	t.Parallel()
	fetching, release := make(chan struct{}), make(chan struct{})
	var isFirst atomic.Bool
	isFirst.Store(true)
	r := newRig(t, func(context.Context) ([]byte, error) {
		if !isFirst.Swap(false) {
			close(fetching)
			<-release
		}
		return keySet(newKey('a')), nil
	})
	r.advance(2 * time.Minute)
	forged := make(chan int, 1)
	go func() { forged <- r.send(t, newKey('b'), r.clock(), run("forged"), nil) }()
	<-fetching
	if got := r.send(t, newKey('a'), r.clock(), run("r"), nil); got != 200 {
		t.Errorf("got status %d, want 200", got)
	}
	close(release)
	if got := <-forged; got != 401 {
		t.Errorf("got status %d for a forged delivery, want 401", got)
	}
}

// A delivery that cannot be stored is answered 503.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	key := newKey('a')
	r := newRig(t, always(keySet(key)))
	if err := r.box.Close(); err != nil {
		t.Fatal(err)
	}
	if got := r.send(t, key, r.clock(), run("r"), nil); got != 503 {
		t.Errorf("got status %d, want 503", got)
	}
}

// A body that does not come to its end is no delivery.
func TestCutBody(t *testing.T) {
	t.Parallel()
	key := newKey('a')
	r := newRig(t, always(keySet(key)))
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(r.address, "http://"), path))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", path)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 400 || r.box.Last() != 0 {
		t.Errorf("got status %d and %d deliveries, want 400 and none", resp.StatusCode, r.box.Last())
	}
}
