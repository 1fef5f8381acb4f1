package apps

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/appinfo"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

func newEstimate(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:               "estimate APP",
		Short:             "Show what a run of an app costs",
		Long:              "Show what a run of an app with all its outputs costs, in credits. No run is started.",
		Example:           "lamina apps estimate poster\nlamina apps estimate poster --jq .data.estimatedCredits.max",
		Args:              cmdutil.NeedArgs("APP"),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, id, err := findApp(cmd, env, "estimate", args[0])
			if err != nil {
				return err
			}
			reply, err := client.Estimate(cmd.Context(), id)
			if err != nil {
				return err
			}
			return env.Printer.Data(reply.Raw, func(p *output.Page) { appinfo.WriteEstimate(p, reply.Data) })
		},
	}
}

func newWorkflow(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:               "workflow APP",
		Short:             "Show the steps of an app and their order",
		Example:           "lamina apps workflow slideshow\nlamina apps workflow poster --jq '.data.edges[]'",
		Args:              cmdutil.NeedArgs("APP"),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, id, err := findApp(cmd, env, "workflow", args[0])
			if err != nil {
				return err
			}
			reply, err := client.Workflow(cmd.Context(), id)
			if err != nil {
				return err
			}
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writeWorkflow(p, reply.Data) })
		},
	}
}

// findApp returns a client and the id of the app that a user typed. verb is the command.
func findApp(cmd *cobra.Command, env *cmdutil.Env, verb, typed string) (*api.Client, string, error) {
	client, err := env.Sessions.Client()
	if err != nil {
		return nil, "", err
	}
	_, id, err := appinfo.Get(cmd.Context(), env, client, typed)
	if err != nil {
		return nil, "", complete.SuggestApp(cmd.Context(), env, typed, func(id string) string { return env.Command("apps", verb, id) }, err)
	}
	return client, id, nil
}

// writeWorkflow shows each step with the steps whose results it takes.
func writeWorkflow(p *output.Page, w api.Workflow) {
	p.Line("%s", p.Bold(w.Name))
	if len(w.Nodes) == 0 {
		p.Line("The service names no steps.")
		return
	}
	labels := map[string]string{}
	for _, n := range w.Nodes {
		labels[n.ID] = n.Label
	}
	after := map[string][]string{}
	for _, e := range w.Edges {
		after[e.Target] = append(after[e.Target], labels[e.Source])
	}
	var rows [][]string
	for _, n := range w.Nodes {
		rows = append(rows, []string{n.Label, n.Type, strings.Join(after[n.ID], ", "), n.ID})
	}
	p.Line("")
	p.Table([]string{"STEP", "TYPE", "AFTER", "ID"}, rows)
}
