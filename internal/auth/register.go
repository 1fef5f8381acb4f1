package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/auth/redirecturi"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/redact"
)

const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
)

// Client is an OAuth client. A client that this program registers is a public one: it has no secret.
type Client struct {
	ID           string
	RedirectURI  string
	Issuer       string
	Auth         ClientAuth // of a client that the user registered
	Params       string     // further parameters of its authorization requests, encoded as a query
	UserProvided bool       // the user named it: it is never registered again, and it is bound to the port of RedirectURI if there is one
}

// isBound reports whether the user chose a fixed port for the redirect URI.
func (c Client) isBound() bool {
	return (c.UserProvided || c.ID == "") && redirecturi.Parse(c.RedirectURI).Port() != redirecturi.AnyPort
}

// ClientOf returns the client of a credential, for its requests and for the next sign-in. A client of Lamina's own server has
// no secret and no further parameters: if other fields say so, they belong to a session that was replaced. A client that the service
// no longer knows has no id.
func ClientOf(c config.Credential) Client {
	client := Client{ID: c.ClientID, RedirectURI: c.RedirectURI, Issuer: c.Issuer}
	if c.ThirdParty {
		client.Auth = ClientAuth{Method: c.ClientAuth, Secret: c.ClientSecret, KeyFile: c.ClientKeyFile, Audience: c.ClientAudience}
		client.Params = c.Params
		client.UserProvided = c.ClientID != "" && c.RegistrationEndpoint == ""
	}
	if Reason(c.EndedReason) == ReasonUnknownClient && !client.UserProvided {
		return Client{Issuer: client.Issuer, Params: client.Params}
	}
	return client
}

// A Registration says what a client is registered for.
type Registration struct {
	RedirectURI string
	IsDevice    bool          // the sign-in uses a device code, not the redirect URI
	Token       config.Secret // the initial access token (RFC 7591 section 3); may be empty
}

// Register registers a client (RFC 7591). It asks for the grants of every sign-in method, so that the client can be used again,
// and if the server refuses, for those of this one. Errors: *UnreachableError, *StatusError, *OAuthError, *ResponseError,
// *NotOfferedError. For a third-party server they are wrapped in *RegistrationError.
func Register(ctx context.Context, hc *http.Client, server Server, p provider.Provider, r Registration) (Client, error) {
	if server.RegistrationEndpoint == "" {
		return Client{}, registrationError(server, &NotOfferedError{Host: server.Issuer, What: "client registration"})
	}
	var refused error
	for _, document := range r.documents(server, p) {
		client, err := r.register(ctx, hc, server, p, document)
		if !isRefusedDocument(err) {
			return client, err
		}
		refused = err
	}
	return Client{}, refused
}

// isRefusedDocument reports whether the server may accept another document. A server that requires a token does not.
func isRefusedDocument(err error) bool {
	var oauth *OAuthError
	var status *StatusError
	code := 0
	switch {
	case errors.As(err, &oauth):
		code = oauth.Status
	case errors.As(err, &status):
		code = status.Status
	}
	return code >= 400 && code < 500 && !slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}, code)
}

// register sends one registration request.
func (r Registration) register(ctx context.Context, hc *http.Client, server Server, p provider.Provider, document map[string]any) (Client, error) {
	call, cancel := newCall(ctx, hc, p.OAuth, "register this program with the service")
	defer cancel()
	body, err := json.Marshal(document)
	if err != nil {
		return Client{}, err
	}
	req, err := http.NewRequestWithContext(call.ctx, http.MethodPost, server.RegistrationEndpoint, bytes.NewReader(body))
	if err != nil {
		return Client{}, safeurl.NotURL(server.RegistrationEndpoint)
	}
	req.Header.Set("Content-Type", "application/json")
	if r.Token != "" {
		redact.Record(ctx, r.Token.Reveal())
		req.Header.Set("Authorization", "Bearer "+r.Token.Reveal())
	}
	raw, err := call.succeed(req)
	if err != nil {
		return Client{}, registrationError(server, err)
	}
	var registered struct {
		ID     string `json:"client_id"`
		Method string `json:"token_endpoint_auth_method"`
	}
	if json.Unmarshal(raw, &registered) != nil || !isToken(registered.ID) {
		return Client{}, &ResponseError{Doing: call.doing, Host: req.URL.Host, Detail: "contains no client_id"}
	}
	if registered.Method != "" && registered.Method != "none" {
		return Client{}, registrationError(server, &ResponseError{
			Doing: call.doing, Host: req.URL.Host, Detail: "registers a client with a secret, which this program does not store",
		})
	}
	return Client{ID: registered.ID, RedirectURI: r.RedirectURI, Issuer: server.Issuer}, nil
}

// registrationError wraps the error of a third-party server, where the user can register a client.
func registrationError(server Server, err error) error {
	if !server.ThirdParty {
		return err
	}
	return &RegistrationError{Err: err}
}

// documents returns the metadata of the client (RFC 7591 section 2), the most desirable first: for all methods of the server, for
// this method, and at a third-party server for this method without refresh tokens, which some servers issue to all clients.
func (r Registration) documents(server Server, p provider.Provider) []map[string]any {
	code, device := server.AuthorizationEndpoint != "", server.DeviceEndpoint != ""
	documents := []map[string]any{r.document(server, p, code, device, true)}
	if code && device {
		documents = append(documents, r.document(server, p, !r.IsDevice, r.IsDevice, true))
	}
	if server.ThirdParty {
		documents = append(documents, r.document(server, p, !r.IsDevice, r.IsDevice, false))
	}
	return documents
}

func (r Registration) document(server Server, p provider.Provider, code, device, refresh bool) map[string]any {
	redirects, responses, grants := []string{}, []string{}, []string{}
	if code {
		redirects, responses, grants = []string{r.RedirectURI}, []string{"code"}, []string{grantCode}
	}
	if refresh {
		grants = append(grants, grantRefresh)
	}
	if device {
		grants = append(grants, grantDevice)
	}
	client := map[string]any{
		"client_name":                p.OAuth.ClientName,
		"client_uri":                 p.OAuth.ClientURI,
		"redirect_uris":              redirects,
		"grant_types":                grants,
		"response_types":             responses,
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

// ParseRegistrationToken returns an initial access token without the space around it. Errors: one for text that is no token.
func ParseRegistrationToken(text string) (config.Secret, error) {
	text = strings.TrimSpace(text)
	if !isToken(text) {
		return "", errors.New("it is not an access token, which is one line without spaces")
	}
	return config.Secret(text), nil
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
