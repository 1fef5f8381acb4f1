package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/webhook"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

// bare is a receiver that keeps nothing: the rate of lamina webhook listen is compared with it. With the argument verify, it verifies each
// delivery, as the example in the documentation of package webhook does.
func bare() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	keys := []ed25519.PublicKey{loadKey().Public().(ed25519.PublicKey)}
	fmt.Println("Listening on http://" + listener.Addr().String() + "/")
	panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && len(os.Args) > 1 {
			err = webhook.Verify(keys, r.Header, body, time.Now(), webhook.Tolerance)
		}
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})))
}

// loadKey returns the key that signs the deliveries of these tests.
func loadKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

// deliverer signs and sends deliveries to receivers.
type deliverer struct {
	key  ed25519.PrivateKey
	http *http.Client
}

// atOnce is the number of deliveries that are sent at the same time.
const atOnce = 128

func newDeliverer(t *testing.T) *deliverer {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: atOnce}
	t.Cleanup(transport.CloseIdleConnections)
	return &deliverer{key: loadKey(), http: &http.Client{Transport: transport}}
}

// writeKeys writes the public key to a file, as lamina webhook signing-key prints it.
func (d *deliverer) writeKeys(t *testing.T, file string) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"keys": []webhook.JWK{webhook.NewJWK("test", d.key.Public().(ed25519.PublicKey))}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sample returns the request of a delivery of about 1 KiB.
func (d *deliverer) sample(address, id string) *http.Request {
	body := []byte(`{"data":{"runId":"` + id + `","status":"completed","outputs":[{"value":"` + strings.Repeat("x", 900) + `"}]}}`)
	req, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	signature, timestamp := webhook.Sign(d.key, time.Now(), body)
	req.Header.Set(webhook.HeaderSignature, signature)
	req.Header.Set(webhook.HeaderTimestamp, timestamp)
	req.Header.Set(webhook.HeaderRequestID, id)
	return req
}

// send sends requests, many at once, until one fails. It returns the ids of the deliveries that were accepted.
func (d *deliverer) send(requests []*http.Request) (accepted []string) {
	var mu sync.Mutex
	var next atomic.Int64
	var work sync.WaitGroup
	for range atOnce {
		work.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= len(requests) {
					return
				}
				resp, err := d.http.Do(requests[n])
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					mu.Lock()
					accepted = append(accepted, requests[n].Header.Get(webhook.HeaderRequestID))
					mu.Unlock()
				}
			}
		})
	}
	work.Wait()
	return accepted
}

// listeningAt waits for the address that a receiver prints.
func listeningAt(t *testing.T, output *transcript) string {
	t.Helper()
	listening := regexp.MustCompile(`Listening on (http://\S+)`)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if found := listening.FindStringSubmatch(output.String()); found != nil {
			return found[1]
		}
	}
	t.Fatalf("got no address:\n%s", output.String())
	return ""
}

// inboxOf returns the ids in the only inbox of a user, and how often each is there.
func inboxOf(t *testing.T, u user) map[string]int {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(u.home, ".lamina/webhooks/*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("got the inboxes %q, %v, want one", dirs, err)
	}
	stored := map[string]int{}
	for d, err := range inbox.All(dirs[0]) {
		if err != nil {
			t.Fatal(err)
		}
		stored[d.ID]++
	}
	return stored
}

// printed returns how often the delivery of each run is in the NDJSON of listeners.
func printed(t *testing.T, ndjson string) map[string]int {
	t.Helper()
	times := map[string]int{}
	for line := range strings.Lines(ndjson) {
		if !strings.HasSuffix(line, "\n") {
			continue // of a process that was killed
		}
		var event struct{ Delivery struct{ RunID string } }
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("got the line %q: %v", line, err)
		}
		times[event.Delivery.RunID]++
	}
	return times
}

// TestWebhookListenLosesNothing sends many deliveries at once, and compares the rate with that of a handler that keeps nothing. It fails
// only if a delivery is lost; -v prints the rates.
func TestWebhookListenLosesNothing(t *testing.T) {
	count := 500
	if isFullLoad() {
		count = 10_000
	} else {
		t.Parallel()
	}
	d := newDeliverer(t)
	u := newUser(t, "http://127.0.0.1:1")
	d.writeKeys(t, filepath.Join(u.home, "keys.json"))
	requests := func(address string) (all []*http.Request) {
		for n := range count {
			all = append(all, d.sample(address, fmt.Sprint("run-", n)))
		}
		return all
	}

	timeOf := func(address string) (time.Duration, []string) {
		all := requests(address)
		begun := time.Now()
		accepted := d.send(all)
		if len(accepted) != count {
			t.Fatalf("got %d deliveries accepted, want %d", len(accepted), count)
		}
		return time.Since(begun), accepted
	}
	reads, _ := timeOf(startBare(t))
	verifies, _ := timeOf(startBare(t, "verify"))
	listener := u.start(t, "webhook", "listen", "--port", "0", "--key", "keys.json", "-o", "ndjson")
	ours, accepted := timeOf(listeningAt(t, &listener.stderr))
	for end := time.Now().Add(patience); strings.Count(listener.stdout.String(), "\n") < count && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	}
	stored, told := inboxOf(t, u), printed(t, listener.stdout.String())
	for _, id := range accepted {
		if stored[id] != 1 || told[id] != 1 {
			t.Fatalf("%s: got it %d times in the inbox and printed %d times, want once each", id, stored[id], told[id])
		}
	}
	rate := func(d time.Duration) float64 { return float64(count) / d.Seconds() }
	t.Logf("%d deliveries: %.0f/s; a handler that verifies %.0f/s, ratio %.2f; one that only reads %.0f/s, ratio %.2f",
		count, rate(ours), rate(verifies), rate(ours)/rate(verifies), rate(reads), rate(ours)/rate(reads))
}

// startBare starts the program bare and returns its address.
func startBare(t *testing.T, args ...string) string {
	t.Helper()
	var stdout transcript
	cmd := exec.Command("bare", args...)
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return listeningAt(t, &stdout)
}

// TestWebhookListenSurvivesKills kills the listener while deliveries arrive: each one that was answered 2xx is in the inbox once, and the
// next process prints those that were not printed. A delivery can be printed twice only if the kill was directly behind its line.
func TestWebhookListenSurvivesKills(t *testing.T) {
	t.Parallel()
	kills := 3
	if isFullLoad() {
		kills = 15
	}
	d := newDeliverer(t)
	u := newUser(t, "http://127.0.0.1:1")
	d.writeKeys(t, filepath.Join(u.home, "keys.json"))
	args := []string{"webhook", "listen", "--port", "0", "--key", "keys.json", "-o", "ndjson"}
	var accepted []string
	output := ""
	for round := range kills {
		listener := u.start(t, args...)
		address := listeningAt(t, &listener.stderr)
		var requests []*http.Request
		for n := range 3000 {
			requests = append(requests, d.sample(address, fmt.Sprintf("run-%d-%d", round, n)))
		}
		time.AfterFunc(time.Duration(50+40*round)*time.Millisecond, listener.kill)
		accepted = append(accepted, d.send(requests)...)
		listener.kill()
		listener.wait()
		output += listener.stdout.String()
		if !strings.HasSuffix(output, "\n") {
			output = output[:strings.LastIndex(output, "\n")+1]
		}
	}
	last := u.start(t, append(args, "--timeout", "1s")...)
	last.exits(t, 0)
	stored, told := inboxOf(t, u), printed(t, output+last.stdout.String())
	twice := 0
	for _, id := range accepted {
		if stored[id] != 1 || told[id] < 1 {
			t.Fatalf("%s was answered 2xx: got it %d times in the inbox and printed %d times", id, stored[id], told[id])
		}
	}
	for id, times := range told {
		if stored[id] != 1 {
			t.Errorf("%s: got it %d times in the inbox, want once: it was printed", id, stored[id])
		}
		twice += times - 1
	}
	if twice > kills {
		t.Errorf("got %d deliveries printed twice after %d kills", twice, kills)
	}
	t.Logf("%d kills: %d deliveries answered 2xx, %d stored, %d printed twice", kills, len(accepted), len(stored), twice)
}
