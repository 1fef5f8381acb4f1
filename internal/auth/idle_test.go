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
	for name, test := range map[string]struct {
		credential config.Credential
		here       time.Duration // since the start, on this machine
		server     time.Duration // since the start, at the service; 0 if it did not tell
		want       time.Duration
	}{
		"new":                          {whole, 0, 0, refreshLifetime},
		"a day before the end":         {whole, refreshLifetime - 24*time.Hour, 0, 24 * time.Hour},
		"over":                         {whole, refreshLifetime + time.Hour, 0, 0},
		"clock wrong by as much still": {whole, time.Hour, 3 * time.Hour, refreshLifetime - time.Hour},
		"the service's clock decides":  {whole, time.Hour, refreshLifetime, 2 * time.Hour},
		"over by the service's clock":  {whole, time.Hour, refreshLifetime + 3*time.Hour, 0},
		"marked":                       {ended, 0, 0, 0},
		"an API key":                   {key, 0, 0, 0},
		"not known":                    {unknown, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Session{Now: func() time.Time { return start.Add(test.here) }}
			if test.server != 0 {
				s.observe(http.Header{"Date": {start.Add(test.server).Format(http.TimeFormat)}})
			}
			if got := s.RemainingIdle(test.credential).Round(time.Second); got != test.want {
				t.Errorf("%s left, want %s", got, test.want)
			}
		})
	}
}
