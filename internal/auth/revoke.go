package auth

import (
	"context"
	"net/http"
	"net/url"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// Revoke revokes a session at the service (RFC 7009): the refresh token, and with it the access tokens. It does not change
// the store. Errors: *NotOfferedError for an API key and for a service without revocation, *UnreachableError, *StatusError,
// *OAuthError, *safeurl.Error, *SessionEndedError if the server is not known.
func Revoke(ctx context.Context, hc *http.Client, p provider.Provider, c config.Credential) error {
	p = dialect(p, c.ThirdParty)
	token, hint := c.RefreshToken, "refresh_token"
	if token == "" {
		token, hint = c.Token, "access_token"
	}
	if c.Kind != config.OAuth || token == "" || p.OAuth == nil {
		return &NotOfferedError{Host: hostOf(c.BaseURL), What: "revocation of API keys by this program"}
	}
	if !isServerKnown(p.OAuth, c) {
		return &SessionEndedError{Reason: ReasonNoServer}
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
		return &NotOfferedError{Host: hostOf(c.BaseURL), What: "revocation of sessions"}
	}
	if !c.ThirdParty && !safeurl.SameOrigin(endpoint, c.BaseURL) {
		return &safeurl.Error{URL: clean(endpoint, 100), Detail: "it is not on " + c.BaseURL}
	}
	call, cancel := newCall(ctx, hc, p.OAuth, "revoke the session")
	defer cancel()
	call.as = ClientOf(c)
	_, err := call.post(endpoint, url.Values{
		"token": {token.Reveal()}, "token_type_hint": {hint}, "client_id": {c.ClientID},
	})
	return err
}
