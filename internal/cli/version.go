package cli

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

func newVersion(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version of this program",
		Example: "lamina version\nlamina version --jq .data.cli",
		Args:    cmdutil.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			value := map[string]string{
				"cli": env.Build.Version, "commit": env.Build.Commit, "date": env.Build.Date,
				"go": runtime.Version(), "platform": cmdutil.Platform(),
			}
			return env.PrintWithOldFields(value, func(p *output.Page) {
				p.Line("%s", env.Build.String())
				p.Line("%s %s", runtime.Version(), cmdutil.Platform())
			})
		},
	}
}
