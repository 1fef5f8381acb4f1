package doctor

import (
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
)

func TestCheckCredential(t *testing.T) {
	t.Parallel()
	oauth := config.Credential{
		Kind: config.OAuth, Token: "token-123456", RefreshToken: "refresh-123456", BaseURL: "https://lamina.example", SavedAt: now.Add(-2 * time.Hour),
		ObtainedAt: now, ExpiresAt: now.Add(30 * time.Minute), RefreshExpiresAt: now.AddDate(0, 0, 20),
		Account: config.Account{WorkspaceID: "w1", WorkspaceName: "Atelier"},
	}
	change := func(change func(*config.Credential)) config.Credential {
		c := oauth
		change(&c)
		return c
	}
	tests := []struct {
		name       string
		credential config.Credential
		status     Status
		text       string
		fix        string
	}{
		{"session", oauth, OK, "a session of profile default, saved 2 hours ago, for the workspace Atelier; its access token expires in 30 minutes; " +
			"the session expires on 21 March 2026", ""},
		{"expired access token", change(func(c *config.Credential) { c.ExpiresAt = now }), OK, "due for a refresh", ""},
		{"unknown expiry", change(func(c *config.Credential) { c.ExpiresAt, c.RefreshExpiresAt = time.Time{}, time.Time{} }), OK, "Atelier", ""},
		{"close to its end", change(func(c *config.Credential) { c.RefreshExpiresAt = now.Add(time.Hour) }), Warning, "expires on 1 March 2026 ", "lamina whoami"},
		{"no refresh token", change(func(c *config.Credential) { c.RefreshToken = "" }), Warning, "cannot be refreshed", "lamina login"},
		{"ended", change(func(c *config.Credential) { c.EndedAt = now }), Failed, "the service ended it", "lamina login"},
		{"API key", config.Credential{Kind: config.APIKey, Token: testKey, BaseURL: "https://lamina.example"}, OK, "an API key of profile default", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sessions := newSessions(t)
			saveCredential(t, sessions, tt.credential)
			got := checkCredential(t.Context(), examine(t, sessions))
			expect(t, got, tt.status, tt.text)
			if got.Fix != tt.fix {
				t.Errorf("got the fix %q, want %q", got.Fix, tt.fix)
			}
		})
	}
}

// TestFixNamesProfile checks that a fix signs in to the profile in use, not to the default one.
func TestFixNamesProfile(t *testing.T) {
	t.Parallel()
	sessions := newSessions(t, "LAMINA_PROFILE=work")
	err := sessions.Store().Update(t.Context(), func(d *config.Document) error {
		d.SetProfile(config.Profile{Name: "work", Credential: config.Credential{
			Kind: config.OAuth, Token: "token-123456", BaseURL: "https://lamina.example", EndedAt: now,
		}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e := examine(t, sessions)
	if got, want := checkCredential(t.Context(), e).Fix, "lamina login --profile work"; got != want {
		t.Errorf("got the fix %q, want %q", got, want)
	}
	if got, want := e.signInByDevice(), "lamina login --profile work --device"; got != want {
		t.Errorf("got the fix %q, want %q", got, want)
	}
}

// TestCheckAccountSendsNoRefresh checks that a session is not refreshed while the token endpoint does not answer.
func TestCheckAccountSendsNoRefresh(t *testing.T) {
	t.Parallel()
	service := newService(t)
	sessions := newSessions(t)
	saveCredential(t, sessions, config.Credential{
		Kind: config.OAuth, Token: "token-123456", RefreshToken: "refresh-123456", BaseURL: service.URL, ObtainedAt: now, ExpiresAt: now,
	})
	e := examine(t, sessions)
	e.probeToken = func() api.Probe {
		return api.Probe{Err: &api.UnreachableError{Kind: api.Timeout, Err: fail.Usage("", "slow")}}
	}
	expect(t, checkAccount(t.Context(), e), Skipped, "the token endpoint was not reached")
}

func TestCheckKeyring(t *testing.T) {
	t.Parallel()
	sessions := newSessions(t)
	expect(t, checkKeyring(t.Context(), examine(t, sessions)), Skipped, "no credential in use")
	saved := newSessions(t)
	saveCredential(t, saved, config.Credential{Kind: config.APIKey, Token: testKey, BaseURL: "https://lamina.example"})
	expect(t, checkKeyring(t.Context(), examine(t, saved)), Skipped, "the secrets of profile default are in the file")
}

func TestMilliseconds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		duration time.Duration
		want     string
	}{
		{"less", 900 * time.Microsecond, "less than 1 ms"},
		{"rounded", 12600 * time.Microsecond, "13 ms"},
		{"seconds", 1260 * time.Millisecond, "1.3 s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := milliseconds(tt.duration); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
