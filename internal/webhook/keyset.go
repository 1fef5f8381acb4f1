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
// the member data, a list of JWKs, and one JWK. Keys of other types are left out, because a service may publish keys for other purposes.
// Errors: ErrNoKeys, a *JWKError if the only key is unusable, and those of encoding/json.
func ParseKeys(raw []byte) ([]ed25519.PublicKey, error) {
	jwks, err := parseJWKs(raw)
	if err != nil {
		return nil, err
	}
	var keys []ed25519.PublicKey
	unusable := ErrNoKeys
	for _, jwk := range jwks {
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

func parseJWKs(raw []byte) ([]JWK, error) {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		var list []JWK
		err := json.Unmarshal(raw, &list)
		return list, err
	}
	var object struct {
		JWK
		Keys []JWK           `json:"keys"`
		Data json.RawMessage `json:"data"`
	}
	err := json.Unmarshal(raw, &object)
	switch {
	case err != nil:
		return nil, err
	case object.Keys != nil:
		return object.Keys, nil
	case bytes.HasPrefix(bytes.TrimSpace(object.Data), []byte("{")):
		return parseInner(object.Data)
	case object.X != "":
		return []JWK{object.JWK}, nil
	}
	return nil, ErrNoKeys
}

// parseInner parses what is below the member data, which has no further one.
func parseInner(raw []byte) ([]JWK, error) {
	var set struct {
		Keys []JWK `json:"keys"`
	}
	err := json.Unmarshal(raw, &set)
	return set.Keys, err
}
