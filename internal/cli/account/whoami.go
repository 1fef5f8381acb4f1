package account

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/session"
)

// NewWhoami returns the command whoami.
func NewWhoami(env *cmdutil.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "whoami",
		Short:   "Show the account of the credential in use",
		Example: "lamina whoami\nlamina whoami --jq .data.workspace.id\nlamina whoami --provider laghav",
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := env.Sessions.Open()
			if err != nil {
				return err
			}
			if s.Provider.AccountPath == "" {
				return whoamiByKey(cmd.Context(), env, s)
			}
			return whoami(cmd.Context(), env, s)
		},
	}
	complete.AddProviderFlag(cmd, env)
	return cmd
}

func whoami(ctx context.Context, env *cmdutil.Env, s *session.Session) error {
	identity, err := s.Identify(ctx)
	if err != nil {
		return err
	}
	reply := identity.Reply
	if reply == nil {
		return whoamiByIssuer(env, s, identity.Userinfo)
	}
	return env.Printer.Data(reply.Raw, func(p *output.Page) {
		a := accountOf(reply.Data)
		p.Line("%s", p.Bold(cmp.Or(a.Email, a.UserID)))
		fields := []string{"workspace", session.DescribeWorkspace(a)}
		for _, m := range reply.Data.Memberships {
			if m.WorkspaceID != a.WorkspaceID {
				fields = append(fields, "also in", fmt.Sprintf("%s (%s, %s)", m.Name, m.Role, m.WorkspaceID))
			}
		}
		p.Fields(append(fields, "service", s.BaseURL)...)
	})
}

// whoamiByIssuer shows the account that a third-party authorization server reports.
func whoamiByIssuer(env *cmdutil.Env, s *session.Session, a config.Account) error {
	type user struct {
		ID    string `json:"id"`
		Email string `json:"email,omitempty"`
		Name  string `json:"name,omitempty"`
	}
	value := struct {
		User    user   `json:"user"`
		Issuer  string `json:"issuer"`
		BaseURL string `json:"baseUrl"`
	}{user{a.UserID, a.Email, a.Name}, s.Credential.Issuer, s.BaseURL}
	return env.Print(value, func(p *output.Page) {
		p.Line("%s", p.Bold(accountName(a)))
		p.Fields("name", a.Name, "user id", a.UserID, "issuer", s.Credential.Issuer, "service", s.BaseURL)
	})
}

// whoamiByKey shows what a service without accounts says of the key.
func whoamiByKey(ctx context.Context, env *cmdutil.Env, s *session.Session) error {
	verdict, err := env.Sessions.CheckKey(ctx, s.Provider, s.Client())
	if err != nil {
		return err
	}
	st := statusOf(env, s)
	st.Key.Verdict = &verdict
	value := struct {
		Provider string            `json:"provider"`
		BaseURL  string            `json:"baseUrl"`
		Profile  string            `json:"profile,omitempty"`
		Settings map[string]string `json:"settings,omitempty"`
		Key      *keyStatus        `json:"key"`
	}{s.Provider.Name, s.BaseURL, st.Profile, st.Credential.Settings, st.Key}
	return env.Print(value, func(p *output.Page) {
		p.Line("%s", p.Bold(s.Provider.Title))
		p.Fields(keyFields(st)...)
		writeVerdict(p, verdict)
	})
}
