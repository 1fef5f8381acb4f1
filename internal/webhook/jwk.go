package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
)

// KeyID is the kid of Lamina's signing key.
const KeyID = "lamina-webhook-v1"

// A JWK is an Ed25519 public key in JSON (RFC 8037). X is the key of 32 bytes in unpadded base64url.
type JWK struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Kid string `json:"kid"`
	Use string `json:"use"`
	Alg string `json:"alg"`
}

// NewJWK returns a public key as a JWK with the given kid.
func NewJWK(kid string, key ed25519.PublicKey) JWK {
	return JWK{
		Kty: "OKP", Crv: "Ed25519", X: base64.RawURLEncoding.EncodeToString(key), Kid: kid, Use: "sig", Alg: "EdDSA",
	}
}

// A JWKError means that a JWK is not an Ed25519 public key.
type JWKError struct {
	Kid    string
	Reason string
}

// Error names the key and the reason.
func (e *JWKError) Error() string {
	return fmt.Sprintf("invalid signing key %q: %s", e.Kid, e.Reason)
}

// PublicKey returns the key in a JWK, or a *JWKError.
func (k JWK) PublicKey() (ed25519.PublicKey, error) {
	if k.Kty != "OKP" || k.Crv != "Ed25519" {
		return nil, &JWKError{Kid: k.Kid, Reason: fmt.Sprintf("it is %s/%s, not OKP/Ed25519", k.Kty, k.Crv)}
	}
	raw, err := base64.RawURLEncoding.DecodeString(k.X)
	if err != nil {
		return nil, &JWKError{Kid: k.Kid, Reason: "x is not unpadded base64url"}
	}
	if len(raw) != ed25519.PublicKeySize {
		return nil, &JWKError{Kid: k.Kid, Reason: fmt.Sprintf("x has %d bytes, not %d", len(raw), ed25519.PublicKeySize)}
	}
	return raw, nil
}
