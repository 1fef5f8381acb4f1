package control

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/webhook"
)

// The platform signs samples with the key of its deliveries, and nothing else than a time and a body.
func TestSignDelivery(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	body := []byte(`{"data":{"runId":"r"}}`)
	encoded := base64.StdEncoding.EncodeToString(body)
	res := f.Post("/dev/webhooks/sign", `{"timestamp":1800000000,"body":"`+encoded+`"}`)
	var reply struct {
		Data struct{ Signature, Timestamp string }
	}
	if err := json.Unmarshal([]byte(res.Body), &reply); err != nil || res.Status != http.StatusOK {
		t.Fatalf("got %d %s, %v", res.Status, res.Body, err)
	}
	var key ed25519.PrivateKey
	err := f.Deps.Store.Update(func(tx *wire.Tx) error {
		key = wire.WebhookKey(tx)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set(webhook.HeaderSignature, reply.Data.Signature)
	header.Set(webhook.HeaderTimestamp, reply.Data.Timestamp)
	if err := webhook.Verify([]ed25519.PublicKey{key.Public().(ed25519.PublicKey)}, header, body, time.Unix(1_800_000_000, 0), 0); err != nil {
		t.Errorf("got %v, want a valid signature", err)
	}
	for _, request := range []string{`{}`, `{"timestamp":1800000000}`, `{"body":"` + encoded + `"}`, `{"timestamp":-1,"body":"` + encoded + `"}`, `hello`} {
		if res := f.Post("/dev/webhooks/sign", request); res.Status != http.StatusBadRequest {
			t.Errorf("%s: got %d, want 400", request, res.Status)
		}
	}
}
