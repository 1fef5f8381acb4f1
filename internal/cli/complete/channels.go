package complete

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/term"
)

// Channels offers the ids of the channels, with their names and platforms.
func Channels(env *cmdutil.Env) Func {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return ids(cmd, env, channelEntries, func(c *cache) []entry { return c.Channels }, func(ctx context.Context, client *api.Client) error {
			reply, err := client.Channels(ctx)
			if err == nil {
				CacheChannels(env, reply.Data)
			}
			return err
		})
	}
}

// CacheChannels replaces the cached channels.
func CacheChannels(env *cmdutil.Env, channels []api.Channel) {
	update(env, func(c *cache) {
		c.Channels = nil
		c.fill(channelEntries, env.Now())
		for _, channel := range channels {
			about := term.Line(string(channel.AccountName) + " " + string(channel.Platform))
			c.Channels = append(c.Channels, entry{ID: term.Line(string(channel.ID)), About: about})
		}
	})
}
