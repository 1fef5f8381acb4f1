package auth

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/auth/clientkey"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/redact"
)

// The methods of client authentication (OpenID Connect Core section 9), as metadata and the store name them.
const (
	authBasic = "client_secret_basic"
	authPost  = "client_secret_post"
	authKey   = "private_key_jwt"
)

// ClientAuth says how a confidential client authenticates itself to its server. The zero value is a public client.
type ClientAuth struct {
	Method   string // a token_endpoint_auth_method
	Secret   config.Secret
	KeyFile  string // the path of the private key
	Audience string // of assertions; empty means the issuer
}

// NeedsSecret reports whether the client authenticates with a secret that is not known here.
func (a ClientAuth) NeedsSecret() bool {
	return (a.Method == authBasic || a.Method == authPost) && a.Secret == ""
}

// WithSecret returns the authentication with a client secret that the server's metadata allows. Errors: *NotOfferedError.
func (s Server) WithSecret(secret config.Secret) (ClientAuth, error) {
	for _, method := range []string{authBasic, authPost} {
		if s.authMethods == nil || slices.Contains(s.authMethods, method) { // RFC 8414: the default is client_secret_basic
			return ClientAuth{Method: method, Secret: secret}, nil
		}
	}
	return ClientAuth{}, &NotOfferedError{Host: s.Issuer, What: "client authentication with a secret"}
}

// WithKey returns the authentication with assertions that a private key signs (RFC 7523). An empty audience means the issuer.
// Errors: *NotOfferedError.
func (s Server) WithKey(file, audience string) (ClientAuth, error) {
	if s.authMethods != nil && !slices.Contains(s.authMethods, authKey) {
		return ClientAuth{}, &NotOfferedError{Host: s.Issuer, What: "client authentication with a private key"}
	}
	return ClientAuth{Method: authKey, KeyFile: file, Audience: audience}, nil
}

// CheckClientSecret checks the form of a client secret (RFC 6749 appendix A.2). Errors: *SecretError, which does not quote it.
func CheckClientSecret(text string) (config.Secret, error) {
	isInvalid := func(r rune) bool { return r < ' ' || r > '~' }
	switch text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")); { // PowerShell writes a byte order mark into a pipe
	case text == "":
		return "", &SecretError{"it is empty"}
	case len(text) > maxKey:
		return "", &SecretError{"it is too long"}
	case strings.ContainsFunc(text, isInvalid):
		return "", &SecretError{"it has characters that are not allowed in a secret, or several lines"}
	}
	return config.Secret(text), nil
}

// SecretError means that a text cannot be a client secret. It does not quote the text.
type SecretError struct {
	Detail string
}

// Error describes the problem.
func (e *SecretError) Error() string { return "that is not a client secret: " + e.Detail }

// authenticate adds the authentication of the client to a form.
func (c *call) authenticate(header http.Header, form url.Values) error {
	client := c.as
	switch client.Auth.Method {
	case authBasic: // RFC 6749 section 2.3.1; the header names the client
		id, secret := url.QueryEscape(client.ID), url.QueryEscape(client.Auth.Secret.Reveal())
		redact.Record(c.ctx, client.Auth.Secret.Reveal())
		redact.Record(c.ctx, secret)
		(&http.Request{Header: header}).SetBasicAuth(id, secret)
		form.Del("client_id")
	case authPost:
		form.Set("client_secret", client.Auth.Secret.Reveal())
	case authKey:
		assertion, err := client.assertion(time.Now())
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
	return nil
}

// assertionLifetime is short, because an assertion is used at once. Some servers allow no more.
const assertionLifetime = time.Minute

// assertion returns a signed assertion for one request (RFC 7523 section 3). Errors: *clientkey.Error.
func (c Client) assertion(now time.Time) (string, error) {
	return clientkey.Sign(c.Auth.KeyFile, map[string]any{
		"iss": c.ID, "sub": c.ID, "aud": cmp.Or(c.Auth.Audience, c.Issuer), "jti": randomText(16),
		"iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(),
	})
}
