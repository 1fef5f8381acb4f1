package complete

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/term"
)

// Templates offers the ids of the templates with their names, for the first argument.
func Templates(env *cmdutil.Env) Func {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return None(cmd, args, typed)
		}
		return ids(cmd, env, templateEntries, func(c *cache) []entry { return c.Templates }, func(ctx context.Context, client *api.Client) error {
			reply, err := client.Templates(ctx)
			if err == nil {
				CacheTemplates(env, reply.Data)
			}
			return err
		})
	}
}

// CacheTemplates replaces the cached templates.
func CacheTemplates(env *cmdutil.Env, templates []api.Template) {
	update(env, func(c *cache) {
		c.Templates = nil
		c.fill(templateEntries, env.Now())
		for _, t := range templates {
			c.Templates = append(c.Templates, entry{ID: term.Line(t.ID), About: term.Line(t.Name)})
		}
	})
}
