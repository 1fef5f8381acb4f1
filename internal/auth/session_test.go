package auth

import (
	"errors"
	"math"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

func TestTokenIsValid(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.clock.add(58 * time.Minute)
	s.wantToken("lma_mcp_at_a-0")
	s.session.Wait(0)
	if got := s.refreshes(); got != 0 {
		t.Errorf("got %d refreshes, want none", got)
	}
}

func TestTokenOfAPIKey(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.put(config.Credential{Kind: config.APIKey, Token: "lma_key", BaseURL: s.URL})
	s.wantToken("lma_key")
	s.session.Profile = "studio"
	var none *NotSignedInError
	if _, err := s.token(); !errors.As(err, &none) || none.Profile != "studio" {
		t.Errorf("got %v, want a *NotSignedInError for profile studio", err)
	}
}

func TestRefreshMargin(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	tests := []struct {
		name           string
		lifetime, age  time.Duration
		isWithinMargin bool
	}{
		{"an hour, 61 s left", time.Hour, 59*time.Minute - time.Second, false},
		{"an hour, 59 s left", time.Hour, 59*time.Minute + time.Second, true},
		{"a minute, 7 s left", time.Minute, 53 * time.Second, false},
		{"a minute, 5 s left", time.Minute, 55 * time.Second, true},
		{"a day, 61 s left", 24 * time.Hour, 24*time.Hour - 61*time.Second, false},
		{"a day, 59 s left", 24 * time.Hour, 24*time.Hour - 59*time.Second, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			obtained := s.clock.Now().Add(-test.age)
			left, margin := s.session.left(config.Credential{Token: "x", Lifetime: test.lifetime, ObtainedAt: obtained})
			if want := test.lifetime - test.age; left != want {
				t.Errorf("got %s left, want %s", left, want)
			}
			if got := left <= margin; got != test.isWithinMargin {
				t.Errorf("got margin %s with %s left, want within the margin: %v", margin, left, test.isWithinMargin)
			}
		})
	}
	t.Run("spread", func(t *testing.T) {
		t.Parallel()
		s := &Session{Rand: func() float64 { return 0.999 }, Now: newClock().Now}
		_, margin := s.left(config.Credential{Lifetime: time.Hour, ObtainedAt: newClock().Now()})
		if margin > 50*time.Second || margin < 45*time.Second {
			t.Errorf("got margin %s, want 45 s to 50 s", margin)
		}
	})
}

// The lifetime is measured by the server's clock once it is known, so that a wrong clock of this machine does no harm.
func TestClocks(t *testing.T) {
	t.Parallel()
	header := func(at time.Time) http.Header { return http.Header{"Date": {at.Format(http.TimeFormat)}} }
	t.Run("this machine's clock jumps a day ahead", func(t *testing.T) {
		t.Parallel()
		s := newRig(t)
		at := s.clock.Now()
		s.session.observe(header(at))
		s.date = func() time.Time { return at }
		s.clock.add(24 * time.Hour)
		s.session.observe(header(at.Add(time.Minute)))
		s.wantToken("lma_mcp_at_a-0")
	})
	t.Run("this machine's clock jumps a day back", func(t *testing.T) {
		t.Parallel()
		s := newRig(t)
		s.clock.add(-24 * time.Hour)
		s.wantToken("lma_mcp_at_a-0")
		s.session.observe(header(s.clock.Now().Add(26 * time.Hour)))
		s.wantToken("lma_mcp_at_a-1") // by the server's clock the token is two hours old
	})
	t.Run("the API sends a wrong date", func(t *testing.T) {
		t.Parallel()
		s := newRig(t)
		for range 5 {
			s.session.observe(http.Header{"Date": {"Sat, 01 Jan 2050 00:00:00 GMT"}})
			if _, err := s.token(); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.refreshes(); got > 1 {
			t.Errorf("got %d refreshes, want at most 1", got)
		}
	})
	t.Run("credential of the Node client", func(t *testing.T) {
		t.Parallel()
		s := newRig(t)
		now := s.clock.Now()
		s.put(config.Credential{
			Kind: config.OAuth, Token: "lma_mcp_at_a-0", BaseURL: s.URL, RefreshToken: "rt-secret-0", ClientID: "client-0",
			SavedAt: now, ExpiresAt: now.Add(time.Hour),
		})
		s.wantToken("lma_mcp_at_a-0")
		s.clock.add(2 * time.Hour)
		s.wantToken("lma_mcp_at_a-1")
	})
	t.Run("unknown expiry", func(t *testing.T) {
		t.Parallel()
		left, margin := newRig(t).session.left(config.Credential{Token: "x"})
		if left != math.MaxInt64 || margin != 0 {
			t.Errorf("got %s left, margin %s, want no expiry", left, margin)
		}
	})
}

// force returns the token that replaces a rejected one.
func (s *rig) force(rejected config.Secret) (config.Secret, error) {
	c, err := s.session.force(s.t.Context(), rejected)
	return c.Token, err
}

func TestForce(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	first, err := s.force("lma_mcp_at_a-0")
	if err != nil || first != "lma_mcp_at_a-1" {
		t.Fatalf("got %q, %v, want lma_mcp_at_a-1", first.Reveal(), err)
	}
	if again, err := s.force("lma_mcp_at_a-0"); err != nil || again != first {
		t.Errorf("after another refresh: got %q, %v, want %q", again.Reveal(), err, first.Reveal())
	}
	var rejected *RejectedError
	if _, err := s.force(first); !errors.As(err, &rejected) {
		t.Errorf("directly after a forced refresh: got %v, want a *RejectedError", err)
	}
	s.session = s.newSession()
	if _, err := s.force(first); !errors.As(err, &rejected) {
		t.Errorf("after a forced refresh of another process: got %v, want a *RejectedError", err)
	}
	if got := s.refreshes(); got != 1 {
		t.Errorf("got %d refreshes, want 1", got)
	}
	s.clock.add(2 * time.Minute)
	if second, err := s.force(first); err != nil || second == first || s.refreshes() != 2 {
		t.Errorf("two minutes later: got %q, %v, %d refreshes, want a new token", second.Reveal(), err, s.refreshes())
	}
}

func TestConcurrentTokens(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.clock.add(2 * time.Hour)
	sessions := []*Session{s.newSession(), s.newSession(), s.newSession()} // like three processes
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			if token, err := sessions[i%3].Token(t.Context()); err != nil || token != "lma_mcp_at_a-1" {
				t.Errorf("got token %q, %v, want lma_mcp_at_a-1", token.Reveal(), err)
			}
		})
	}
	all.Wait()
	if got := s.refreshes(); got != 1 {
		t.Errorf("got %d refreshes, want 1", got)
	}
}

func TestNoRefreshAfterWait(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.session.Wait(0)
	s.clock.add(2 * time.Hour)
	if _, err := s.token(); err == nil || s.refreshes() != 0 {
		t.Errorf("got %v and %d refreshes, want an error and none", err, s.refreshes())
	}
}
