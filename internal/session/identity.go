package session

import (
	"context"
	"errors"
	"net/http"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
)

// Identity is the account of a credential, from the API or from the authorization server.
type Identity struct {
	Reply    *api.Reply[api.Account] // of the API; nil if it has no accounts
	Userinfo config.Account          // of a third-party authorization server if Reply is nil
}

// Identify asks the API for the account of the session. If the API has no accounts, it asks the third-party authorization server
// of the session. Errors: those of the API.
func (s *Session) Identify(ctx context.Context) (Identity, error) {
	reply, err := s.Client().Account(ctx)
	if err == nil {
		return Identity{Reply: reply}, nil
	}
	if !LacksAccounts(err) {
		return Identity{}, err
	}
	account, failed := s.Userinfo(ctx)
	if failed != nil {
		s.manager.Debugf("the authorization server does not report the account: %v", failed)
		return Identity{}, err
	}
	return Identity{Userinfo: account}, nil
}

// Userinfo asks the third-party authorization server for the account of the session. Errors: those of Token and auth.Userinfo.
func (s *Session) Userinfo(ctx context.Context) (config.Account, error) {
	if !s.Credential.ThirdParty || s.Credential.UserinfoEndpoint == "" {
		return config.Account{}, &auth.NotOfferedError{Host: s.BaseURL, What: "the account of this credential"}
	}
	token, _, err := s.Token(ctx)
	if err != nil {
		return config.Account{}, err
	}
	return s.manager.Userinfo(ctx, s.Credential, token)
}

// Userinfo asks the third-party authorization server of a credential for the account of an access token.
func (m *Manager) Userinfo(ctx context.Context, c config.Credential, token config.Secret) (config.Account, error) {
	hc, err := m.HTTPClient()
	if err != nil {
		return config.Account{}, err
	}
	return auth.Userinfo(ctx, hc, c, token)
}

// LacksAccounts reports whether a request for the account failed because the service is not Lamina's API, or has no accounts.
func LacksAccounts(err error) bool {
	status := 0
	var refused *api.Error
	var unexpected *api.UnexpectedError
	switch {
	case errors.As(err, &refused):
		status = refused.Status
	case errors.As(err, &unexpected):
		status = unexpected.Status
		if status < http.StatusBadRequest {
			return true
		}
	}
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		return true
	}
	return false
}
