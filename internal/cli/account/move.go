package account

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newMove(env *cmdutil.Env) *cobra.Command {
	var storage string
	cmd := &cobra.Command{
		Use:   "move",
		Short: "Move the secrets of a profile to the OS keyring, or back to the file",
		Long: "Choose where the secrets of a profile are kept, for the present credential and for later ones.\n\n" +
			"  file     in the configuration file, which only this user can read\n" +
			"  keyring  in the same file, encrypted with a key in the OS keyring",
		Example: "lamina auth move --storage keyring\nlamina auth move --storage file --profile work",
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			to, err := config.ParseStorage(storage)
			if err != nil {
				return fail.Usage("lamina auth move --storage keyring", "--storage: %v", err)
			}
			return move(cmd.Context(), env, to)
		},
	}
	cmd.Flags().StringVar(&storage, "storage", "", "the place: `file|keyring`")
	complete.AddProviderFlag(cmd, env)
	return cmd
}

func move(ctx context.Context, env *cmdutil.Env, to config.Storage) error {
	p, _, err := env.Sessions.ChosenProfile()
	if err != nil {
		return err
	}
	unused, err := env.Sessions.Store().Move(ctx, p.Name, to)
	if err != nil {
		return err
	}
	env.Sessions.DropKey(unused)
	value := map[string]any{"profile": p.Name, "storage": to, "moved": p.Encryption.Storage() != to}
	return env.PrintWithOldFields(value, func(page *output.Page) {
		when := "now"
		if p.Encryption.Storage() == to {
			when = "already"
		}
		page.Line("The secrets of profile %s are %s in the %s.", page.Bold(p.Name), when, string(to))
	})
}
