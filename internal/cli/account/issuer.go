package account

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// chooseIssuer decides whether this is a sign-in to a third-party authorization server: with --issuer, or because the profile's
// previous session is one and nothing else is asked for. It then also decides on the address of the API.
func (s *signIn) chooseIssuer() error {
	wanted := s.env.Sessions.Lookup("LAMINA_BASE_URL")
	if s.issuer == "" && s.previous.ThirdParty && (wanted == "" || auth.SameOrigin(wanted, s.previous.BaseURL)) {
		s.issuer = s.previous.Issuer
	}
	switch {
	case s.issuer == "" && s.clientID != "":
		return fail.Usage("lamina login --issuer URL --client-id ID", "--client-id needs --issuer")
	case s.port != 0 && s.clientID == "":
		return fail.Usage("lamina login --issuer URL --client-id ID --callback-port PORT", "--callback-port needs --client-id")
	case s.issuer == "" && s.scope != "":
		return fail.Usage("lamina login --issuer URL --scope SCOPE", "--scope needs --issuer")
	case s.issuer == "":
		return nil
	}
	issuer, err := auth.NormalizeBase(s.issuer)
	if err != nil {
		return fail.Usage("lamina login --issuer https://HOST", "--issuer: %v", err)
	}
	s.issuer = issuer
	switch {
	case wanted != "": // s.baseURL is that address already
	case s.isPreviousIssuer():
		s.baseURL = s.previous.BaseURL
	default:
		u, err := url.Parse(issuer)
		if err != nil {
			return fail.Usage("lamina login --issuer https://HOST", "--issuer: %v", err)
		}
		s.baseURL = u.Scheme + "://" + u.Host
	}
	return nil
}

// isPreviousIssuer reports whether the profile's previous session is of the same issuer.
func (s *signIn) isPreviousIssuer() bool {
	return s.previous.ThirdParty && strings.TrimSuffix(s.previous.Issuer, "/") == strings.TrimSuffix(s.issuer, "/")
}

// discover returns what the authorization server offers.
func (s *signIn) discover(ctx context.Context) (auth.Server, error) {
	if s.issuer == "" {
		server, err := auth.Discover(ctx, s.http, s.baseURL, s.provider)
		if err == nil && server.Problem != nil {
			s.env.Sessions.Debugf("%v", server.Problem)
		}
		return server, err
	}
	server, err := auth.DiscoverIssuer(ctx, s.http, s.issuer)
	if err != nil {
		return server, err
	}
	scopes := strings.Fields(s.scope)
	if len(scopes) == 0 && s.isPreviousIssuer() {
		scopes = strings.Fields(s.previous.Scope)
	}
	if len(scopes) == 0 {
		scopes = server.DefaultScopes()
	}
	s.provider.OAuth, s.provider.Title = provider.ThirdPartyOAuth(scopes), s.issuer
	return server, nil
}

// client returns the OAuth client to use: the one of --client-id, or the one of the previous sign-in.
func (s *signIn) client(server auth.Server) auth.Client {
	if s.clientID == "" {
		return auth.ClientOf(s.previous)
	}
	given := auth.Client{ID: s.clientID, Issuer: server.Issuer, UserProvided: true}
	if s.port != 0 {
		given.RedirectURI = fmt.Sprintf("http://127.0.0.1:%d/callback", s.port)
	}
	return given
}

// identify asks the API for the account of a credential. With a third-party authorization server the API may not know accounts:
// then the session is saved without one, and the reason is kept.
func (s *signIn) identify(ctx context.Context, c config.Credential) (config.Account, error) {
	client, err := s.env.Sessions.KeyClient(s.provider, c.BaseURL, c.Token, nil)
	if err != nil {
		return config.Account{}, err
	}
	reply, err := client.Account(ctx)
	if err != nil && c.ThirdParty && ctx.Err() == nil {
		s.unidentified = err
		return config.Account{}, nil
	}
	if err != nil {
		return config.Account{}, err
	}
	return accountOf(reply.Data), nil
}

// noteUnidentified notes that the account of a session is unknown.
func noteUnidentified(sessions *session.Manager, baseURL string, reason error) {
	sessions.Note("%s does not report the account (%s); the session is kept, and `%s` prints its access token",
		baseURL, sessions.Describe(reason).Message, sessions.FailContext().Next("auth", "token"))
}
