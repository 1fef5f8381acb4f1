package local

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/platform"
)

func TestDevValidate(t *testing.T) {
	t.Parallel()
	valid := platform.Options{AccessTokenTTL: time.Hour, RefreshTokenTTL: time.Hour, Capacity: 100}
	full := valid
	full.Capacity = 0
	tests := []struct {
		name      string
		opts      devOptions
		wantLimit int    // the rate limit of the platform
		wantErr   string // part of the message; empty: valid
	}{
		{"default", devOptions{addr: "127.0.0.1:8799", rateLimit: 100, keys: keysIgnored, platform: valid}, 100, ""},
		{"no rate limit", devOptions{addr: "localhost:0", keys: keysIgnored, platform: valid}, -1, ""},
		{"IPv6", devOptions{addr: "[::1]:0", rateLimit: 1, keys: keysIgnored, platform: valid}, 1, ""},
		{"no port", devOptions{addr: "127.0.0.1", keys: keysIgnored, platform: valid}, 0, "must be HOST:PORT"},
		{"every interface", devOptions{addr: "0.0.0.0:80", keys: keysIgnored, platform: valid}, 0, "must be on this machine"},
		{"another host", devOptions{addr: "lamina.example:80", keys: keysIgnored, platform: valid}, 0, "must be on this machine"},
		{"negative rate limit", devOptions{addr: "127.0.0.1:0", rateLimit: -1, keys: keysIgnored, platform: valid}, 0, "must not be negative"},
		{"no capacity", devOptions{addr: "127.0.0.1:0", keys: keysIgnored, platform: full}, 0, "--capacity must be at least 1, not 0"},
		{"an unknown mode", devOptions{addr: "127.0.0.1:0", keys: "maybe", platform: valid}, 0, "must be honoured or ignored"},
		{"no token lifetime", devOptions{addr: "127.0.0.1:0"}, 0, "must be greater than 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.opts.validate()
			if tt.wantErr == "" && (err != nil || tt.opts.platform.RateLimit != tt.wantLimit) {
				t.Errorf("got rate limit %d and error %v, want %d and none", tt.opts.platform.RateLimit, err, tt.wantLimit)
			}
			if tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("got error %v, want %q", err, tt.wantErr)
			}
		})
	}
}

func TestServer(t *testing.T) {
	t.Parallel()
	s, err := startServer(t.Context(), "127.0.0.1:0", platform.Options{}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.access.BaseURL+"/v1/account", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", s.access.APIKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("got status %d for the key of the platform, want 200", resp.StatusCode)
	}
	if len(s.access.Services) != 4 {
		t.Errorf("got access to %d other services, want 4", len(s.access.Services))
	}
	_, err = startServer(t.Context(), strings.TrimPrefix(s.access.BaseURL, "http://"), platform.Options{}, io.Discard)
	var inUse *fail.Error
	if !errors.As(err, &inUse) || inUse.Code != fail.AddressInUse {
		t.Errorf("got error %v for the same address, want code %s", err, fail.AddressInUse.Name)
	}
	s.stop()
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Errorf("got status %d after stop, want no answer", resp.StatusCode)
	}
}
