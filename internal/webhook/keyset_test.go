package webhook_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/webhook"
)

func TestParseKeys(t *testing.T) {
	t.Parallel()
	key := public(newKey('a'))[0]
	raw, err := json.Marshal(webhook.NewJWK("k", key))
	if err != nil {
		t.Fatal(err)
	}
	jwk := string(raw)
	other := `{"kty":"EC","crv":"P-256","x":"AAAA","kid":"other"}`
	tests := []struct {
		name, text string
		want       int // of keys; 0: an error
	}{
		{"response", `{"keys":[` + jwk + `]}`, 1},
		{"one JWK", jwk, 1},
		{"list", `[` + jwk + `]`, 1},
		{"envelope", `{"data":{"keys":[` + jwk + `]}}`, 1},
		{"a key of another type beside it", `{"keys":[` + other + `,` + jwk + `]}`, 1},
		{"two keys", `{"keys":[` + jwk + `,` + jwk + `]}`, 2},
		{"odd items beside it", `{"keys":[null,7,{"kty":7},` + jwk + `]}`, 1},
		{"odd items only", `{"keys":[null,7,{"kty":7}]}`, 0},
		{"x of another type", `{"kty":"OKP","crv":"Ed25519","x":7}`, 0},
		{"a key of another type only", `{"keys":[` + other + `]}`, 0},
		{"no keys", `{"keys":[]}`, 0},
		{"null", `null`, 0},
		{"another object", `{"error":"no"}`, 0},
		{"data without keys", `{"data":{}}`, 0},
		{"text", `hello`, 0},
		{"empty", ``, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			keys, err := webhook.ParseKeys([]byte(tt.text))
			if len(keys) != tt.want || (err == nil) != (tt.want > 0) {
				t.Errorf("got %d keys, %v, want %d", len(keys), err, tt.want)
			}
			if tt.want > 0 && !keys[0].Equal(key) {
				t.Errorf("got the key %x, want %x", keys[0], key)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	key := newKey('a')
	tests := []struct {
		name, body, requestID string
		want                  string // the id of the run; "": an error
	}{
		{"delivery", body, "r1", "r1"},
		{"without the header", body, "", "r1"},
		{"older service", `{"data":{"executionId":"e1","status":"failed"}}`, "e1", "e1"},
		{"odd status", `{"data":{"runId":"r1","executionId":null,"status":7}}`, "r1", "r1"},
		{"another id in the header, which is not signed", body, "r2", ""},
		{"no id", `{"data":{}}`, "", ""},
		{"no data", `{"runId":"r1"}`, "", ""},
		{"null", `null`, "", ""},
		{"not JSON", `hello`, "", ""},
		{"id of another type", `{"data":{"runId":7}}`, "", ""},
		{"endless id", `{"data":{"runId":"` + strings.Repeat("x", 1000) + `"}}`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			signature, timestamp := webhook.Sign(key, signedAt, []byte(tt.body))
			header.Set(webhook.HeaderSignature, signature)
			header.Set(webhook.HeaderTimestamp, timestamp)
			if tt.requestID != "" {
				header.Set(webhook.HeaderRequestID, tt.requestID)
			}
			event, err := webhook.Open(public(key), header, []byte(tt.body), signedAt, webhook.Tolerance)
			if event.RunID != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("got %+v, %v, want the run %q", event, err, tt.want)
			}
			if _, err := webhook.Open(public(key), header, []byte(tt.body+" "), signedAt, webhook.Tolerance); !errors.Is(err, webhook.ErrSignature) {
				t.Errorf("got %v for a changed body, want ErrSignature", err)
			}
		})
	}
}

func TestParseMessage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, body string
		wantErr          bool
	}{
		{"request", "POST /x HTTP/1.1\r\nX-Lamina-Webhook-Timestamp: 1\r\n\r\n{\"a\":1}\n", "{\"a\":1}\n", false},
		{"lines", "x-lamina-webhook-timestamp: 1\n\nbody\r\n\r\nmore", "body\r\n\r\nmore", false},
		{"JSON headers", `{"x-lamina-webhook-timestamp":"1","n":7}` + "\n\nbody", "body", false},
		{"lists", `{"X-Lamina-Webhook-Timestamp":["1"]}` + "\n\n", "", false},
		{"no body", "X-Lamina-Webhook-Timestamp: 1\n", "", true},
		{"no headers", "\n\nbody", "", true},
		{"not a header", "A: b\nhello world\n\nbody", "", true},
		{"broken JSON", "{\n\nbody", "", true},
		{"JSON without headers", "{}\n\nbody", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header, got, err := webhook.ParseMessage([]byte(tt.text))
			if (err != nil) != tt.wantErr {
				t.Fatalf("got %v, want an error: %t", err, tt.wantErr)
			}
			if !tt.wantErr && (string(got) != tt.body || header.Get(webhook.HeaderTimestamp) != "1") {
				t.Errorf("got %v and %q, want a timestamp of 1 and %q", header, got, tt.body)
			}
		})
	}
}

// FuzzOpen checks that no input is accepted that was not signed, and that nothing panics.
func FuzzOpen(f *testing.F) {
	key := newKey('a')
	header := signed(key)
	f.Add(fmt.Appendf(nil, "%s: %s\n%s: %s\n\n%s", webhook.HeaderTimestamp, header.Get(webhook.HeaderTimestamp), webhook.HeaderSignature, header.Get(webhook.HeaderSignature), body),
		[]byte(`{"keys":[]}`))
	f.Add([]byte("{}\n\n"), []byte(`[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]`))
	f.Fuzz(func(t *testing.T, message, set []byte) {
		keys, err := webhook.ParseKeys(set)
		for _, k := range keys {
			if len(k) != ed25519.PublicKeySize {
				t.Errorf("got a key of %d bytes", len(k))
			}
		}
		if err == nil && len(keys) == 0 {
			t.Error("got neither keys nor an error")
		}
		header, b, err := webhook.ParseMessage(message)
		if err != nil {
			return
		}
		if event, err := webhook.Open(public(key), header, b, signedAt, time.Minute); err == nil && (string(b) != body || event.RunID != "r1") {
			t.Errorf("got %+v for the body %q, which was not signed", event, b)
		}
	})
}
