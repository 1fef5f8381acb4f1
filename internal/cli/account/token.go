package account

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
)

func newToken(env *cmdutil.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print a valid token for scripts, and nothing else",
		Long: "Print a valid access token or API key, and nothing else on stdout. An access token that is about to expire is\n" +
			"refreshed first. With --json, print an object with the token and its expiry.",
		Example: "curl -H \"x-api-key: $(lamina auth token)\" https://app.uselamina.ai/v1/account",
		Args:    cmdutil.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return printToken(cmd.Context(), env) },
	}
	complete.AddProviderFlag(cmd, env)
	return cmd
}

func printToken(ctx context.Context, env *cmdutil.Env) error {
	s, err := env.Sessions.Open()
	if err != nil {
		return err
	}
	token, expiry, err := s.Token(ctx)
	if err != nil {
		return err
	}
	if !env.Flags.Machine() {
		return env.Raw(token.Reveal() + "\n")
	}
	return env.PrintWithOldFields(struct {
		Token     string     `json:"token"`
		ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	}{token.Reveal(), timeOrNil(expiry)}, nil)
}
