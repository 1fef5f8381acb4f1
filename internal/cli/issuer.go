package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

// chooseIssuer decides whether this is a sign-in to a server that is named by its issuer: with --issuer, or because the
// profile's login is of one and nothing else is asked for. It then also decides where the API is.
func (s *signIn) chooseIssuer() error {
	asked := s.env.Getenv("LAMINA_BASE_URL")
	if s.issuer == "" && s.before.ThirdParty && (asked == "" || auth.SameOrigin(asked, s.before.BaseURL)) {
		s.issuer = s.before.Issuer
	}
	switch {
	case s.issuer == "" && s.clientID != "":
		return usage("lamina login --issuer URL --client-id ID", "--client-id needs --issuer")
	case s.port != 0 && s.clientID == "":
		return usage("lamina login --issuer URL --client-id ID --callback-port PORT", "--callback-port needs --client-id")
	case s.issuer == "" && s.scope != "":
		return usage("lamina login --issuer URL --scope SCOPE", "--scope needs --issuer")
	case s.issuer == "":
		return nil
	}
	issuer, err := auth.NormalizeBase(s.issuer)
	if err != nil {
		return usage("lamina login --issuer https://HOST", "--issuer: %v", err)
	}
	switch {
	case asked != "": // which is s.baseURL already
	case s.sameIssuer(issuer):
		s.baseURL = s.before.BaseURL
	default:
		u, err := url.Parse(issuer)
		if err != nil {
			return usage("lamina login --issuer https://HOST", "--issuer: %v", err)
		}
		s.baseURL = u.Scheme + "://" + u.Host
	}
	s.issuer = issuer
	return nil
}

// sameIssuer reports whether the login that the profile holds is of this issuer.
func (s *signIn) sameIssuer(issuer string) bool {
	return s.before.ThirdParty && strings.TrimSuffix(s.before.Issuer, "/") == strings.TrimSuffix(issuer, "/")
}

// discover asks what the service offers.
func (s *signIn) discover(ctx context.Context) (auth.Server, error) {
	if s.issuer == "" {
		server, err := auth.Discover(ctx, s.http, s.baseURL, s.provider)
		if err == nil && server.Problem != nil {
			s.env.debugf("%v", server.Problem)
		}
		return server, err
	}
	server, err := auth.DiscoverIssuer(ctx, s.http, s.issuer)
	if err != nil {
		return server, err
	}
	scopes := strings.Fields(s.scope)
	if len(scopes) == 0 && s.sameIssuer(s.issuer) {
		scopes = strings.Fields(s.before.Scope)
	}
	if len(scopes) == 0 {
		scopes = server.DefaultScopes()
	}
	s.provider.OAuth, s.provider.Title = provider.ThirdPartyOAuth(scopes), s.issuer
	return server, nil
}

// client is the one to sign in with: the one that was named, or that of the login before.
func (s *signIn) client(server auth.Server) auth.Client {
	if s.clientID != "" {
		given := auth.Client{ID: s.clientID, Issuer: server.Issuer, UserProvided: true}
		if s.port != 0 {
			given.RedirectURI = fmt.Sprintf("http://127.0.0.1:%d/callback", s.port)
		}
		return given
	}
	return auth.ClientOf(s.before)
}

// identify asks the API who signed in. Where a server was named by its issuer there may be no such API; then the session
// is good all the same, and the reason is kept.
func (s *signIn) identify(ctx context.Context, c config.Credential) (config.Account, error) {
	transport := withKey(s.provider, s.http.Transport, c.BaseURL, c.Token)
	workspace := firstOf(s.env.flags.workspace, s.env.Getenv("LAMINA_WORKSPACE"))
	reply, err := s.env.clientFor(c.BaseURL, transport, workspace).Account(ctx)
	if err != nil && c.ThirdParty && ctx.Err() == nil {
		s.unidentified = err
		return config.Account{}, nil
	}
	if err != nil {
		return config.Account{}, err
	}
	s.account = reply.Data
	return accountOf(reply.Data), nil
}

// sayUnidentified tells that a session is saved without knowing whose it is.
func (e *Env) sayUnidentified(baseURL string, reason error) {
	e.say("%s %s does not say who you are (%s); the session is kept, and `lamina auth token` prints its token",
		e.styles().Busy("note:"), baseURL, term.Line(describe(reason).Message))
}

// forgive turns the API's failure to say whose a session is into a note, if it could not say so when the session began
// and the session is alive.
func (e *Env) forgive(ctx context.Context, s *session, failed error) error {
	if failed == nil || !s.credential.ThirdParty || s.credential.Account.UserID != "" {
		return failed
	}
	if _, _, err := s.token(ctx, e); err != nil {
		return err
	}
	e.sayUnidentified(s.baseURL, failed)
	return nil
}
