package platform

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/webhook"
)

// Buckets of webhook deliveries.
const (
	bucketDeliveries = "deliveries" // delivery id, in the order of creation → delivery
	bucketOutbox     = "outbox"     // id of a delivery that is still to be made → true
)

// deliveryTimeout is how long a receiver has to answer.
const deliveryTimeout = 15 * time.Second

// maxDeliveries is how many deliveries are kept as a log, besides older ones that are still to be made.
const maxDeliveries = 1000

// A delivery tells one address how a run ended.
type delivery struct {
	ID          string        `json:"id"`
	RunID       string        `json:"runId"`
	UserID      string        `json:"userId"`
	WorkspaceID string        `json:"workspaceId"`
	URL         string        `json:"url"`
	Body        []byte        `json:"body"`
	State       deliveryState `json:"state"`
	Attempts    []attempt     `json:"attempts"`
	NextAt      time.Time     `json:"nextAt"` // of the next attempt, while pending
	CreatedAt   time.Time     `json:"createdAt"`
}

// A deliveryState is where a delivery is in its life.
type deliveryState string

const (
	deliveryPending   deliveryState = "pending"
	deliveryDelivered deliveryState = "delivered"
	deliveryFailed    deliveryState = "failed" // given up
)

// An attempt is one try: the status that was answered, or why none was.
type attempt struct {
	At       time.Time     `json:"at"`
	Duration time.Duration `json:"duration"`
	Status   int           `json:"status,omitempty"`
	Problem  string        `json:"problem,omitempty"`
}

func (a attempt) succeeded() bool { return a.Status >= 200 && a.Status < 300 }

// signingKey returns the key of all deliveries.
func signingKey(tx *tx) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(tx.bytes(bucketServer, "webhook-seed"))
}

// getSigningKeys answers with the public key, without the usual envelope.
func (s *Server) getSigningKeys(w http.ResponseWriter, _ *http.Request, _ principal) error {
	var key ed25519.PrivateKey
	s.store.view(func(tx *tx) { key = signingKey(tx) })
	jwk := webhook.NewJWK(webhook.KeyID, key.Public().(ed25519.PublicKey))
	writeJSON(w, http.StatusOK, api.SigningKeys{Keys: []api.SigningKey{api.SigningKey(jwk)}})
	return nil
}

// addDelivery makes the delivery of a run that has ended. Its body is what the run's status said at that moment.
func (s *Server) addDelivery(tx *tx, r *run) {
	body, err := json.Marshal(envelope{Data: r.Run})
	if err != nil {
		panic(err) // our own types
	}
	d := delivery{
		ID: nextOrder(tx), RunID: r.RunID, UserID: r.UserID, WorkspaceID: r.WorkspaceID, URL: r.WebhookURL, Body: body,
		State: deliveryPending, Attempts: []attempt{}, NextAt: s.now(), CreatedAt: s.now(),
	}
	put(tx, bucketDeliveries, d.ID, d)
	put(tx, bucketOutbox, d.ID, true)
	forgetDeliveries(tx)
}

// forgetDeliveries drops the oldest deliveries that are no longer pending, so that the log is bounded.
func forgetDeliveries(tx *tx) {
	ids := tx.keys(bucketDeliveries)
	for _, id := range ids[:max(0, len(ids)-maxDeliveries)] {
		if tx.bytes(bucketOutbox, id) == nil {
			tx.remove(bucketDeliveries, id)
		}
	}
}

// dispatch starts the work on each delivery in the outbox, once.
func (s *Server) dispatch(ctx context.Context) {
	started := map[string]bool{}
	for ctx.Err() == nil {
		changed := s.outboxChanged.next()
		var pending []string
		s.store.view(func(tx *tx) { pending = tx.keys(bucketOutbox) })
		still := map[string]bool{}
		for _, id := range pending {
			still[id] = true
			if !started[id] {
				s.workers.Go(func() { s.deliver(ctx, id) })
			}
		}
		started = still
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// deliver makes the attempts of a delivery until one succeeds, or none is left, or the process ends; then the next
// process goes on.
func (s *Server) deliver(ctx context.Context, id string) {
	for {
		var d delivery
		var key ed25519.PrivateKey
		s.store.view(func(tx *tx) {
			d, _ = get[delivery](tx, bucketDeliveries, id)
			key = signingKey(tx)
		})
		if d.State != deliveryPending || s.sleep(ctx, d.NextAt.Sub(s.now())) != nil {
			return
		}
		try := s.attempt(ctx, d, key)
		if ctx.Err() != nil {
			return
		}
		if err := s.recordAttempt(id, try); err != nil {
			s.log.Error("could not record a webhook delivery", "delivery", id, "error", err)
			return
		}
	}
}

// attempt sends a delivery, signed for this moment.
func (s *Server) attempt(ctx context.Context, d delivery, key ed25519.PrivateKey) attempt {
	at := s.now()
	fail := func(problem string) attempt { return attempt{At: at, Duration: s.now().Sub(at), Problem: problem} }
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return fail("the URL cannot be used")
	}
	signature, timestamp := webhook.Sign(key, at, d.Body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Lamina-Webhooks/1")
	req.Header.Set(webhook.HeaderSignature, signature)
	req.Header.Set(webhook.HeaderTimestamp, timestamp)
	req.Header.Set(webhook.HeaderRequestID, d.RunID)
	req.Header.Set(webhook.HeaderUserID, d.UserID)
	resp, err := s.webhooks.Do(req)
	if err != nil {
		// The text of the error would repeat the URL, which may hold a secret of the receiver.
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			return fail("no answer in " + deliveryTimeout.String())
		}
		return fail("no connection")
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	return attempt{At: at, Duration: s.now().Sub(at), Status: resp.StatusCode}
}

// recordAttempt writes an attempt to the log and decides what comes next.
func (s *Server) recordAttempt(id string, try attempt) error {
	return s.store.update(func(tx *tx) error {
		d, _ := get[delivery](tx, bucketDeliveries, id)
		d.Attempts = append(d.Attempts, try)
		switch retries := s.timing.retries; {
		case try.succeeded():
			d.State = deliveryDelivered
		case len(d.Attempts) > len(retries):
			d.State = deliveryFailed
		default:
			d.NextAt = s.now().Add(retries[len(d.Attempts)-1])
		}
		if d.State != deliveryPending {
			tx.remove(bucketOutbox, id)
		}
		put(tx, bucketDeliveries, id, d)
		return nil
	})
}

// newWebhookClient returns the client of deliveries. A redirect is an answer that is not 2xx.
func newWebhookClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		Timeout:       deliveryTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
