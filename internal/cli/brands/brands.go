// Package brands holds the commands that list brand profiles and campaigns.
package brands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

// NewBrands returns the command brands.
func NewBrands(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("brands", "List the brand profiles of the workspace", newList(env, "brands", "brand profiles", (*api.Client).BrandProfiles))
}

// NewCampaigns returns the command campaigns.
func NewCampaigns(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("campaigns", "List the campaigns of the workspace", newList(env, "campaigns", "campaigns", (*api.Client).Campaigns))
}

// newList returns the command list of a noun. what are the items in words.
func newList(env *cmdutil.Env, noun, what string, fetch func(*api.Client, context.Context) (*api.Reply[[]api.Named], error)) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the " + what,
		Example: "lamina " + noun + " list\nlamina " + noun + " list --jq '.data[].id'",
		Aliases: []string{"ls"},
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := fetch(client, cmd.Context())
			if err != nil {
				return err
			}
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writeNames(p, reply.Data, what) })
		},
	}
}

func writeNames(p *output.Page, all []api.Named, what string) {
	if len(all) == 0 {
		p.Line("No %s.", what)
		return
	}
	var rows [][]string
	for _, n := range all {
		rows = append(rows, []string{string(n.Name), string(n.ID)})
	}
	p.Table([]string{"NAME", "ID"}, rows)
}
