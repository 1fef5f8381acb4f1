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
	return newNoun(env, "auth", "See the session in detail, and get a token for scripts", nil, func() []*cobra.Command {
		login, logout := newLoginCmd(env), newLogoutCmd(env)
		login.Short, logout.Short = "Sign in: the same as lamina login", "Sign out: the same as lamina logout"
		return []*cobra.Command{
			newAuthStatusCmd(env), newAuthTokenCmd(env), newAuthMoveCmd(env), newAuthRotateCmd(env), newAuthScanCmd(env), login, logout,
		}
	})
}

func newAuthMoveCmd(env *Env) *cobra.Command {
	var storage string
	cmd := &cobra.Command{
		Use:   "move",
		Short: "Move the secrets of a login to the OS keyring, or back to the file",
		Long: "Choose where the secrets of a profile sit, from now on and for the login that is there.\n\n" +
			"  file     in the configuration file, which only this user can read\n" +
			"  keyring  in the same file, sealed with a key that the OS keyring holds",
		Example: "lamina auth move --storage keyring\nlamina auth move --storage file --profile work",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			to, err := config.ParseStorage(storage)
			if err != nil {
				return usage("lamina auth move --storage keyring", "--storage: %v", err)
			}
			return authMove(cmd.Context(), env, to)
		},
	}
	cmd.Flags().StringVar(&storage, "storage", "", "the place: `file|keyring`")
	env.addProviderFlag(cmd)
	return cmd
}

func authMove(ctx context.Context, env *Env, to config.Storage) error {
	doc, chosen, err := env.loadChosen()
	if err != nil {
		return err
	}
	p, ok := doc.Profile(chosen.profile)
	if !ok {
		return chosen.missing(doc)
	}
	old, err := env.store().Move(ctx, p.Name, to)
	if err != nil {
		return err
	}
	env.dropVault(old)
	value := map[string]any{"profile": p.Name, "storage": to, "moved": p.Encryption.Storage() != to}
	return env.print(value, func(page *output.Page) {
		was := "now"
		if p.Encryption.Storage() == to {
			was = "already"
		}
		page.Line("The secrets of profile %s are %s in the %s.", page.Bold(p.Name), was, string(to))
	})
}

func newAuthTokenCmd(env *Env) *cobra.Command {
	cmd := &cobra.Command{
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
	env.addProviderFlag(cmd)
	return cmd
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
		return s.key, time.Time{}, nil
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

// secret is the key of a session as far as this machine has it, for looking at its shape; "" if the keyring does not open it.
func (s *session) secret(env *Env) config.Secret {
	if s.fromEnv {
		return s.key
	}
	p, err := env.store().Decrypt(config.Profile{Name: s.profile, Credential: s.credential, Encryption: s.vault})
	if err != nil {
		return ""
	}
	return p.Credential.Token
}

func newWhoamiCmd(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "whoami",
		Short:   "Show who you are to the service",
		Example: "lamina whoami\nlamina whoami --jq .data.workspace.id\nlamina whoami --provider laghav",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := env.open()
			if err != nil {
				return err
			}
			if !s.provider.IsLamina() {
				return whoamiService(cmd.Context(), env, s)
			}
			return whoamiRun(cmd.Context(), env, s)
		},
	}
	env.addProviderFlag(cmd)
	return cmd
}

func whoamiRun(ctx context.Context, env *Env, s *session) error {
	reply, err := env.clientOf(s).Account(ctx)
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
		p.Fields(append(fields, "service", s.baseURL)...)
	})
}

// whoamiService tells what a service that is not Lamina says of the key; it knows no person.
func whoamiService(ctx context.Context, env *Env, s *session) error {
	verdict, err := env.checkKey(ctx, s.provider, env.clientOf(s))
	if err != nil {
		return err
	}
	st := env.statusOf(s)
	st.Key.Verdict = &verdict
	value := struct {
		Provider string            `json:"provider"`
		BaseURL  string            `json:"baseUrl"`
		Profile  string            `json:"profile,omitempty"`
		Settings map[string]string `json:"settings,omitempty"`
		Key      *statusKey        `json:"key"`
	}{s.provider.Name, s.baseURL, st.Profile, st.Credential.Settings, st.Key}
	return env.print(map[string]any{"data": value}, func(p *output.Page) {
		p.Line("%s", p.Bold(s.provider.Title))
		p.Fields(serviceFields(st)...)
		writeVerdict(p, verdict)
	})
}

func newLogoutCmd(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "logout",
		Short:   "Sign out: end the session at the service, and forget it here",
		Example: "lamina logout\nlamina logout --provider laghav",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return logoutRun(cmd.Context(), env) },
	}
	env.addProviderFlag(cmd)
	return cmd
}

// logoutRun revokes what can be revoked, forgets in any case, and says what remains.
func logoutRun(ctx context.Context, env *Env) error {
	doc, chosen, err := env.loadChosen()
	if err != nil {
		return err
	}
	name := chosen.profile
	p, ok := doc.Profile(name)
	remains := []string{}
	if ok {
		if remains, err = env.forget(ctx, p, (*config.Document).RemoveCredential); err != nil {
			return err
		}
	}
	if key := chosen.provider.EnvKey; env.Getenv(key) != "" {
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
			page.Line("You were not signed in%s.", nonEmpty(" to profile %s", nonDefault(name)))
		}
		for _, r := range remains {
			page.Line("%s %s", page.Busy("note:"), r)
		}
	})
}

// forget revokes what can be revoked, forgets it here in any case, and returns what remains.
func (e *Env) forget(ctx context.Context, p config.Profile, remove func(*config.Document, string)) ([]string, error) {
	open, err := e.store().Decrypt(p)
	remains := []string{}
	if err != nil {
		remains = append(remains, fmt.Sprintf("the session could not be ended at the service, because %v; it ends by itself when it is not used", err))
	} else {
		remains = append(remains, e.revoke(ctx, open.Credential)...)
	}
	err = e.store().Update(ctx, func(doc *config.Document) error {
		remove(doc, p.Name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	e.dropVault(p.Encryption)
	return remains, nil
}

// revoke ends a session at the service, and returns what could not be ended.
func (e *Env) revoke(ctx context.Context, c config.Credential) []string {
	if c.Kind == config.APIKey {
		p, err := e.findProvider(providerOf(c))
		if err != nil {
			return []string{"the API key itself still works; revoke it at the service"}
		}
		return []string{"the API key itself still works; revoke it where it was made: " + whereKeys(p)}
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
