package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
)

// Client is a registered OAuth client. It is a public client: it has no secret.
type Client struct {
	ID           string
	RedirectURI  string
	Issuer       string
	UserProvided bool // the user named it: it is never registered again, and it is bound to the port of RedirectURI if there is one
}

// anyPort is the redirect URI of a client that is not bound to a port (RFC 8252 section 7.3).
const anyPort = "http://127.0.0.1" + callbackPath

// isBound reports whether the user registered the client with a fixed port.
func (c Client) isBound() bool { return c.UserProvided && portOf(c.RedirectURI) != "0" }

// ClientOf returns the client of a credential, for the next sign-in. It is zero if the service no longer knows a client that this
// program registered.
func ClientOf(c config.Credential) Client {
	client := Client{
		ID: c.ClientID, RedirectURI: c.RedirectURI, Issuer: c.Issuer,
		UserProvided: c.ThirdParty && c.ClientID != "" && c.RegistrationEndpoint == "",
	}
	if Reason(c.EndedReason) == ReasonUnknownClient && !client.UserProvided {
		return Client{}
	}
	return client
}

// Register registers a client (RFC 7591). Errors: *UnreachableError, *StatusError, *OAuthError, *ResponseError,
// *NotOfferedError. For a third-party server they are wrapped in *RegistrationError.
func Register(ctx context.Context, hc *http.Client, server Server, p provider.Provider, redirectURI string) (Client, error) {
	call, cancel := newCall(ctx, hc, p.OAuth, "register this program with the service")
	defer cancel()
	u, err := url.Parse(server.RegistrationEndpoint)
	if err != nil || server.RegistrationEndpoint == "" {
		return Client{}, registrationError(server, &NotOfferedError{Host: server.Issuer, What: "client registration"})
	}
	body, err := json.Marshal(registration(server, p, redirectURI))
	if err != nil {
		return Client{}, err
	}
	req, err := http.NewRequestWithContext(call.ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return Client{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	raw, err := call.succeed(req)
	if err != nil {
		return Client{}, registrationError(server, err)
	}
	var registered struct {
		ID     string `json:"client_id"`
		Method string `json:"token_endpoint_auth_method"`
	}
	if json.Unmarshal(raw, &registered) != nil || !isToken(registered.ID) {
		return Client{}, &ResponseError{Doing: call.doing, Host: u.Host, Detail: "contains no client_id"}
	}
	if registered.Method != "" && registered.Method != "none" {
		return Client{}, registrationError(server, &ResponseError{
			Doing: call.doing, Host: u.Host, Detail: "registers a client with a secret, which this program does not store",
		})
	}
	return Client{ID: registered.ID, RedirectURI: redirectURI, Issuer: server.Issuer}, nil
}

// registrationError wraps the error of a third-party server, where the user can register a client.
func registrationError(server Server, err error) error {
	if !server.ThirdParty {
		return err
	}
	return &RegistrationError{Err: err}
}

// registration returns the metadata of the client (RFC 7591 section 2).
func registration(server Server, p provider.Provider, redirectURI string) map[string]any {
	grants := []string{grantCode, grantRefresh}
	if server.DeviceEndpoint != "" {
		grants = append(grants, grantDevice)
	}
	client := map[string]any{
		"client_name":                p.OAuth.ClientName,
		"client_uri":                 p.OAuth.ClientURI,
		"redirect_uris":              []string{redirectURI},
		"grant_types":                grants,
		"response_types":             []string{"code"},
		"token_endpoint_auth_method": "none",
	}
	if server.ThirdParty {
		client["application_type"] = "native" // without it, OpenID servers require an https redirect URI
		if len(p.OAuth.Scopes) > 0 {
			client["scope"] = strings.Join(p.OAuth.Scopes, " ")
		}
	}
	return client
}

// isToken reports whether s can be an identifier, a code or a token: visible ASCII (RFC 6749 appendix A) of at most 16 KiB.
func isToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 16<<10
}
