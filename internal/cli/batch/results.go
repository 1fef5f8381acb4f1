package batch

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/results"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

func newResults(env *cmdutil.Env) *cobra.Command {
	var states []string
	cmd := &cobra.Command{
		Use:   "results DIR",
		Short: "Save the results of a batch, one line for each item",
		Long: "Write results.ndjson in the folder of the batch: one line for each item, in the order of the items, with its state, run,\n" +
			"outputs, files and error. --json also prints the lines as a list, and -o ndjson one by one. --status prints only the\n" +
			"items in some states.\n\n" +
			"See also: lamina batch report --help",
		Example: "lamina batch results posters\n" +
			"lamina batch results posters --status failed -o ndjson",
		Args:              cmdutil.NeedArgs("DIR"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range states {
				if err := cmdutil.OneOf("--status", name, state.Names()...); err != nil {
					return err
				}
			}
			return withTable(cmd.Context(), args[0], func(p *plan.Plan, t *state.Table) error { return writeResults(cmd.Context(), env, p, t, states) })
		},
	}
	cmd.Flags().StringSliceVar(&states, "status", nil, "print only the items in this `STATE`; may be repeated")
	completeFlags(cmd, map[string][]string{"status": state.Names()})
	return cmd
}

// writeResults writes the file of results, and prints where it is, or the lines.
func writeResults(ctx context.Context, env *cmdutil.Env, p *plan.Plan, t *state.Table, states []string) error {
	if err := results.WriteFile(ctx, p.ResultsPath(), t); err != nil {
		return batchinfo.NotWritten(p.Dir(), p.ResultsPath(), err)
	}
	keep := func(s state.Status) bool { return len(states) == 0 || slices.Contains(states, s.String()) }
	if env.Printer.Lines() {
		return eachLine(t, keep, func(_ results.Line, raw json.RawMessage) error { return env.Printer.Line(raw) })
	}
	lines := []json.RawMessage{}
	var rows [][]string
	err := eachLine(t, keep, func(line results.Line, raw json.RawMessage) error {
		if env.Printer.Machine() {
			lines = append(lines, raw)
		} else if len(states) > 0 {
			rows = append(rows, []string{term.Line(line.ID), line.State, term.Line(line.Error), line.Run})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return env.Print(lines, func(page *output.Page) {
		switch {
		case len(rows) > 0:
			page.Table([]string{"ITEM", "STATE", "ERROR", "RUN"}, rows)
			return
		case len(states) > 0:
			page.Wrapped("No item is %s.", strings.Join(states, " or "))
		}
		page.Line("Wrote %s to %s", output.Counted(t.Len(), "line"), p.ResultsPath())
	})
}

// eachLine calls fn for the lines of the items in some states.
func eachLine(t *state.Table, keep func(state.Status) bool, fn func(results.Line, json.RawMessage) error) error {
	for line, err := range results.All(t, keep) {
		if err != nil {
			return err
		}
		raw, err := line.JSON()
		if err == nil {
			err = fn(line, raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
