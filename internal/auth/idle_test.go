package auth

import (
	"net/http"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

func TestRemainingIdle(t *testing.T) {
	t.Parallel()
	start := newClock().Now()
	whole := config.Credential{
		Kind: config.OAuth, ObtainedAt: start, IssuedAt: start.Add(2 * time.Hour), RefreshExpiresAt: start.Add(refreshLifetime),
	}
	ended, key, unknown := whole, whole, whole
	ended.EndedAt, key.Kind, unknown.RefreshExpiresAt = start, config.APIKey, time.Time{}
	tests := []struct {
		name       string
		credential config.Credential
		elapsed    time.Duration // since the start, by this machine's clock
		server     time.Duration // since the start, by the server's clock; 0 if it is unknown
		want       time.Duration
	}{
		{"new", whole, 0, 0, refreshLifetime},
		{"a day before its end", whole, refreshLifetime - 24*time.Hour, 0, 24 * time.Hour},
		{"expired", whole, refreshLifetime + time.Hour, 0, 0},
		{"same skew as at the start", whole, time.Hour, 3 * time.Hour, refreshLifetime - time.Hour},
		{"another skew", whole, time.Hour, refreshLifetime, 2 * time.Hour},
		{"expired by the server's clock", whole, time.Hour, refreshLifetime + 3*time.Hour, 0},
		{"ended", ended, 0, 0, 0},
		{"API key", key, 0, 0, 0},
		{"unknown expiry", unknown, 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &Session{Now: func() time.Time { return start.Add(test.elapsed) }}
			if test.server != 0 {
				s.observe(http.Header{"Date": {start.Add(test.server).Format(http.TimeFormat)}})
			}
			if got := s.RemainingIdle(test.credential).Round(time.Second); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
