package lamina

import (
	"context"
	"crypto/ed25519"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
	"github.com/uselamina/lamina/internal/webhook"
)

// A receiver receives deliveries. It answers with its statuses, then with 200.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	got      []received
}

type received struct {
	header http.Header
	body   []byte
}

func newReceiver(t *testing.T, statuses ...int) *receiver {
	t.Helper()
	rc := &receiver{statuses: statuses}
	rc.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rc.mu.Lock()
		defer rc.mu.Unlock()
		rc.got = append(rc.got, received{r.Header.Clone(), body})
		status := 200
		if len(rc.statuses) > 0 {
			status, rc.statuses = rc.statuses[0], rc.statuses[1:]
		}
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(rc.Close)
	return rc
}

func (rc *receiver) deliveries() []received {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return append([]received(nil), rc.got...)
}

func (rg *rig) startWithWebhook(address, body string) string {
	rg.T.Helper()
	r := rg.Call("POST", "/v1/apps/countdown/runs?webhook="+url.QueryEscape(address), body).Want(202)
	if started := wiretest.Data[api.RunStarted](r); started.WebhookURL != address {
		rg.T.Errorf("webhookUrl: got %q, want %q", started.WebhookURL, address)
	}
	return wiretest.Data[api.RunStarted](r).RunID
}

// verify verifies a delivery with the published key.
func (rg *rig) verify(d received) error {
	rg.T.Helper()
	keys := wiretest.Decode[api.SigningKeys](rg.Call("GET", "/v1/webhooks/signing-key", nil))
	key, err := webhook.JWK(keys.Keys[0]).PublicKey()
	if err != nil {
		rg.T.Fatal(err)
	}
	return webhook.Verify([]ed25519.PublicKey{key}, d.header, d.body, rg.Clock.Now(), webhook.Tolerance)
}

func (rg *rig) delivery(runID string) (found delivery) {
	rg.Deps.Store.View(func(tx *wire.Tx) {
		for _, d := range wire.List[delivery](tx, bucketDeliveries) {
			if d.RunID == runID {
				found = d
			}
		}
	})
	return found
}

func TestDeliveryIsTheSignedRun(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rg.Timers.Release(time.Second)
	rc := newReceiver(t)
	for _, tt := range []struct{ body, golden string }{
		{`{"inputs":{"seconds":"0"}}`, "run_completed_text"},
		{`{"inputs":{"seconds":"1","ending":"Fail"}}`, "run_failed"},
	} {
		id := rg.startWithWebhook(rc.URL+"/hook?a=b", tt.body)
		rg.finish(id)
		rg.Await("the delivery", func() bool { return rg.delivery(id).State == deliveryDelivered })
		got := rc.deliveries()
		d := got[len(got)-1]
		if err := rg.verify(d); err != nil {
			t.Error(err)
		}
		for _, tt := range []struct{ header, want string }{
			{"Content-Type", "application/json"},
			{webhook.HeaderRequestID, id},
			{webhook.HeaderUserID, wire.SampleUser().ID},
		} {
			if got := d.header.Get(tt.header); got != tt.want {
				t.Errorf("header %s: got %q, want %q", tt.header, got, tt.want)
			}
		}
		status := rg.Call("GET", "/v1/runs/"+id, nil).Body
		if string(d.body)+"\n" != status {
			t.Errorf("delivery: got %s, want the status of the run %s", d.body, status)
		}
		wiretest.Reply{T: t, Status: 200, Body: string(d.body)}.WantShape(tt.golden)
	}
}

func TestCancelledRunsAreDelivered(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rc := newReceiver(t)
	id := rg.startWithWebhook(rc.URL, `{}`)
	rg.Call("POST", "/v1/runs/"+id+"/cancel", nil).Want(200)
	rg.Await("the delivery", func() bool { return len(rc.deliveries()) == 1 })
	if r := wiretest.Data[api.Run](wiretest.Reply{T: t, Status: 200, Body: string(rc.deliveries()[0].body)}); r.Status != api.Cancelled {
		t.Errorf("delivery: got %+v, want a cancelled run", r)
	}
}

func TestDeliveryIsRetriedAndThenGivenUp(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rc := newReceiver(t, 500, 302, 404, 503)
	id := rg.startWithWebhook(rc.URL, `{"inputs":{"seconds":"0"}}`)
	signatures := map[string]bool{}
	for i, delay := range []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 0} {
		rg.Await("the attempt", func() bool { return len(rg.delivery(id).Attempts) == i+1 })
		got := rc.deliveries()
		if len(got) != i+1 {
			t.Fatalf("got %d requests after %d attempts, want the same number: a redirect was followed, or a retry came early", len(got), i+1)
		}
		if err := rg.verify(got[i]); err != nil {
			t.Errorf("attempt %d: %v", i, err)
		}
		signatures[got[i].header.Get(webhook.HeaderSignature)] = true
		if delay > 0 {
			rg.Pass(delay, 1)
		}
	}
	d := rg.delivery(id)
	var statuses []int
	for _, a := range d.Attempts {
		statuses = append(statuses, a.Status)
	}
	if d.State != deliveryFailed || len(signatures) != 4 || len(statuses) != 4 || statuses[1] != 302 {
		t.Errorf("got %s, %d signatures, statuses %v; want failed after four attempts with four signatures", d.State, len(signatures), statuses)
	}
}

// A delivery without an answer is retried as often as one with an error, and each attempt has its own timestamp.
func TestDeliveryWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	if rg.s.webhooks.Timeout != 15*time.Second {
		t.Errorf("timeout: got %s, want 15s", rg.s.webhooks.Timeout)
	}
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // otherwise the server does not notice that the client disconnects
		<-r.Context().Done()
	}))
	defer slow.Close()
	impatient := &impatientTransport{RoundTripper: rg.s.webhooks.Transport, host: strings.TrimPrefix(slow.URL, "http://")}
	rg.s.webhooks.Transport = impatient
	ids := []string{
		rg.startWithWebhook("http://127.0.0.1:1/secret", `{"inputs":{"seconds":"0"}}`),
		rg.startWithWebhook(slow.URL, `{"inputs":{"seconds":"0"}}`),
	}
	started := rg.Clock.Now()
	problems := []string{"no connection", "no answer in 15s"}
	for i, delay := range []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 0} {
		for n, id := range ids {
			rg.Await("the attempt", func() bool { return len(rg.delivery(id).Attempts) == i+1 })
			d := rg.delivery(id)
			if try := d.Attempts[i]; try.Problem != problems[n] || !try.At.Equal(rg.Clock.Now()) {
				t.Errorf("attempt %d: got %+v, want %q at %s", i, try, problems[n], rg.Clock.Now())
			}
			if delay > 0 && (d.State != deliveryPending || !d.NextAt.Equal(rg.Clock.Now().Add(delay))) {
				t.Errorf("after attempt %d: got %s, next at %v; want pending, next in %s", i, d.State, d.NextAt, delay)
			}
		}
		if delay > 0 {
			rg.Pass(delay, len(ids))
		}
	}
	for _, id := range ids {
		if d := rg.delivery(id); d.State != deliveryFailed {
			t.Errorf("delivery: got %+v, want failed", d)
		}
	}
	var want []string
	for _, after := range []int64{0, 5, 35, 155} {
		want = append(want, strconv.FormatInt(started.Unix()+after, 10))
	}
	if got := impatient.timestamps(); !slices.Equal(got, want) {
		t.Errorf("timestamps: got %s, want %s", got, want)
	}
}

// An impatientTransport has a short timeout for one host, and records the timestamps of the requests to it. The host cannot
// record them: on a busy machine the timeout may end before the host receives the request.
type impatientTransport struct {
	http.RoundTripper
	host string

	mu     sync.Mutex
	signed []string
}

// RoundTrip implements http.RoundTripper.
func (it *impatientTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != it.host {
		return it.RoundTripper.RoundTrip(r)
	}
	it.mu.Lock()
	it.signed = append(it.signed, r.Header.Get(webhook.HeaderTimestamp))
	it.mu.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), 20*time.Millisecond)
	defer cancel()
	return it.RoundTripper.RoundTrip(r.WithContext(ctx))
}

func (it *impatientTransport) timestamps() []string {
	it.mu.Lock()
	defer it.mu.Unlock()
	return slices.Clone(it.signed)
}

func TestDeliveryToLocalhost(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rc := newReceiver(t)
	address := strings.Replace(rc.URL, "127.0.0.1", "localhost", 1)
	id := rg.startWithWebhook(address, `{"inputs":{"seconds":"0"}}`)
	rg.Await("the delivery", func() bool { return rg.delivery(id).State == deliveryDelivered })
	if err := rg.verify(rc.deliveries()[0]); err != nil {
		t.Error(err)
	}
}

func TestOldDeliveriesAreRemoved(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	add := func(n int, isPending bool) {
		rg.Update(func(tx *wire.Tx) {
			for range n {
				id := tx.NextOrder()
				wire.Put(tx, bucketDeliveries, id, delivery{ID: id})
				if isPending {
					wire.Put(tx, bucketOutbox, id, true)
				}
			}
			removeOldDeliveries(tx)
		})
	}
	ids := func() (ids []string) {
		rg.Deps.Store.View(func(tx *wire.Tx) { ids = tx.Keys(bucketDeliveries) })
		return ids
	}
	add(3, true)
	first := ids()
	add(maxDeliveries+7, false)
	left := ids()
	if len(left) != maxDeliveries+3 || !slices.Equal(left[:3], first) {
		t.Errorf("got %d deliveries, beginning with %v; want %d, beginning with the pending %v", len(left), left[:3], maxDeliveries+3, first)
	}
}

func TestPendingDeliveriesSurviveARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	rc := newReceiver(t, 500)
	before := newRigAt(t, file)
	id := before.startWithWebhook(rc.URL, `{"inputs":{"seconds":"0"}}`)
	before.Await("the attempt", func() bool { return len(before.delivery(id).Attempts) == 1 })
	before.close()

	after := newRigAt(t, file)
	after.Fire(5 * time.Second)
	after.Await("the delivery", func() bool { return after.delivery(id).State == deliveryDelivered })
	got := rc.deliveries()
	if len(got) != 2 || string(got[0].body) != string(got[1].body) {
		t.Errorf("got %d deliveries, want 2 with the same body", len(got))
	}
	if err := after.verify(got[1]); err != nil {
		t.Errorf("verifying after a restart: got %v, want the same signing key", err)
	}
}
