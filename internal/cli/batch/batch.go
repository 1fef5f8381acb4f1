// Package batch holds the commands that run an app for many items.
package batch

import (
	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/shard"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

// New returns the command batch.
func New(env *cmdutil.Env) *cobra.Command {
	noun := cmdutil.NewNoun("batch", "Run an app for many items, and continue after any interruption", newPlan(env), newRun(env), newStatus(env),
		newWatch(env), newRetry(env), newResults(env), newReport(env), newCancel(env), newExport(env))
	noun.Long = "Run an app for many items, and continue after any interruption. 'lamina batch plan' checks the items and writes them into a\n" +
		"folder; 'lamina batch run' starts them, and continues where it was interrupted. The folder records what has happened.\n\n" +
		"See also: lamina docs batch, lamina docs batch-engines"
	noun.Example = "lamina batch plan poster items.csv --out posters\n" +
		"lamina batch run posters --download 'posters/out/{id}/'\n" +
		"lamina batch report posters --open"
	return noun
}

// completeFolders offers the names of folders.
func completeFolders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeFolder offers the names of folders for the only argument of a command.
func completeFolder(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return complete.None(cmd, args, typed)
	}
	return completeFolders(cmd, args, typed)
}

// maxCompletedShards is how many shards completion offers.
const maxCompletedShards = 100

// completeShards offers auto and the shards of the plan in the folder that is the first argument.
func completeShards(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	words := []string{"auto\tfrom the variables of the engine"}
	if len(args) > 0 {
		if p, err := plan.ReadHead(args[0]); err == nil && p.Shards <= maxCompletedShards {
			for i := range p.Shards {
				words = append(words, shard.Shard{Index: i, Count: p.Shards}.String())
			}
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeFlags offers fixed words for the values of flags.
func completeFlags(cmd *cobra.Command, words map[string][]string) {
	for name, list := range words {
		_ = cmd.RegisterFlagCompletionFunc(name, complete.Words(list...))
	}
}

// readPlan reads the plan in the folder of a batch.
func readPlan(dir string) (*plan.Plan, error) {
	p, err := plan.Read(dir)
	if err != nil {
		return nil, batchinfo.Unusable(dir, err)
	}
	return p, nil
}

// refuseLamatic refuses a batch of Lamatic, for a command that only apps have. hint is the way out.
func refuseLamatic(p *plan.Plan, hint string) error {
	if !batchinfo.IsLamatic(p) {
		return nil
	}
	return fail.Usage(hint, "the batch in %s runs workflows of Lamatic, and this command is for the apps of Lamina; nothing was changed", p.Dir())
}
