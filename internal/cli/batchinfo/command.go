package batchinfo

import (
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/provider"
)

// IsLamatic reports whether the items of a batch are runs of workflows of Lamatic.
func IsLamatic(p *plan.Plan) bool { return p.Service == provider.Lamatic().Name }

// RunCommand returns the command that continues a batch.
func RunCommand(env *cmdutil.Env, p *plan.Plan) string {
	if IsLamatic(p) {
		return env.Command("lamatic", "batch", "--out", p.Dir(), "--wait")
	}
	return env.Command("batch", "run", p.Dir())
}

// ShowCommand returns the command that shows a run.
func ShowCommand(env *cmdutil.Env, p *plan.Plan, run string) string {
	if IsLamatic(p) {
		return env.Command("lamatic", "status", run)
	}
	return env.Command("runs", "get", run)
}
