package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/webhook"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

// writeDelivery puts a delivery of the run kept into the inbox of a user's default profile. It also writes key.json, the key of its
// signature, and delivery.txt, the request, which was signed at 1800000000.
func writeDelivery(t *testing.T, u user) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))
	body := []byte(`{"data":{"runId":"kept","status":"completed"}}`)
	signature, timestamp := webhook.Sign(key, time.Unix(1_800_000_000, 0), body)
	jwk, err := json.Marshal(webhook.NewJWK("test", key.Public().(ed25519.PublicKey)))
	if err != nil {
		t.Fatal(err)
	}
	request := webhook.HeaderTimestamp + ": " + timestamp + "\n" + webhook.HeaderSignature + ": " + signature + "\n\n" + string(body)
	dir := filepath.Join(u.home, ".lamina", "webhooks", "profile-default-inbox")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	box, err := inbox.Open(dir, inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := inbox.Delivery{ID: "kept", Status: "completed", Source: inbox.FromWebhook, ReceivedAt: time.Now(), Body: body, Headers: map[string]string{
		webhook.HeaderTimestamp: timestamp, webhook.HeaderSignature: signature, webhook.HeaderRequestID: "kept",
	}}
	if _, err := box.Add(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"key.json": string(jwk), "delivery.txt": request} {
		if err := os.WriteFile(filepath.Join(u.home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
