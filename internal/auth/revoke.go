package auth

import (
	"context"
	"net/http"
	"net/url"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// Revoke ends a session at the service (RFC 7009): its refresh token, and with it the access tokens. It changes nothing
// that is stored. Errors: *NotOfferedError when there is nothing to revoke or nowhere to do it, *UnreachableError,
// *StatusError, *OAuthError, *URLError.
func Revoke(ctx context.Context, hc *http.Client, p provider.Provider, c config.Credential) error {
	p = speaking(p, c.ThirdParty)
	token, hint := c.RefreshToken, "refresh_token"
	if token == "" {
		token, hint = c.Token, "access_token"
	}
	if c.Kind != config.OAuth || token == "" || p.OAuth == nil {
		return &NotOfferedError{Host: hostOf(c.BaseURL), What: "to revoke an API key from here; that is done at " + p.KeysURL}
	}
	endpoint := c.RevocationEndpoint
	if endpoint == "" && !c.ThirdParty {
		server, err := Discover(ctx, hc, c.BaseURL, p)
		if err != nil {
			return err
		}
		endpoint = server.RevocationEndpoint
	}
	if endpoint == "" {
		return &NotOfferedError{Host: hostOf(c.BaseURL), What: "to revoke a session"}
	}
	if !c.ThirdParty && !SameOrigin(endpoint, c.BaseURL) {
		return &URLError{URL: clean(endpoint, 100), Detail: "it is not on " + c.BaseURL}
	}
	call, cancel := newCall(ctx, hc, p.OAuth, "revoke the session")
	defer cancel()
	_, err := call.post(endpoint, url.Values{
		"token": {token.Reveal()}, "token_type_hint": {hint}, "client_id": {c.ClientID},
	})
	return err
}
