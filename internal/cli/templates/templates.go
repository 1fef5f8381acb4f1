// Package templates holds the commands that list and describe templates for content.
package templates

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// New returns the command templates.
func New(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("templates", "Look at templates for content", newList(env), newGet(env))
}

func newList(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List templates",
		Example: "lamina templates list\nlamina templates list --jq '.data[].id'",
		Aliases: []string{"ls"},
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := client.Templates(cmd.Context())
			if err != nil {
				return err
			}
			complete.CacheTemplates(env, reply.Data)
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writeTemplates(p, reply.Data) })
		},
	}
}

// maxLines is how many lines of a description a list shows.
const maxLines = 3

func writeTemplates(p *output.Page, templates []api.Template) {
	if len(templates) == 0 {
		p.Line("No templates.")
		return
	}
	var rows [][]string
	for _, t := range templates {
		rows = append(rows, []string{t.Name, t.Category, t.Description, t.ID})
	}
	p.List(output.Table{Header: []string{"NAME", "CATEGORY", "WHAT IT IS", "ID"}, Rows: rows, Prose: 2, MaxLines: maxLines})
}

func newGet(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:               "get TEMPLATE",
		Short:             "Show a template and its advice",
		Example:           "lamina templates get tpl_sale_poster\nlamina templates get tpl_sale_poster --jq '.data.guidanceData.promptDirectives[]'",
		Args:              cmdutil.NeedArgs("TEMPLATE"),
		ValidArgsFunction: complete.Templates(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := client.Template(cmd.Context(), args[0])
			if api.IsNotFound(err) {
				return &fail.Error{
					Code: fail.NotFound, Message: fmt.Sprintf("there is no template %s in this workspace", output.Quote(args[0])),
					Hint: env.Command("templates", "list"), Err: err,
				}
			}
			if err != nil {
				return err
			}
			next := env.Command("content", "create", "…", "--template", args[0])
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writeTemplate(p, reply.Data, next) })
		},
	}
}

// writeTemplate shows a template. next is the command that uses it.
func writeTemplate(p *output.Page, t api.Template, next string) {
	p.Line("%s", p.Bold(cmp.Or(t.Name, t.ID, "(without a name)")))
	if t.Description != "" {
		p.Paragraphs(t.Description)
	}
	p.Line("")
	origin := ""
	if t.IsBuiltIn.Value {
		origin = "built in"
	}
	p.Fields("category", t.Category, "makes", join(t.SuggestedModalities), "for", join(t.SuggestedPlatforms), "origin", origin, "id", t.ID)
	g := t.GuidanceData
	p.Line("")
	p.Fields("say", join(g.PromptDirectives), "avoid", join(g.NegativePrompts), "works", join(g.WinningPatterns), "try", join(g.TestIdeas),
		"structure", string(g.CreativeStructure))
	if len(t.MultiAssetComposition) > 0 {
		var rows [][]string
		for _, part := range t.MultiAssetComposition {
			rows = append(rows, []string{string(part.Role), string(part.Modality), string(part.Description)})
		}
		p.Line("")
		p.Descriptions([]string{"PART", "MEDIUM", "ABOUT"}, rows)
	}
	p.Line("")
	p.Line("%s", p.Command(next))
}

func join[T ~string](texts []T) string {
	var all []string
	for _, t := range texts {
		all = append(all, string(t))
	}
	return strings.Join(all, "; ")
}
