package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
)

// completionTime is how long pressing Tab may take when the cache has nothing.
const completionTime = 100 * time.Millisecond

func newCompletionCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a completion script for bash, zsh, fish or powershell",
		Long: "Print a script that makes a shell complete commands, flags, app ids and run ids.\n\n" +
			"  bash        source <(lamina completion bash)\n" +
			"  zsh         lamina completion zsh > \"${fpath[1]}/_lamina\"\n" +
			"  fish        lamina completion fish > ~/.config/fish/completions/lamina.fish\n" +
			"  powershell  lamina completion powershell | Out-String | Invoke-Expression",
		Example:   "source <(lamina completion bash)",
		Args:      needArgs("SHELL"),
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
			return usage("lamina completion bash", "there is no completion for %q: use bash, zsh, fish or powershell", args[0])
		},
	}
}

// completeApps offers app ids with their names, from the cache or, if that has none, from a short look at the service.
func (e *Env) completeApps(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return e.complete(cmd, func(c *completionCache) []completion { return c.Apps }, func(ctx context.Context, client *api.Client) error {
		reply, err := client.ListApps(ctx, 0)
		if err == nil {
			e.cacheApps(reply.Data)
		}
		return err
	})
}

// completeRuns offers the newest run ids with their states, in the same way.
func (e *Env) completeRuns(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return e.complete(cmd, func(c *completionCache) []completion { return c.Runs }, func(ctx context.Context, client *api.Client) error {
		reply, err := client.ListRuns(ctx, api.RunFilter{Limit: 25})
		if err == nil {
			e.cacheRuns(reply.Data)
		}
		return err
	})
}

func (e *Env) complete(cmd *cobra.Command, pick func(*completionCache) []completion, fill func(context.Context, *api.Client) error) ([]string, cobra.ShellCompDirective) {
	e.flags.quiet = true
	if e.begin(cmd.Context()) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	client, err := e.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	items := pick(e.readCache())
	if len(items) == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), completionTime)
		defer cancel()
		if fill(ctx, client) == nil {
			items = pick(e.readCache())
		}
	}
	var lines []string
	for _, item := range items {
		lines = append(lines, item.ID+"\t"+item.About)
	}
	return lines, cobra.ShellCompDirectiveNoFileComp
}
