package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/output"
)

// findApp returns the application that was named, or the only one there is.
func findApp(ctx context.Context, client *laghav.Client, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	apps, _, err := client.Apps(ctx)
	if err != nil {
		return "", err
	}
	if len(apps) == 1 {
		return apps[0].ID, nil
	}
	var known []string
	for _, a := range apps {
		known = append(known, a.ID)
	}
	return "", &usageError{
		code: codeInvalidArgument, message: fmt.Sprintf("there are %d applications: name one with --app; nothing was made", len(apps)),
		hint: "lamina laghav apps list", details: []api.Detail{{Field: "app", Message: "choose one that is there", Allowed: known}},
	}
}

func newLaghavAppsListCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the applications, with what they saved today",
		Example: "lamina laghav apps list\nlamina laghav apps list --jq '.applications[].id'",
		Aliases: []string{"ls"},
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return laghavList(cmd.Context(), env, (*laghav.Client).Apps, writeLaghavApps)
		},
	}
}

func writeLaghavApps(p *output.Page, apps []laghav.App) {
	if len(apps) == 0 {
		p.Line("No applications.")
		return
	}
	var rows [][]string
	for _, a := range apps {
		rows = append(rows, []string{
			a.ID, a.Name, fmt.Sprint(a.CallsToday), fmt.Sprintf("%.0f%%", a.Compressed), fmt.Sprintf("%.0f", a.Quality), dollars(a.SavedToday), a.Status,
		})
	}
	p.Table([]string{"ID", "NAME", "CALLS TODAY", "SHORTER BY", "QUALITY", "SAVED TODAY", "STATE"}, rows)
}

func newLaghavAppsCreateCmd(env *Env) *cobra.Command {
	opts := &laghavMakeOptions{env: env}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an application, which gets a key of its own",
		Long: "Make an application. Laghav makes a key for it, whose value is told only now: it goes to stdout, or with --save into\n" +
			"the profile that --profile names, without being shown.",
		Example: "lamina laghav apps create \"Support Bot\"\nlamina laghav apps create \"Support Bot\" --save --profile support-bot",
		Args:    needArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.name = strings.TrimSpace(args[0]); opts.name == "" {
				return usage("lamina laghav apps create --help", "NAME must not be empty")
			}
			ctx := cmd.Context()
			return opts.make(ctx, func(client *laghav.Client) (laghav.NewKey, json.RawMessage, error) {
				made, raw, err := client.MakeApp(ctx, opts.name)
				made.AppID = firstOf(made.AppID, made.ID)
				return made, raw, lostKey(err, "the application")
			})
		},
	}
	cmd.Flags().BoolVar(&opts.save, "save", false, "put the key into a profile instead of showing it")
	return cmd
}
