package lamina

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
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/webhook"
)

// Buckets of webhook deliveries.
const (
	bucketDeliveries = "deliveries" // delivery id, which increases → delivery
	bucketOutbox     = "outbox"     // id of a pending delivery → true
)

// deliveryTimeout limits the time of a receiver for its answer.
const deliveryTimeout = 15 * time.Second

// maxDeliveries is the number of deliveries that are kept. Pending deliveries are kept in addition.
const maxDeliveries = 1000

// A delivery sends the end of a run to a URL.
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

// A deliveryState is the state of a delivery.
type deliveryState string

const (
	deliveryPending   deliveryState = "pending"
	deliveryDelivered deliveryState = "delivered"
	deliveryFailed    deliveryState = "failed" // after the last attempt
)

// An attempt is one request of a delivery, with the status of the answer or the reason why there is none.
type attempt struct {
	At       time.Time     `json:"at"`
	Duration time.Duration `json:"duration"`
	Status   int           `json:"status,omitempty"`
	Problem  string        `json:"problem,omitempty"`
}

func (a attempt) succeeded() bool { return a.Status >= 200 && a.Status < 300 }

// getSigningKeys answers with the public signing key, without an envelope.
func (s *Server) getSigningKeys(w http.ResponseWriter, _ *http.Request, _ wire.Principal) error {
	jwk := webhook.NewJWK(webhook.KeyID, s.signingKey.Public().(ed25519.PublicKey))
	wire.WriteJSON(w, http.StatusOK, api.SigningKeys{Keys: []api.SigningKey{api.SigningKey(jwk)}})
	return nil
}

// addDelivery adds the delivery of a run that has ended. Its body is the answer of the run's address at this moment.
func (s *Server) addDelivery(tx *wire.Tx, r *run) {
	body, err := json.Marshal(envelope{Data: r.wire()})
	if err != nil {
		panic(err) // cannot fail for this type
	}
	d := delivery{
		ID: tx.NextOrder(), RunID: r.RunID, UserID: r.UserID, WorkspaceID: r.WorkspaceID, URL: r.WebhookURL, Body: body,
		State: deliveryPending, Attempts: []attempt{}, NextAt: s.Clock.Now(), CreatedAt: s.Clock.Now(),
	}
	wire.Put(tx, bucketDeliveries, d.ID, d)
	wire.Put(tx, bucketOutbox, d.ID, true)
	removeOldDeliveries(tx)
}

// removeOldDeliveries removes the oldest deliveries that are not pending.
func removeOldDeliveries(tx *wire.Tx) {
	ids := tx.Keys(bucketDeliveries)
	for _, id := range ids[:max(0, len(ids)-maxDeliveries)] {
		if tx.Bytes(bucketOutbox, id) == nil {
			tx.Remove(bucketDeliveries, id)
		}
	}
}

// dispatch starts a goroutine for each delivery in the outbox.
func (s *Server) dispatch(ctx context.Context) {
	started := map[string]bool{}
	for ctx.Err() == nil {
		changed := s.outboxChanged.next()
		var pending []string
		s.Store.View(func(tx *wire.Tx) { pending = tx.Keys(bucketOutbox) })
		current := map[string]bool{}
		for _, id := range pending {
			current[id] = true
			if !started[id] {
				s.workers.Go(func() { s.deliver(ctx, id) })
			}
		}
		started = current
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// deliver makes the attempts of a delivery until one succeeds or the last one fails. If ctx ends first, the next process
// continues.
func (s *Server) deliver(ctx context.Context, id string) {
	for {
		var d delivery
		s.Store.View(func(tx *wire.Tx) { d, _ = wire.Get[delivery](tx, bucketDeliveries, id) })
		if d.State != deliveryPending || s.Timing.Sleep(ctx, d.NextAt.Sub(s.Clock.Now())) != nil {
			return
		}
		try := s.attempt(ctx, d)
		if ctx.Err() != nil {
			return
		}
		if err := s.storeAttempt(id, try); err != nil {
			s.Log.Error("could not store a webhook delivery", "delivery", id, "error", err)
			return
		}
	}
}

// attempt sends a delivery. The signature contains the current time.
func (s *Server) attempt(ctx context.Context, d delivery) attempt {
	at := s.Clock.Now()
	fail := func(problem string) attempt {
		return attempt{At: at, Duration: s.Clock.Now().Sub(at), Problem: problem}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return fail("the URL cannot be used")
	}
	signature, timestamp := webhook.Sign(s.signingKey, at, d.Body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Lamina-Webhooks/1")
	req.Header.Set(webhook.HeaderSignature, signature)
	req.Header.Set(webhook.HeaderTimestamp, timestamp)
	req.Header.Set(webhook.HeaderRequestID, d.RunID)
	req.Header.Set(webhook.HeaderUserID, d.UserID)
	resp, err := s.webhooks.Do(req)
	if err != nil {
		// The text of the error contains the URL, which may contain a secret of the receiver.
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			return fail("no answer in " + deliveryTimeout.String())
		}
		return fail("no connection")
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	return attempt{At: at, Duration: s.Clock.Now().Sub(at), Status: resp.StatusCode}
}

// storeAttempt stores an attempt and, after a failure, schedules the next one.
func (s *Server) storeAttempt(id string, try attempt) error {
	return s.Store.Update(func(tx *wire.Tx) error {
		d, _ := wire.Get[delivery](tx, bucketDeliveries, id)
		d.Attempts = append(d.Attempts, try)
		switch retries := s.Timing.Retries; {
		case try.succeeded():
			d.State = deliveryDelivered
		case len(d.Attempts) > len(retries):
			d.State = deliveryFailed
		default:
			d.NextAt = s.Clock.Now().Add(retries[len(d.Attempts)-1])
		}
		if d.State != deliveryPending {
			tx.Remove(bucketOutbox, id)
		}
		wire.Put(tx, bucketDeliveries, id, d)
		return nil
	})
}

// newWebhookClient returns the HTTP client of deliveries. It does not follow redirects: a redirect is a failed attempt.
func newWebhookClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		Timeout:       deliveryTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
