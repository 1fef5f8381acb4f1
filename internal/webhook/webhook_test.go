package webhook_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/webhook"
)

var signedAt = time.Unix(1_750_000_000, 0)

const body = `{"data":{"runId":"r1"}}`

// newKey returns a key that depends on fill only.
func newKey(fill byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(fill)), ed25519.SeedSize)))
}

func public(keys ...ed25519.PrivateKey) []ed25519.PublicKey {
	var all []ed25519.PublicKey
	for _, k := range keys {
		all = append(all, k.Public().(ed25519.PublicKey))
	}
	return all
}

// signed returns the headers of a delivery of body at signedAt.
func signed(key ed25519.PrivateKey) http.Header {
	signature, timestamp := webhook.Sign(key, signedAt, []byte(body))
	h := http.Header{}
	h.Set(webhook.HeaderSignature, signature)
	h.Set(webhook.HeaderTimestamp, timestamp)
	return h
}

func TestSignIsEd25519OverTimestampAndBody(t *testing.T) {
	t.Parallel()
	key := newKey('a')
	signature, timestamp := webhook.Sign(key, signedAt, []byte(body))
	if timestamp != "1750000000" {
		t.Errorf("got the timestamp %q, want 1750000000", timestamp)
	}
	raw, err := hex.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	if !ed25519.Verify(key.Public().(ed25519.PublicKey), []byte("1750000000."+body), raw) {
		t.Errorf("got the signature %s, want one of timestamp.body", signature)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	key, other := newKey('a'), newKey('b')
	change := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	invalid := func(header string) error { return &webhook.HeaderError{Name: header} }
	missing := func(header string) error { return &webhook.HeaderError{Name: header, Missing: true} }
	stale := func(skew time.Duration) error {
		return &webhook.StaleError{SignedAt: signedAt.UTC(), Now: signedAt.Add(skew), Tolerance: webhook.Tolerance}
	}
	tests := []struct {
		name   string
		keys   []ed25519.PublicKey
		change func(http.Header)
		body   string
		skew   time.Duration
		want   error
	}{
		{"valid", public(key), nil, body, 0, nil},
		{"valid with the second key", public(other, key), nil, body, 0, nil},
		{"valid in upper-case hex", public(key), func(h http.Header) {
			h.Set(webhook.HeaderSignature, strings.ToUpper(h.Get(webhook.HeaderSignature)))
		}, body, 0, nil},
		{"at the edge of the past", public(key), nil, body, webhook.Tolerance, nil},
		{"at the edge of the future", public(key), nil, body, -webhook.Tolerance, nil},
		{"too old", public(key), nil, body, webhook.Tolerance + time.Second, stale(webhook.Tolerance + time.Second)},
		{"from the future", public(key), nil, body, -webhook.Tolerance - time.Second, stale(-webhook.Tolerance - time.Second)},
		{"changed body", public(key), nil, body + " ", 0, webhook.ErrSignature},
		{"changed timestamp", public(key), change(webhook.HeaderTimestamp, "1750000001"), body, 0, webhook.ErrSignature},
		{"leading zero in the timestamp", public(key), change(webhook.HeaderTimestamp, "01750000000"), body, 0, webhook.ErrSignature},
		{"other key", public(other), nil, body, 0, webhook.ErrSignature},
		{"no keys", nil, nil, body, 0, webhook.ErrSignature},
		{"key of a wrong length", []ed25519.PublicKey{{1, 2, 3}}, nil, body, 0, webhook.ErrSignature},
		{"no timestamp", public(key), func(h http.Header) { h.Del(webhook.HeaderTimestamp) }, body, 0,
			missing(webhook.HeaderTimestamp)},
		{"no signature", public(key), func(h http.Header) { h.Del(webhook.HeaderSignature) }, body, 0,
			missing(webhook.HeaderSignature)},
		{"signed timestamp", public(key), change(webhook.HeaderTimestamp, "-1750000000"), body, 0,
			invalid(webhook.HeaderTimestamp)},
		{"endless timestamp", public(key), change(webhook.HeaderTimestamp, strings.Repeat("9", 30)), body, 0,
			invalid(webhook.HeaderTimestamp)},
		{"short signature", public(key), change(webhook.HeaderSignature, "abcd"), body, 0,
			invalid(webhook.HeaderSignature)},
		{"signature not in hex", public(key), change(webhook.HeaderSignature, strings.Repeat("zz", 64)), body, 0,
			invalid(webhook.HeaderSignature)},
		{"two signatures", public(key), func(h http.Header) { h.Add(webhook.HeaderSignature, "00") }, body, 0,
			invalid(webhook.HeaderSignature)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := signed(key)
			if tt.change != nil {
				tt.change(h)
			}
			err := webhook.Verify(tt.keys, h, []byte(tt.body), signedAt.Add(tt.skew), webhook.Tolerance)
			if !reflect.DeepEqual(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	key := newKey('a')
	good := signed(key)
	f.Add(good.Get(webhook.HeaderSignature), good.Get(webhook.HeaderTimestamp), []byte(body))
	f.Add("", "", []byte(nil))
	f.Add(strings.Repeat("0", 128), "99999999999", []byte("{}"))
	f.Fuzz(func(t *testing.T, signature, timestamp string, b []byte) {
		h := http.Header{webhook.HeaderSignature: {signature}, webhook.HeaderTimestamp: {timestamp}}
		err := webhook.Verify(public(key), h, b, signedAt, webhook.Tolerance)
		if err == nil && (timestamp != good.Get(webhook.HeaderTimestamp) || string(b) != body) {
			t.Errorf("got no error for the timestamp %q and the body %q, which were not signed", timestamp, b)
		}
	})
}

func TestJWK(t *testing.T) {
	t.Parallel()
	key := public(newKey('a'))[0]
	jwk := webhook.NewJWK(webhook.KeyID, key)
	if len(jwk.X) != 43 {
		t.Errorf("got %d characters in x, want 43 (32 bytes, unpadded)", len(jwk.X))
	}
	back, err := jwk.PublicKey()
	if err != nil || !back.Equal(key) {
		t.Errorf("got the key %x, %v, want %x", back, err, key)
	}
	tests := []struct {
		name string
		jwk  webhook.JWK
	}{
		{"another curve", webhook.JWK{Kty: "OKP", Crv: "X25519", X: jwk.X}},
		{"another type", webhook.JWK{Kty: "EC", Crv: "Ed25519", X: jwk.X}},
		{"padded", webhook.JWK{Kty: "OKP", Crv: "Ed25519", X: jwk.X + "="}},
		{"short", webhook.JWK{Kty: "OKP", Crv: "Ed25519", X: "AAAA"}},
		{"SPKI", webhook.JWK{Kty: "OKP", Crv: "Ed25519", X: "MCowBQYDK2VwAyEA" + jwk.X}},
		{"empty", webhook.JWK{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var e *webhook.JWKError
			if _, err := tt.jwk.PublicKey(); !errors.As(err, &e) || e.Kid != tt.jwk.Kid {
				t.Errorf("got %v, want a JWKError", err)
			}
		})
	}
}
