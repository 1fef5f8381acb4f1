package webhook_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/uselamina/lamina/internal/webhook"
)

// signingKey is the key of a service in the examples.
var signingKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

// deliver sends a signed delivery and returns the status of the response.
func deliver(address string, signedAt time.Time, body string) int {
	req, err := http.NewRequest(http.MethodPost, address, bytes.NewReader([]byte(body)))
	if err != nil {
		panic(err)
	}
	signature, timestamp := webhook.Sign(signingKey, signedAt, []byte(body))
	req.Header.Set(webhook.HeaderSignature, signature)
	req.Header.Set(webhook.HeaderTimestamp, timestamp)
	req.Header.Set(webhook.HeaderRequestID, "run-1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// A receiver verifies the body before it decodes it, and answers 401 to deliveries that are not Lamina's or too old.
func ExampleVerify() {
	keys := []ed25519.PublicKey{signingKey.Public().(ed25519.PublicKey)}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if err := webhook.Verify(keys, r.Header, body, time.Now(), webhook.Tolerance); err != nil {
			var stale *webhook.StaleError
			fmt.Println("refused, stale:", errors.As(err, &stale))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var delivery struct {
			Data struct{ RunID, Status string }
		}
		if err := json.Unmarshal(body, &delivery); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		// All attempts for a run have the same id: a receiver ignores the ones that it has already seen.
		fmt.Println(r.Header.Get(webhook.HeaderRequestID), delivery.Data.Status)
	}))
	defer receiver.Close()

	const body = `{"data": {"runId": "run-1", "status": "completed"}}`
	fmt.Println(deliver(receiver.URL, time.Now(), body))
	fmt.Println(deliver(receiver.URL, time.Now().Add(-time.Hour), body))
	// Output:
	// run-1 completed
	// 200
	// refused, stale: true
	// 401
}

// The keys of a service come from GET /v1/webhooks/signing-key as JWKs.
func ExampleJWK_PublicKey() {
	jwk := webhook.NewJWK(webhook.KeyID, signingKey.Public().(ed25519.PublicKey))
	key, err := jwk.PublicKey()
	fmt.Println(jwk.Kty, jwk.Crv, key.Equal(signingKey.Public()), err)

	jwk.Crv = "P-256"
	_, err = jwk.PublicKey()
	fmt.Println(err)
	// Output:
	// OKP Ed25519 true <nil>
	// invalid signing key "lamina-webhook-v1": it is OKP/P-256, not OKP/Ed25519
}
