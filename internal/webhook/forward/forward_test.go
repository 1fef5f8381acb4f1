package forward_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/webhook"
	"github.com/uselamina/lamina/internal/webhook/forward"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

func TestSend(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	now := time.Now()
	const body = `{"data":{"runId":"r"}}`
	original := forward.Signed(key, now, "r", []byte(body))
	d := inbox.Delivery{ID: "r", Body: []byte(body), Headers: map[string]string{}}
	for name := range original.Header {
		d.Headers[name] = original.Header.Get(name)
	}
	tests := []struct {
		name     string
		statuses []int // of the responses; the last one repeats
		requests int   // at least, if every one is refused: how many fit into a minute is chance
		wantErr  string
	}{
		{"accepted", []int{204}, 1, ""},
		{"accepted at last", []int{500, 503, 429, 408, 200}, 5, ""},
		{"refused", []int{400}, 1, "the receiver answered 400"},
		{"not found after a failure", []int{502, 404}, 2, "the receiver answered 404"},
		{"redirected", []int{307}, 1, "the receiver answered 307"},
		{"never accepted", []int{500}, 8, "the receiver answered 500"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				if err := webhook.Verify([]ed25519.PublicKey{key.Public().(ed25519.PublicKey)}, r.Header, got, now, time.Minute); err != nil {
					t.Errorf("got %v, want the original signature", err)
				}
				if r.Header.Get(webhook.HeaderRequestID) != "r" || r.Header.Get("User-Agent") != "test" {
					t.Errorf("got the headers %v", r.Header)
				}
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(tt.statuses[min(requests, len(tt.statuses)-1)])
				requests++
			}))
			defer receiver.Close()
			var waits []time.Duration
			sender := forward.Sender{HTTP: http.DefaultClient, UserAgent: "test", Sleep: func(_ context.Context, d time.Duration) error {
				waits = append(waits, d)
				return nil
			}}
			err := sender.Send(t.Context(), receiver.URL, forward.Original(d))
			if got := errorText(err); got != tt.wantErr || requests != tt.requests && (tt.statuses[0] != 500 || tt.wantErr == "" || requests < tt.requests) {
				t.Errorf("got %q after %d requests, want %q after %d", got, requests, tt.wantErr, tt.requests)
			}
			if len(waits) != requests-1 || slices.ContainsFunc(waits, func(d time.Duration) bool { return d < time.Second }) {
				t.Errorf("got the waits %v, want %d of a second or more", waits, requests-1)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A receiver that cannot be reached is tried again, and its address is in no error.
func TestSendToNoReceiver(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.NotFoundHandler())
	receiver.Close()
	retries := 0
	sender := forward.Sender{
		HTTP: http.DefaultClient, Sleep: func(context.Context, time.Duration) error { return nil },
		OnRetry: func(string, error, time.Duration) { retries++ },
	}
	err := sender.Send(t.Context(), receiver.URL+"/?token=hidden", forward.Message{Header: http.Header{}})
	if err == nil || retries != 7 || strings.Contains(err.Error(), "hidden") {
		t.Errorf("got %v after %d retries, want an error without the address after 7", err, retries)
	}
	var refused *forward.RefusedError
	if errors.As(err, &refused) {
		t.Errorf("got %v, want no refusal", err)
	}
}
