package webhook

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
)

// ErrNoKeys means that a key set has no Ed25519 public key.
var ErrNoKeys = errors.New("it has no Ed25519 public key")

// ParseKeys returns the public keys in the response of GET /v1/webhooks/signing-key, {"keys": [JWK]}. It also accepts that object below
// the member data, a list of JWKs, and one JWK. Items that are no Ed25519 keys are left out: a service may publish keys for other purposes.
// Errors: ErrNoKeys, a *JWKError if the only key is unusable, and those of encoding/json.
func ParseKeys(raw []byte) ([]ed25519.PublicKey, error) {
	jwks, err := parseJWKs(raw)
	if err != nil {
		return nil, err
	}
	var keys []ed25519.PublicKey
	unusable := ErrNoKeys
	for _, raw := range jwks {
		var jwk JWK
		if json.Unmarshal(raw, &jwk) != nil {
			continue
		}
		key, err := jwk.PublicKey()
		if err != nil {
			unusable = err
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, unusable
	}
	return keys, nil
}

// parseJWKs returns the items of a key set.
func parseJWKs(raw []byte) ([]json.RawMessage, error) {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		var list []json.RawMessage
		err := json.Unmarshal(raw, &list)
		return list, err
	}
	var object struct {
		X    any               `json:"x"`
		Keys []json.RawMessage `json:"keys"`
		Data json.RawMessage   `json:"data"`
	}
	err := json.Unmarshal(raw, &object)
	switch {
	case err != nil:
		return nil, err
	case object.Keys != nil:
		return object.Keys, nil
	case bytes.HasPrefix(bytes.TrimSpace(object.Data), []byte("{")):
		return parseInner(object.Data)
	case object.X != nil:
		return []json.RawMessage{raw}, nil
	}
	return nil, ErrNoKeys
}

// parseInner parses what is below the member data, which has no further one.
func parseInner(raw []byte) ([]json.RawMessage, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	err := json.Unmarshal(raw, &set)
	return set.Keys, err
}
