package batch

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/report"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// written is what the command report did.
type written struct {
	File  string `json:"file"`
	Items int    `json:"items"`
}

func newReport(env *cmdutil.Env) *cobra.Command {
	open := false
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "Create a page with the outputs of a batch",
		Long: "Write report.html in the folder of the batch: a page with the items, their states and their outputs. It needs no network\n" +
			"for what batch run --download has saved. It shows up to 5,000 items; if there are more, those that did not complete come\n" +
			"first.\n\n" +
			"See also: lamina batch results --help",
		Example:           "lamina batch report posters\nlamina batch report posters --open",
		Args:              cmdutil.NeedArgs("DIR"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTable(cmd.Context(), args[0], func(p *plan.Plan, t *state.Table) error { return writeReport(env, p, t, open) })
		},
	}
	runinfo.AddOpen(cmd.Flags(), &open, "the page")
	return cmd
}

// writeReport writes the page, prints its path, and opens it on request.
func writeReport(env *cmdutil.Env, p *plan.Plan, t *state.Table, open bool) error {
	if err := report.WriteFile(p, t, report.Options{Now: env.Now(), Clean: term.Clean}); err != nil {
		return batchinfo.NotWritten(p.Dir(), p.ReportPath(), err)
	}
	err := env.Print(written{p.ReportPath(), t.Len()}, func(page *output.Page) { page.Line("Wrote %s", p.ReportPath()) })
	if err != nil || !open {
		return err
	}
	path, err := filepath.Abs(p.ReportPath())
	if err != nil {
		return err
	}
	env.Open(path)
	return nil
}
