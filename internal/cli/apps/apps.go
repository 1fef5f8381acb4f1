// Package apps holds the commands that list and describe apps.
package apps

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/appinfo"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// New returns the command apps.
func New(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("apps", "Find apps and see their inputs", newList(env), newGet(env), newEstimate(env), newWorkflow(env))
}

type listOptions struct {
	env             *cmdutil.Env
	limit           int
	public, private bool
	keywords        []string
}

func newList(env *cmdutil.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:   "list [KEYWORD…]",
		Short: "List apps, or find apps for a purpose",
		Long:  "List the apps of your workspace and the public ones. With keywords, find apps for that purpose.",
		Example: "lamina apps list\n" +
			"lamina apps list product photo\n" +
			"lamina apps list --jq '.data[].appId'\n" +
			"lamina apps list product photo --jq '.data[0].appId'",
		Aliases: []string{"ls"},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.keywords = args
			if err := cmdutil.AtMostOne(cmd, "public", "private"); err != nil {
				return err
			}
			if opts.limit < 0 {
				return fail.Usage("", "--limit must not be negative")
			}
			if (opts.public || opts.private) && len(args) > 0 {
				return fail.Usage("", "--public and --private cannot be combined with keywords: a search does not say which apps are public")
			}
			return list(cmd, opts)
		},
	}
	cmd.Flags().IntVar(&opts.limit, "limit", 0, "show at most `N` apps (default: the service's)")
	cmd.Flags().BoolVar(&opts.public, "public", false, "only public apps")
	cmd.Flags().BoolVar(&opts.private, "private", false, "only the workspace's own apps")
	return cmd
}

func list(cmd *cobra.Command, opts *listOptions) error {
	env := opts.env
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	if len(opts.keywords) > 0 {
		reply, err := client.Discover(cmd.Context(), api.DiscoverRequest{Intent: strings.Join(opts.keywords, " "), Limit: opts.limit})
		if err != nil {
			return err
		}
		raw, err := asList(reply.Raw)
		if err != nil {
			return err
		}
		return env.Printer.Data(raw, func(p *output.Page) { writeMatches(p, reply.Data, env.Command("apps", "list")) })
	}
	reply, err := client.ListApps(cmd.Context(), opts.limit)
	if err != nil {
		return err
	}
	if opts.public || opts.private {
		if err := keepApps(reply, opts.public); err != nil {
			return err
		}
	}
	if opts.limit == 0 && !opts.public && !opts.private {
		complete.CacheApps(env, reply.Data)
	}
	return env.Printer.Data(reply.Raw, func(p *output.Page) { writeApps(p, reply.Data) })
}

// keepApps removes the private apps, or the public ones, from the decoded and from the raw reply.
func keepApps(reply *api.Reply[[]api.AppSummary], public bool) error {
	var envelope map[string]json.RawMessage
	var items []json.RawMessage
	if err := json.Unmarshal(reply.Raw, &envelope); err != nil {
		return err
	}
	if err := json.Unmarshal(envelope["data"], &items); err != nil {
		return err
	}
	kept, keptRaw := []api.AppSummary{}, []json.RawMessage{}
	for i, app := range reply.Data {
		if app.IsPublic == public && i < len(items) {
			kept, keptRaw = append(kept, app), append(keptRaw, items[i])
		}
	}
	reply.Data = kept
	raw, err := json.Marshal(keptRaw)
	if err != nil {
		return err
	}
	envelope["data"] = raw
	reply.Raw, err = json.Marshal(envelope)
	return err
}

// maxLines is how many lines of a description a list shows; some are whole pages.
const maxLines = 3

func writeApps(p *output.Page, apps []api.AppSummary) {
	if len(apps) == 0 {
		p.Line("No apps.")
		return
	}
	var rows [][]string
	short := complete.ShortNames(apps)
	for _, app := range apps {
		rows = append(rows, []string{short[term.Line(app.AppID)], app.Name, api.String(app.Description), app.AppID})
	}
	p.List(output.Table{Header: []string{"APP", "NAME", "WHAT IT DOES", "ID"}, Rows: rows, Prose: 2, MaxLines: maxLines})
}

// writeMatches shows the apps that a search found. listAll is the command that lists all apps.
func writeMatches(p *output.Page, found api.Discovery, listAll string) {
	if len(found.Matches) == 0 {
		p.Line("No app matches. List all apps with: %s", listAll)
		return
	}
	var rows [][]string
	var matches []api.AppSummary
	for _, m := range found.Matches {
		matches = append(matches, api.AppSummary{AppID: m.AppID, Name: m.Name})
	}
	short := complete.ShortNames(matches)
	for _, m := range found.Matches {
		credits := ""
		if m.EstimatedCredits != nil {
			credits = output.Number(*m.EstimatedCredits)
		}
		rows = append(rows, []string{short[term.Line(m.AppID)], m.Name, fmt.Sprintf("%.0f%%", percent(m.RelevanceScore)), credits, cmp.Or(m.WhyMatch, api.String(m.Description)), m.AppID})
	}
	p.List(output.Table{Header: []string{"APP", "NAME", "FIT", "CREDITS", "WHY", "ID"}, Rows: rows, Prose: 4, MaxLines: maxLines})
}

// percent converts a score to percent: the documentation does not say whether it is 0 to 1 or 0 to 100.
func percent(score float64) float64 {
	if score <= 1 {
		return score * 100
	}
	return score
}

func newGet(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:               "get APP",
		Short:             "Show the inputs and outputs of an app",
		Example:           "lamina apps get poster\nlamina apps get poster --jq '.data.parameters[].name'",
		Args:              cmdutil.NeedArgs("APP"),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, _, err := appinfo.Get(cmd.Context(), env, client, args[0])
			if err != nil {
				return complete.SuggestApp(cmd.Context(), env, args[0], func(id string) string { return env.Command("apps", "get", id) }, err)
			}
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writeApp(p, reply.Data, sampleRun(env, args[0], reply.Data)) })
		},
	}
}

// writeApp shows an app, and a command that runs it.
func writeApp(p *output.Page, app api.App, sample string) {
	p.Line("%s", p.Bold(app.Name))
	if d := api.String(app.Description); d != "" {
		p.Paragraphs(d)
	}
	p.Line("%s", p.Faint(app.AppID))
	if len(app.Parameters) > 0 {
		p.Line("")
		appinfo.WriteInputs(p, app)
	}
	if len(app.Outputs) > 0 {
		var rows [][]string
		for _, o := range app.Outputs {
			rows = append(rows, []string{o.Label, o.Type})
		}
		p.Line("")
		p.Table([]string{"OUTPUT", "TYPE"}, rows)
	}
	p.Line("")
	p.Line("%s", p.Command(sample))
}

// sampleRun returns a command that runs the app, with placeholders for the required inputs. name is the id that the user typed.
func sampleRun(env *cmdutil.Env, name string, app api.App) string {
	args := []string{"run", name}
	for _, in := range app.Parameters {
		if in.MustSupply() {
			args = append(args, "--input", in.SendAs()+"=…")
		}
	}
	return env.Command(append(args, "--wait", "--download", "./")...)
}
