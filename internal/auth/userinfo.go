package auth

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/redact"
)

// Userinfo asks a third-party authorization server for the user of an access token (OpenID Connect Core section 5.3). The token
// is sent only to the endpoint in the metadata that was read at the sign-in. Errors: *NotOfferedError if there is no endpoint,
// *UnreachableError, *StatusError, *OAuthError, *ResponseError, *safeurl.Error.
func Userinfo(ctx context.Context, hc *http.Client, c config.Credential, token config.Secret) (config.Account, error) {
	if !c.ThirdParty || c.UserinfoEndpoint == "" {
		return config.Account{}, &NotOfferedError{Host: hostOf(c.Issuer), What: "a userinfo endpoint"}
	}
	endpoint := c.UserinfoEndpoint
	if issuedBy := (Server{Issuer: c.Issuer, ThirdParty: true}); !issuedBy.allows(endpoint) {
		return config.Account{}, &safeurl.Error{URL: clean(endpoint, 100), Detail: "it is not an endpoint of " + clean(c.Issuer, 100)}
	}
	call, cancel := newCall(ctx, hc, provider.ThirdPartyOAuth(nil), "read the account")
	defer cancel()
	req, err := http.NewRequestWithContext(call.ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return config.Account{}, safeurl.NotURL(endpoint)
	}
	redact.Record(ctx, token.Reveal())
	req.Header.Set(bearerHeader, bearerScheme+" "+token.Reveal())
	raw, err := call.succeed(req)
	if err != nil {
		return config.Account{}, err
	}
	var claims struct {
		Subject  string `json:"sub"`
		Email    string `json:"email"`
		Name     string `json:"name"`
		Username string `json:"preferred_username"`
	}
	if json.Unmarshal(raw, &claims) != nil || claims.Subject == "" {
		return config.Account{}, &ResponseError{Doing: call.doing, Host: req.URL.Host, Detail: "names no user"}
	}
	if claims.Name == "" {
		claims.Name = claims.Username
	}
	return config.Account{UserID: clean(claims.Subject, 255), Email: clean(claims.Email, 255), Name: clean(claims.Name, 255)}, nil
}
