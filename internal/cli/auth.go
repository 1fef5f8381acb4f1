package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

func newAuthCmd(env *Env) *cobra.Command {
	login, logout := newLoginCmd(env), newLogoutCmd(env)
	login.Short, logout.Short = "Sign in: the same as lamina login", "Sign out: the same as lamina logout"
	return newNoun("auth", "See the session in detail, and get a token for scripts", nil,
		newAuthStatusCmd(env), newAuthTokenCmd(env), login, logout)
}

// A status is what is known of a session.
type status struct {
	SignedIn   bool             `json:"signedIn"`
	Profile    string           `json:"profile,omitempty"`
	Credential statusCredential `json:"credential"`
	Account    config.Account   `json:"account"`
	Path       string           `json:"path,omitempty"`
	Overridden []string         `json:"overridden,omitempty"` // what would be used if this were not
}

// A statusCredential describes a credential without its secrets.
type statusCredential struct {
	Kind             config.Kind `json:"kind"`
	Source           string      `json:"source"` // a variable of the environment, or config
	BaseURL          string      `json:"baseUrl"`
	SavedAt          *time.Time  `json:"savedAt,omitempty"`
	ExpiresAt        *time.Time  `json:"expiresAt,omitempty"`
	SessionExpiresAt *time.Time  `json:"sessionExpiresAt,omitempty"`
	Scope            string      `json:"scope,omitempty"`
	Issuer           string      `json:"issuer,omitempty"` // of a login with --issuer
}

func newStatus(profile string, c config.Credential, path string) status {
	return status{
		SignedIn: true, Profile: profile, Account: c.Account, Path: path,
		Credential: statusCredential{
			Kind: c.Kind, Source: "config", BaseURL: c.BaseURL, Scope: c.Scope, Issuer: issuerOf(c),
			SavedAt: timeOrNil(c.SavedAt), ExpiresAt: timeOrNil(c.ExpiresAt), SessionExpiresAt: timeOrNil(c.RefreshExpiresAt),
		},
	}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func newAuthStatusCmd(env *Env) *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which credential is used, whose it is and how long it lives",
		Long: "Show which credential is used, and what it wins over. The service is asked whether it accepts it, unless --offline\n" +
			"is given. The exit status is 4 where there is none, or it is not accepted.",
		Example: "lamina auth status\nlamina auth status --offline --json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return authStatus(cmd.Context(), env, offline) },
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "do not ask the service")
	return cmd
}

func authStatus(ctx context.Context, env *Env, offline bool) error {
	s, err := env.open()
	if err != nil {
		return err
	}
	st := newStatus(s.profile, s.credential, env.store().Path())
	if s.fromEnv {
		st.Profile, st.Path = "", ""
		st.Credential = statusCredential{Kind: config.APIKey, Source: provider.Lamina().EnvKey, BaseURL: s.baseURL}
		st.Overridden = env.overriddenLogin()
	}
	if !offline {
		reply, err := env.clientOf(s.baseURL, s.transport).Account(ctx)
		if err == nil {
			st.Account = accountOf(reply.Data)
		} else if err := env.forgive(ctx, s, err); err != nil {
			return err
		}
	}
	return env.print(st, func(p *output.Page) { writeStatus(p, st, s) })
}

func writeStatus(p *output.Page, st status, s *session) {
	writeWho(p, st.Account, st.Credential.BaseURL)
	source := st.Path
	if s.fromEnv {
		source = st.Credential.Source + " of the environment"
	}
	fields := []string{
		"workspace", describeWorkspace(st.Account), "service", st.Credential.BaseURL, "issuer", st.Credential.Issuer, "profile", st.Profile,
		"credential", map[config.Kind]string{config.APIKey: "API key", config.OAuth: "session"}[st.Credential.Kind], "from", source,
	}
	if !s.fromEnv {
		fields = append(fields, "lives", describeLife(s.credential))
	}
	for _, o := range st.Overridden {
		fields = append(fields, "not used", o)
	}
	p.Fields(fields...)
}

// overriddenLogin describes the login that a key of the environment wins over.
func (e *Env) overriddenLogin() []string {
	doc, err := e.store().Load()
	if err != nil {
		return nil
	}
	name, err := e.profileName(doc)
	if err != nil {
		return nil
	}
	p, ok := doc.Profile(name)
	if !ok {
		return nil
	}
	return []string{fmt.Sprintf("the login of profile %s (%s at %s)", name, firstOf(p.Credential.Account.Email, string(p.Credential.Kind)), p.Credential.BaseURL)}
}

func newAuthTokenCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "token",
		Short: "Print a valid token for scripts, and nothing else",
		Long: "Print a valid access token or API key, refreshed first if need be, and nothing else on stdout. With --json, an\n" +
			"object with the token and its end.",
		Example: "curl -H \"x-api-key: $(lamina auth token)\" https://app.uselamina.ai/v1/account",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return authToken(cmd.Context(), env)
		},
	}
}

func authToken(ctx context.Context, env *Env) error {
	s, err := env.open()
	if err != nil {
		return err
	}
	token, expires, err := s.token(ctx, env)
	if err != nil {
		return err
	}
	if !env.flags.machine() {
		return env.raw(token.Reveal() + "\n")
	}
	return env.print(struct {
		Token     string     `json:"token"`
		ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	}{token.Reveal(), timeOrNil(expires)}, nil)
}

// token returns the secret that a request would carry now, and its end if it has one.
func (s *session) token(ctx context.Context, env *Env) (config.Secret, time.Time, error) {
	if s.fromEnv {
		key, _, err := auth.CheckAPIKey(provider.Lamina(), env.Getenv(provider.Lamina().EnvKey))
		return key, time.Time{}, err
	}
	token, err := s.source.Token(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	doc, err := env.store().Load()
	if err != nil {
		return "", time.Time{}, err
	}
	p, _ := doc.Profile(s.profile)
	return token, p.Credential.ExpiresAt, nil
}

func newWhoamiCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "whoami",
		Short:   "Show who you are to the service",
		Example: "lamina whoami\nlamina whoami --jq .data.workspace.id",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := env.client()
			if err != nil {
				return err
			}
			reply, err := client.Account(cmd.Context())
			if err != nil {
				return err
			}
			return env.printer.Data(reply.Raw, func(p *output.Page) {
				a := accountOf(reply.Data)
				p.Line("%s", p.Bold(firstOf(a.Email, a.UserID)))
				fields := []string{"workspace", describeWorkspace(a)}
				for _, m := range reply.Data.Memberships {
					if m.WorkspaceID != a.WorkspaceID {
						fields = append(fields, "also in", fmt.Sprintf("%s (%s, %s)", m.Name, m.Role, m.WorkspaceID))
					}
				}
				p.Fields(append(fields, "service", client.BaseURL)...)
			})
		},
	}
}

func newLogoutCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "logout",
		Short:   "Sign out: end the session at the service, and forget it here",
		Example: "lamina logout",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return logoutRun(cmd.Context(), env) },
	}
}

// logoutRun revokes what can be revoked, forgets in any case, and says what remains.
func logoutRun(ctx context.Context, env *Env) error {
	doc, err := env.load()
	if err != nil {
		return err
	}
	name, err := env.profileName(doc)
	if err != nil {
		return err
	}
	p, ok := doc.Profile(name)
	var remains []string
	if ok {
		remains = env.revoke(ctx, p.Credential)
		err = env.store().Update(ctx, func(doc *config.Document) error {
			doc.RemoveProfile(name)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if key := provider.Lamina().EnvKey; env.Getenv(key) != "" {
		remains = append(remains, key+" is set in the environment and is still used")
	}
	for _, other := range doc.ProfileNames() {
		if other != name {
			remains = append(remains, "profile "+other+" is still signed in")
		}
	}
	value := map[string]any{"signedOut": ok, "profile": name, "remains": remains}
	return env.print(value, func(page *output.Page) {
		if ok {
			page.Line("%s of %s", page.Good("Signed out"), p.Credential.BaseURL)
		} else {
			page.Line("You were not signed in.")
		}
		for _, r := range remains {
			page.Line("%s %s", page.Busy("note:"), r)
		}
	})
}

// revoke ends a session at the service, and returns what could not be ended.
func (e *Env) revoke(ctx context.Context, c config.Credential) []string {
	if c.Kind == config.APIKey {
		return []string{"the API key itself still works; revoke it at " + provider.Lamina().KeysURL}
	}
	transport, err := e.transport()
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, e.requestTimeout())
		defer cancel()
		err = auth.Revoke(ctx, &http.Client{Transport: transport}, provider.Lamina(), c)
	}
	var none *auth.NotOfferedError
	switch {
	case errors.As(err, &none):
		return []string{"the service offers no way to end the session there; it ends by itself when it is not used"}
	case err != nil:
		return []string{fmt.Sprintf("the session could not be ended at the service (%v); it ends by itself when it is not used", err)}
	}
	return nil
}
