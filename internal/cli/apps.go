package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/output"
)

func newAppsCmd(env *Env) *cobra.Command {
	return newNoun(env, "apps", "Find apps and see what they take", nil, func() []*cobra.Command {
		return []*cobra.Command{newAppsListCmd(env), newAppsGetCmd(env)}
	})
}

type appsListOptions struct {
	env             *Env
	limit           int
	public, private bool
	keywords        []string
}

func newAppsListCmd(env *Env) *cobra.Command {
	opts := &appsListOptions{env: env}
	cmd := &cobra.Command{
		Use:   "list [KEYWORD…]",
		Short: "List apps, or find those that serve a purpose",
		Long:  "List the apps of your workspace and the public ones. With keywords, find the apps that serve that purpose.",
		Example: "lamina apps list\n" +
			"lamina apps list product photo\n" +
			"lamina apps list --jq '.data[].appId'",
		Aliases: []string{"ls"},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.keywords = args
			if err := atMostOne(cmd, "public", "private"); err != nil {
				return err
			}
			if opts.limit < 0 {
				return usage("", "--limit must not be negative")
			}
			if (opts.public || opts.private) && len(args) > 0 {
				return usage("", "--public and --private cannot be combined with keywords: a search does not say which apps are public")
			}
			return appsList(cmd, opts)
		},
	}
	cmd.Flags().IntVar(&opts.limit, "limit", 0, "show at most `N` apps (default: the service's)")
	cmd.Flags().BoolVar(&opts.public, "public", false, "only public apps")
	cmd.Flags().BoolVar(&opts.private, "private", false, "only the workspace's own apps")
	return cmd
}

func appsList(cmd *cobra.Command, opts *appsListOptions) error {
	env := opts.env
	client, err := env.client()
	if err != nil {
		return err
	}
	if len(opts.keywords) > 0 {
		reply, err := client.Discover(cmd.Context(), api.DiscoverRequest{Intent: strings.Join(opts.keywords, " "), Limit: opts.limit})
		if err != nil {
			return err
		}
		return env.printer.Data(reply.Raw, func(p *output.Page) { writeMatches(p, reply.Data) })
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
	env.cacheApps(reply.Data)
	return env.printer.Data(reply.Raw, func(p *output.Page) { writeApps(p, reply.Data) })
}

// keepApps keeps the public apps, or the others, in both forms of a reply.
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
		if app.IsPublic == public {
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

func writeApps(p *output.Page, apps []api.AppSummary) {
	if len(apps) == 0 {
		p.Line("No apps.")
		return
	}
	var rows [][]string
	for _, app := range apps {
		rows = append(rows, []string{app.AppID, app.Name, text(app.Description)})
	}
	p.Table([]string{"ID", "NAME", "WHAT IT DOES"}, rows)
}

func writeMatches(p *output.Page, found api.Discovery) {
	if len(found.Matches) == 0 {
		p.Line("No app serves that purpose. See them all with: lamina apps list")
		return
	}
	var rows [][]string
	for _, m := range found.Matches {
		credits := ""
		if m.EstimatedCredits != nil {
			credits = fmt.Sprintf("%g", *m.EstimatedCredits)
		}
		rows = append(rows, []string{m.AppID, m.Name, fmt.Sprintf("%.0f%%", percent(m.RelevanceScore)), credits, firstOf(m.WhyMatch, text(m.Description))})
	}
	p.Table([]string{"ID", "NAME", "FIT", "CREDITS", "WHY"}, rows)
}

// percent reads a score that is documented neither as 0 to 1 nor as 0 to 100.
func percent(score float64) float64 {
	if score <= 1 {
		return score * 100
	}
	return score
}

func newAppsGetCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:               "get APP",
		Short:             "Show what an app takes and what it makes",
		Example:           "lamina apps get poster\nlamina apps get poster --jq '.data.parameters[].name'",
		Args:              needArgs("APP"),
		ValidArgsFunction: env.completeApps,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := env.client()
			if err != nil {
				return err
			}
			reply, err := getApp(cmd, client, args[0])
			if err != nil {
				return err
			}
			return env.printer.Data(reply.Raw, func(p *output.Page) { writeApp(p, args[0], reply.Data) })
		},
	}
}

// getApp fetches an app, and says how to find one if there is none of that id.
func getApp(cmd *cobra.Command, client *api.Client, id string) (*api.Reply[api.App], error) {
	reply, err := client.App(cmd.Context(), id)
	if isNotFound(err) {
		return nil, &commandError{code: codeNotFound, message: fmt.Sprintf("there is no app %s in this workspace", output.Quote(id)), hint: "lamina apps list", err: err}
	}
	return reply, err
}

// writeApp shows an app under the name by which the person knows it.
func writeApp(p *output.Page, name string, app api.App) {
	p.Line("%s", p.Bold(app.Name))
	if d := text(app.Description); d != "" {
		p.Paragraphs(d)
	}
	p.Line("%s", p.Faint(app.AppID))
	if len(app.Parameters) > 0 {
		p.Line("")
		writeParameters(p, app)
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
	p.Line("%s", p.Command(sampleRun(name, app)))
}

// maxDefault is how many columns of a default value are shown; some are whole prompts.
const maxDefault = 24

func writeParameters(p *output.Page, app api.App) {
	var rows [][]string
	for _, in := range app.Parameters {
		def := "(must be given)"
		if !in.MustSupply() {
			def = output.Cut(plain(in.Default), maxDefault)
		}
		about := in.Description
		if len(in.Options) > 0 {
			about = strings.TrimSpace(about + " One of: " + strings.Join(in.Options, ", "))
		}
		kind := in.Type
		if in.Multiple {
			kind += "…"
		}
		rows = append(rows, []string{in.SendAs(), kind, def, about})
	}
	p.Descriptions([]string{"INPUT", "TYPE", "DEFAULT", "ABOUT"}, rows)
}

// sampleRun is a command that runs the app once its gaps are filled.
func sampleRun(name string, app api.App) string {
	line := commandLine("run", name)
	for _, in := range app.Parameters {
		if in.MustSupply() {
			line += " --input " + quoteArg(in.SendAs()) + "=…"
		}
	}
	return line + " --wait --download ./"
}

// plain is a JSON string without its quotes, or any other JSON as it is.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// text is what an optional string holds.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
