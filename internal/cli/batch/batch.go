// Package batch holds the commands that run an app for many items.
package batch

import (
	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

// New returns the command batch.
func New(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("batch", "Run an app for many items, and continue after any interruption", newPlan(env), newRun(env), newStatus(env),
		newWatch(env), newRetry(env), newResults(env), newReport(env), newCancel(env), newExport(env))
}

// completeFolders offers the names of folders.
func completeFolders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
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
