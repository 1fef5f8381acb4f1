package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// chooseIssuer decides whether this is a sign-in to a third-party authorization server: with --issuer, or because the profile's
// previous session is one and nothing else is asked for. It then also decides on the address of the API.
func (s *signIn) chooseIssuer() error {
	wanted := cmp.Or(s.apiURL, s.env.Sessions.Lookup("LAMINA_BASE_URL"))
	if s.issuer == "" && s.previous.ThirdParty && (s.apiURL != "" || wanted == "" || safeurl.SameOrigin(wanted, s.previous.BaseURL)) {
		s.issuer = s.previous.Issuer
	}
	switch {
	case s.issuer == "" && s.issuerFlag() != "" && !(s.resume && s.withSecret):
		flag, _, _ := strings.Cut(s.issuerFlag(), " ")
		return fail.Usage(issuerUsage+" "+s.issuerFlag(), "%s needs --issuer", flag)
	case s.port != 0 && s.clientID == "":
		return fail.Usage("lamina login --issuer URL --client-id ID --callback-port PORT", "--callback-port needs --client-id")
	case s.issuer == "" && s.registrationFile != "":
		return fail.Usage("lamina login --issuer URL --registration-token FILE", "--registration-token needs --issuer")
	case s.issuer == "":
		return nil
	}
	issuer, err := safeurl.ParseIssuer(s.issuer)
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
		if err == nil && !server.Discovered && server.Problem == nil {
			err = s.findIssuer(ctx, server)
		}
		if err != nil || s.issuer == "" {
			return server, err
		}
	}
	server, err := auth.DiscoverIssuer(ctx, s.http, s.issuer)
	if err != nil {
		return server, err
	}
	scopes := strings.Fields(s.scope)
	if len(scopes) == 0 && s.isPreviousIssuer() {
		scopes = s.previousScopes(server)
	}
	if len(scopes) == 0 {
		scopes = server.DefaultScopes()
	}
	s.provider.OAuth, s.provider.Title = provider.ThirdPartyOAuth(scopes), s.issuer
	return server, nil
}

// findIssuer looks for the issuer that the API names (RFC 9728), if the API is not at its usual address and has no metadata of an
// authorization server. The user sees the issuer, because the API chooses it.
func (s *signIn) findIssuer(ctx context.Context, own auth.Server) error {
	if s.baseURL == s.provider.BaseURL {
		return nil
	}
	issuers, err := auth.ResourceIssuers(ctx, s.http, s.baseURL, s.provider.AccountPath)
	switch {
	case err != nil:
		s.env.Sessions.Debugf("%v", err)
		return nil
	case len(issuers) == 0 || slices.Contains(issuers, own.Issuer):
		return nil
	case len(issuers) > 1:
		return &fail.Error{
			Code: fail.LoginFailed, Message: s.baseURL + " accepts several authorization servers: " + strings.Join(issuers, ", "),
			Hint: s.again("--issuer", issuers[0]),
		}
	}
	s.issuer = issuers[0]
	s.warn(fmt.Sprintf("%s names %s as its authorization server: sign in there only if you trust both; the access token is sent to %s",
		s.baseURL, s.issuer, s.baseURL))
	return nil
}

// readRegistrationToken reads the initial access token of --registration-token or of LAMINA_REGISTRATION_TOKEN. It is used only at
// an issuer that the user named.
func (s *signIn) readRegistrationToken(ctx context.Context) error {
	env, text, source := s.env, s.env.Getenv("LAMINA_REGISTRATION_TOKEN"), "LAMINA_REGISTRATION_TOKEN"
	if s.issuer == "" || s.clientID != "" {
		return nil
	}
	if err := env.Sessions.RefuseBlank(source); s.registrationFile == "" && (err != nil || text == "") {
		return err
	}
	if s.registrationFile != "" {
		var err error
		if text, err = s.readRegistrationFile(ctx); err != nil {
			return err
		}
		source = "--registration-token"
	}
	token, err := auth.ParseRegistrationToken(text)
	if err != nil {
		return fail.Usage("", "%s: %v", source, err)
	}
	env.Sessions.Secrets.Add(token.Reveal())
	s.registrationToken = token
	return nil
}

func (s *signIn) readRegistrationFile(ctx context.Context) (string, error) {
	env, file := s.env, s.registrationFile
	if file == "-" {
		return env.ReadSecret(ctx, "Initial access token of "+s.issuer+":", "")
	}
	raw, err := env.ReadFile(ctx, file)
	var path *fs.PathError
	if errors.As(err, &path) {
		env.Sessions.Secrets.Add(file) // the user may have typed the token in place of a file
		err = path.Err
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fail.Usage("lamina login --issuer "+fail.Quote(s.issuer)+" --registration-token FILE",
			"--registration-token takes a file, or - for stdin; it cannot be read: %v", err)
	}
	return string(raw), nil
}

// identify asks the API for the account of a credential. With a third-party authorization server the API may not know accounts:
// then that server is asked, and if it does not report one either, the session is saved without one, and the reason is kept.
func (s *signIn) identify(ctx context.Context, c config.Credential) (config.Account, error) {
	client, err := s.env.Sessions.CredentialClient(s.provider, c)
	if err != nil {
		return config.Account{}, err
	}
	reply, err := client.Account(ctx)
	switch {
	case err == nil:
		return accountOf(reply.Data), nil
	case !c.ThirdParty || ctx.Err() != nil:
		return config.Account{}, err
	}
	account, failed := s.env.Sessions.Userinfo(ctx, c, c.Token)
	if failed != nil {
		s.env.Sessions.Debugf("the authorization server does not report the account: %v", failed)
	}
	if failed != nil || !session.LacksAccounts(err) {
		s.unidentified = err
	}
	return account, nil
}

// noteUnidentified notes that the account of a session is unknown.
func noteUnidentified(sessions *session.Manager, baseURL string, reason error) {
	sessions.Note("%s does not report the account (%s); the session is kept, and `%s` prints its access token",
		baseURL, sessions.Describe(reason).Message, sessions.FailContext().Next("auth", "token"))
}
