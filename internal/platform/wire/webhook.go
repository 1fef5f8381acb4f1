package wire

import "crypto/ed25519"

// WebhookKey returns the key that signs webhook deliveries. It is the same as long as the state is kept.
func WebhookKey(tx *Tx) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(tx.Seed("webhook-seed", ed25519.SeedSize))
}
