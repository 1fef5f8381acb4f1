package session

import (
	"context"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// Session is the credential that a command uses: an API key of the environment, or a stored credential.
type Session struct {
	Provider provider.Provider
	BaseURL  string
	Settings map[string]string // what the service needs in addition to the key

	// Variable is the environment variable that holds the key; empty for a stored credential.
	Variable string
	// Choice says which profile was chosen. Of a key of the environment it holds only the project config.
	Choice Choice
	// Profile, Credential and Encryption are those of a stored credential when the command began.
	Profile    string
	Credential config.Credential
	Encryption config.Encryption

	manager   *Manager
	workspace string            // the workspace that the service must check; may be empty
	key       config.Secret     // of the environment
	source    *auth.Session     // of a stored credential
	transport http.RoundTripper // adds the credential
}

// Stored reports whether the credential comes from the configuration, not from the environment.
func (s *Session) Stored() bool { return s.Variable == "" }

// Refreshes reports whether the session can refresh its access token.
func (s *Session) Refreshes() bool { return s.source != nil && s.Credential.Kind == config.OAuth }

// describe returns the credential for messages and hints.
func (s *Session) describe() fail.Credential {
	c := fail.Credential{Provider: s.Provider, Profile: s.Profile, Variable: s.Variable, Session: s.Credential.Kind == config.OAuth}
	if s.Variable != "" && s.manager.Getenv(s.Variable) == "" {
		c.File = s.manager.Flags.EnvFile
	}
	return c
}

// Client returns the client of the session's service.
func (s *Session) Client() *api.Client {
	return s.manager.newClient(s.Provider, s.BaseURL, s.transport, s.Settings, s.workspace)
}

// Token returns the credential that a request would carry now, refreshed if need be, and its expiry; the zero time means that it
// has none. Errors: those of auth.Session.Token.
func (s *Session) Token(ctx context.Context) (config.Secret, time.Time, error) {
	if !s.Stored() {
		return s.key, time.Time{}, nil
	}
	token, err := s.source.Token(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	doc, err := s.manager.Store().Load()
	if err != nil {
		return "", time.Time{}, err
	}
	p, _ := doc.Profile(s.Profile)
	return token, p.Credential.ExpiresAt, nil
}

// Key returns the key as it is stored, for a look at its shape; "" if it cannot be decrypted.
func (s *Session) Key() config.Secret {
	if !s.Stored() {
		return s.key
	}
	p, err := s.manager.Store().Decrypt(s.StoredProfile())
	if err != nil {
		return ""
	}
	return p.Credential.Token
}

// StoredProfile returns the profile of a stored credential when the command began.
func (s *Session) StoredProfile() config.Profile {
	return config.Profile{Name: s.Profile, Credential: s.Credential, Encryption: s.Encryption}
}

// CheckOffline returns an error if the stored session is known to be over, or if its secrets cannot be decrypted. It makes no
// request.
func (s *Session) CheckOffline() error {
	c, now := s.Credential, s.manager.Now()
	switch {
	case !s.Stored():
		return nil
	case !c.EndedAt.IsZero():
		return auth.EndedError(s.Profile, c)
	case !c.RefreshExpiresAt.IsZero() && now.After(c.RefreshExpiresAt) && now.After(c.ExpiresAt):
		return &auth.SessionEndedError{Profile: s.Profile, Reason: auth.ReasonUnused}
	}
	_, err := s.manager.Store().Decrypt(s.StoredProfile())
	return err
}
