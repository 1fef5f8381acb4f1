// Package browse holds the command browse, which opens web pages of the service.
package browse

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/appinfo"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

// New returns the command browse.
func New(env *cmdutil.Env) *cobra.Command {
	var noBrowser, keys bool
	cmd := &cobra.Command{
		Use:   "browse [APP|RUN]",
		Short: "Open the web page of an app, of a run, or of the service",
		Long: "Open the web page of an app or of a run; without an argument, the home page of the service. Without a terminal, in CI, with\n" +
			"--no-input, and where no browser is found, the address is printed instead.",
		Example:           "lamina browse\nlamina browse poster\nlamina browse RUN --no-browser\nlamina browse --keys",
		Args:              cmdutil.OptionalArg("APP|RUN"),
		ValidArgsFunction: completeAppsAndRuns(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			if keys && len(args) > 0 {
				return fail.Usage(fail.CommandLine("browse", "--keys"), "--keys takes no argument")
			}
			address, err := find(cmd.Context(), env, keys, args)
			if err != nil {
				return err
			}
			return env.OpenOrPrint(address, !noBrowser)
		},
	}
	cmd.Flags().BoolVarP(&noBrowser, "no-browser", "n", false, "print the address instead of opening it")
	cmd.Flags().BoolVar(&keys, "keys", false, "open the page where you create API keys")
	return cmd
}

// find returns the address of the page to open.
func find(ctx context.Context, env *cmdutil.Env, keys bool, args []string) (string, error) {
	if len(args) == 0 {
		return env.Sessions.HomePage(keys)
	}
	session, err := env.Sessions.OpenFor(provider.Lamina())
	if err != nil {
		return "", err
	}
	client, id := session.Client(), args[0]
	app := func() (string, error) {
		reply, _, err := appinfo.Get(ctx, env, client, id)
		if err != nil {
			return "", err
		}
		return session.AppPage(reply.Data.AppID)
	}
	run := func() (string, error) {
		reply, err := client.Run(ctx, id)
		if err != nil {
			return "", err
		}
		return session.RunPage(reply.Data.RunID)
	}
	first, second := app, run
	if appinfo.IsID(id) { // runs are opened more often than apps
		first, second = run, app
	}
	address, err := first()
	if api.IsNotFound(err) {
		address, err = second()
	}
	if api.IsNotFound(err) {
		err = &fail.Error{
			Code: fail.NotFound, Message: fmt.Sprintf("there is no app and no run %s in this workspace", output.Quote(id)),
			Hint: "lamina apps list", Err: err,
		}
		return "", complete.SuggestApp(ctx, env, id, func(id string) string { return env.Command("browse", id) }, err)
	}
	return address, err
}

// completeAppsAndRuns offers the apps, then the newest runs.
func completeAppsAndRuns(env *cmdutil.Env) complete.Func {
	apps, runs := complete.Apps(env), complete.Runs(env)
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		lines, _ := apps(cmd, args, typed)
		more, _ := runs(cmd, args, typed)
		return append(lines, more...), cobra.ShellCompDirectiveNoFileComp
	}
}
