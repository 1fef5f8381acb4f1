package cli

import (
	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

func newCompletion(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a completion script for bash, zsh, fish or powershell",
		Long: "Print a script that makes a shell complete commands, flags, app ids and run ids.\n\n" +
			"  bash        source <(lamina completion bash)\n" +
			"  zsh         lamina completion zsh > \"${fpath[1]}/_lamina\"\n" +
			"  fish        lamina completion fish > ~/.config/fish/completions/lamina.fish\n" +
			"  powershell  lamina completion powershell | Out-String | Invoke-Expression",
		Example:   "source <(lamina completion bash)",
		Args:      cmdutil.NeedArgs("SHELL"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), env.Streams.Out
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return fail.Usage("lamina completion bash", "there is no completion for %q: use bash, zsh, fish or powershell", args[0])
		},
	}
}
