package runs

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newFeedback(env *cmdutil.Env) *cobra.Command {
	var spending runinfo.SpendingLimit
	cmd := &cobra.Command{
		Use:   "feedback RUN TEXT…",
		Short: "Change a completed run by saying what is wrong; costs credits",
		Long: "Say what to change about a completed run of an app. The service runs the steps again that your text concerns, which costs\n" +
			"credits, and replaces the outputs of the same run: save the present ones first if you need them.",
		Example:           "lamina runs feedback RUN \"Make it neon\"\nlamina runs feedback RUN \"Use 16:9\" --jq '.data.outputs[].value'",
		Args:              cmdutil.NeedArgs("RUN", "TEXT…"),
		ValidArgsFunction: complete.Runs(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := spending.CheckUnpriced(cmd.Flags(), env); err != nil {
				return err
			}
			return sendFeedback(cmd.Context(), env, args[0], strings.Join(args[1:], " "))
		},
	}
	spending.AddUnknown(cmd.Flags())
	return cmd
}

func sendFeedback(ctx context.Context, env *cmdutil.Env, runID, text string) error {
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	progress := env.Progress()
	defer progress.Stop()
	progress.Set("the feedback costs credits; waiting until the steps have run again")
	reply, err := client.SendFeedback(ctx, runID, text)
	progress.Stop()
	switch {
	case api.IsNotFound(err):
		return noFeedback(ctx, env, client, runID, err)
	case err != nil:
		warning := "steps may have run again: look at the outputs before you repeat it"
		return fail.Lost(err, "the feedback", warning, fail.CommandLine("runs", "get", runID))
	}
	r := &reply.Data
	r.RunID = cmp.Or(r.RunID, runID)
	if err := runinfo.Outcome(api.RunUpdate{Run: api.Run{RunID: r.RunID, Status: r.Status, ErrorMessage: r.ErrorMessage}}); err != nil {
		return err
	}
	return env.Printer.Data(reply.Raw, func(p *output.Page) { writeRefinement(p, reply.Data, env) })
}

// noFeedback returns the error for a run that takes no feedback: it does not exist, or it is not a run of an app.
func noFeedback(ctx context.Context, env *cmdutil.Env, client *api.Client, runID string, err error) error {
	if _, findErr := runinfo.Get(ctx, env, client, runID); findErr != nil {
		return findErr
	}
	return &fail.Error{
		Code: fail.InvalidArgument, Message: "only runs of apps take feedback; start a new generation instead",
		Hint: "lamina generate --help", RunID: runID, Err: err,
	}
}

func writeRefinement(p *output.Page, r api.Refinement, env *cmdutil.Env) {
	p.Line("%s", runinfo.StatusStyle(p, r.Status))
	if reason := api.String(r.ErrorMessage); reason != "" {
		p.Wrapped("%s", p.Bad(reason))
	}
	if r.Summary != "" {
		p.Wrapped("%s", r.Summary)
	}
	var rows [][]string
	for _, n := range r.RefinedNodes {
		rows = append(rows, []string{n.NodeID, n.Reason})
	}
	if len(rows) > 0 {
		p.Line("")
		p.Descriptions([]string{"STEP", "WHY IT RAN AGAIN"}, rows)
	}
	p.Line("")
	runinfo.WriteOutputs(p, r.Outputs, r.RunID)
	if !r.Status.Final() {
		p.Line("")
		p.Line("%s", p.Command(env.Command("runs", "wait", r.RunID)))
	}
}
