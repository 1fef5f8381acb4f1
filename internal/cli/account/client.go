package account

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/auth/clientkey"
	"github.com/uselamina/lamina/internal/fail"
)

// previousScopes returns the scopes that the previous sign-in requested. A record of an earlier version holds only the granted
// ones, which may lack a scope that the server does not repeat, such as offline_access.
func (s *signIn) previousScopes(server auth.Server) []string {
	if scopes := strings.Fields(s.previous.RequestedScope); len(scopes) > 0 {
		return scopes
	}
	scopes := server.DefaultScopes()
	for _, granted := range strings.Fields(s.previous.Scope) {
		if !slices.Contains(scopes, granted) {
			scopes = append(scopes, granted)
		}
	}
	return scopes
}

// client returns the OAuth client to use: the one of the previous sign-in, changed by the flags. Its secret is kept only for the
// same client of the same issuer.
func (s *signIn) client(server auth.Server) (auth.Client, error) {
	c := auth.ClientOf(s.previous)
	if s.issuer == "" {
		return c, nil
	}
	if !s.isPreviousIssuer() {
		c = auth.Client{Issuer: server.Issuer}
	}
	if s.clientID != "" {
		if s.clientID != c.ID || !c.UserProvided {
			c = auth.Client{ID: s.clientID, Issuer: server.Issuer, Params: c.Params}
		}
		c.UserProvided = true
	}
	var err error
	if c.Params, err = s.params(c.Params); err != nil {
		return c, err
	}
	s.redirect(&c)
	if err = s.authenticate(&c, server); err == nil && c.Auth.NeedsSecret() {
		err = fail.Usage(s.again("--with-client-secret")+" < secret.txt", "the stored secret of the client cannot be read; give it again")
	}
	return c, err
}

// redirect sets the redirect URI that the flags name. A client that this program registered is then registered anew.
func (s *signIn) redirect(c *auth.Client) {
	uri := s.redirectURI
	if s.port != 0 {
		uri = fmt.Sprintf("http://127.0.0.1:%d/callback", s.port)
	}
	if uri == "" {
		return
	}
	if !c.UserProvided && c.RedirectURI != uri {
		c.ID = ""
	}
	c.RedirectURI = uri
}

// authenticate sets the authentication that the flags choose.
func (s *signIn) authenticate(c *auth.Client, server auth.Server) (err error) {
	switch {
	case s.secret != "":
		c.Auth, err = server.WithSecret(s.secret)
	case s.clientKey != "":
		c.Auth, err = server.WithKey(s.clientKey, s.audience)
	case s.audience != "":
		c.Auth.Audience = s.audience
	}
	return err
}

// readClientAuth reads the secret of --with-client-secret, or checks the key of --client-key.
func (s *signIn) readClientAuth(ctx context.Context) error {
	isGiven := s.clientID != "" || s.resume || s.isPreviousIssuer() && auth.ClientOf(s.previous).UserProvided
	usage := issuerUsage + " --client-id ID"
	switch {
	case s.withSecret && !isGiven:
		return fail.Usage(usage+" --with-client-secret", "--with-client-secret needs --client-id")
	case s.clientKey != "" && !isGiven:
		return fail.Usage(usage+" --client-key FILE", "--client-key needs --client-id")
	case s.audience != "" && s.clientKey == "" && (!s.isPreviousIssuer() || s.previous.ClientKeyFile == ""):
		return fail.Usage(usage+" --client-key FILE --client-key-audience "+fail.Quote(s.audience), "--client-key-audience needs --client-key")
	}
	if s.clientKey != "" {
		path, err := filepath.Abs(s.clientKey)
		if err == nil {
			err = clientkey.Check(path)
		}
		if err != nil {
			return fail.Usage(usage+" --client-key FILE", "%v", err)
		}
		s.clientKey = path
	}
	if !s.withSecret {
		return nil
	}
	hint := s.env.Sessions.FailContext().SignIn(s.profile) // repeats the typed command
	if s.resume {
		hint = s.again("--device", "--resume", "--with-client-secret")
	}
	hint += " < secret.txt"
	text, err := s.env.ReadSecret(ctx, "Client secret:", hint)
	if err != nil {
		return err
	}
	if s.secret, err = auth.CheckClientSecret(text); err != nil {
		return fail.Usage(hint, "%v", err)
	}
	return nil
}

// resumedClient returns the client of a pending sign-in, with its secret, which is not stored with the pending sign-in.
func (s *signIn) resumedClient(c auth.Client) (auth.Client, error) {
	if !c.Auth.NeedsSecret() {
		return c, nil
	}
	if previous := auth.ClientOf(s.previous); previous.ID == c.ID && previous.Issuer == c.Issuer {
		c.Auth.Secret = previous.Auth.Secret
	}
	c.Auth.Secret = cmp.Or(s.secret, c.Auth.Secret)
	if c.Auth.Secret == "" {
		return c, fail.Usage(s.again("--device", "--resume", "--with-client-secret")+" < secret.txt", "this sign-in needs the secret of the client again")
	}
	return c, nil
}
