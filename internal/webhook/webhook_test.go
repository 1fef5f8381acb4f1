package webhook_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/webhook"
)

var signedAt = time.Unix(1_750_000_000, 0)

const body = `{"data":{"runId":"r1"}}`

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
		t.Errorf("timestamp = %q", timestamp)
	}
	raw, err := hex.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	if !ed25519.Verify(key.Public().(ed25519.PublicKey), []byte("1750000000."+body), raw) {
		t.Error("the signature is not over timestamp.body")
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	key, other := newKey('a'), newKey('b')
	change := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	isHeader := func(name string, missing bool) func(error) bool {
		return func(err error) bool {
			var e *webhook.HeaderError
			return errors.As(err, &e) && e.Name == name && e.Missing == missing
		}
	}
	isSignature := func(err error) bool { return errors.Is(err, webhook.ErrSignature) }
	isStale := func(err error) bool { var e *webhook.StaleError; return errors.As(err, &e) }
	isNil := func(err error) bool { return err == nil }
	tests := []struct {
		name   string
		keys   []ed25519.PublicKey
		change func(http.Header)
		body   string
		skew   time.Duration
		want   func(error) bool
	}{
		{"good", public(key), nil, body, 0, isNil},
		{"good, second key", public(other, key), nil, body, 0, isNil},
		{"good, upper-case hex", public(key), func(h http.Header) {
			h.Set(webhook.HeaderSignature, strings.ToUpper(h.Get(webhook.HeaderSignature)))
		}, body, 0, isNil},
		{"at the edge of the past", public(key), nil, body, webhook.Tolerance, isNil},
		{"at the edge of the future", public(key), nil, body, -webhook.Tolerance, isNil},
		{"too old", public(key), nil, body, webhook.Tolerance + time.Second, isStale},
		{"from the future", public(key), nil, body, -webhook.Tolerance - time.Second, isStale},
		{"changed body", public(key), nil, body + " ", 0, isSignature},
		{"changed timestamp", public(key), change(webhook.HeaderTimestamp, "1750000001"), body, 0, isSignature},
		{"leading zero in the timestamp", public(key), change(webhook.HeaderTimestamp, "01750000000"), body, 0, isSignature},
		{"other key", public(other), nil, body, 0, isSignature},
		{"no keys", nil, nil, body, 0, isSignature},
		{"key of a wrong length", []ed25519.PublicKey{{1, 2, 3}}, nil, body, 0, isSignature},
		{"no timestamp", public(key), func(h http.Header) { h.Del(webhook.HeaderTimestamp) }, body, 0,
			isHeader(webhook.HeaderTimestamp, true)},
		{"no signature", public(key), func(h http.Header) { h.Del(webhook.HeaderSignature) }, body, 0,
			isHeader(webhook.HeaderSignature, true)},
		{"signed timestamp", public(key), change(webhook.HeaderTimestamp, "-1750000000"), body, 0,
			isHeader(webhook.HeaderTimestamp, false)},
		{"endless timestamp", public(key), change(webhook.HeaderTimestamp, strings.Repeat("9", 30)), body, 0,
			isHeader(webhook.HeaderTimestamp, false)},
		{"short signature", public(key), change(webhook.HeaderSignature, "abcd"), body, 0,
			isHeader(webhook.HeaderSignature, false)},
		{"signature not in hex", public(key), change(webhook.HeaderSignature, strings.Repeat("zz", 64)), body, 0,
			isHeader(webhook.HeaderSignature, false)},
		{"two signatures", public(key), func(h http.Header) { h.Add(webhook.HeaderSignature, "00") }, body, 0,
			isHeader(webhook.HeaderSignature, false)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := signed(key)
			if tt.change != nil {
				tt.change(h)
			}
			err := webhook.Verify(tt.keys, h, []byte(tt.body), signedAt.Add(tt.skew), webhook.Tolerance)
			if !tt.want(err) {
				t.Errorf("Verify: %v", err)
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
			t.Errorf("accepted what was never signed: %q %q", timestamp, b)
		}
	})
}

func TestJWK(t *testing.T) {
	t.Parallel()
	key := public(newKey('a'))[0]
	jwk := webhook.NewJWK(webhook.KeyID, key)
	if len(jwk.X) != 43 {
		t.Errorf("x has %d characters, want 43 (32 bytes, unpadded)", len(jwk.X))
	}
	back, err := jwk.PublicKey()
	if err != nil || !back.Equal(key) {
		t.Errorf("round trip: %x, %v", back, err)
	}
	for name, bad := range map[string]webhook.JWK{
		"another curve": {Kty: "OKP", Crv: "X25519", X: jwk.X},
		"another type":  {Kty: "EC", Crv: "Ed25519", X: jwk.X},
		"padded":        {Kty: "OKP", Crv: "Ed25519", X: jwk.X + "="},
		"short":         {Kty: "OKP", Crv: "Ed25519", X: "AAAA"},
		"SPKI":          {Kty: "OKP", Crv: "Ed25519", X: "MCowBQYDK2VwAyEA" + jwk.X},
		"empty":         {},
	} {
		var e *webhook.JWKError
		if _, err := bad.PublicKey(); !errors.As(err, &e) {
			t.Errorf("%s: %v, want a JWKError", name, err)
		}
	}
}
