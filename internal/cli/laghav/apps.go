package laghav

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

func newAppsList(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the applications with today's savings",
		Example: "lamina laghav apps list\nlamina laghav apps list --jq '.applications[].id'",
		Aliases: []string{"ls"},
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), env, (*laghav.Client).Apps, writeApps)
		},
	}
}

func writeApps(p *output.Page, apps []laghav.App) {
	if len(apps) == 0 {
		p.Line("No applications.")
		return
	}
	var rows [][]string
	for _, a := range apps {
		rows = append(rows, []string{
			a.Name, fmt.Sprint(a.CallsToday), fmt.Sprintf("%.0f%%", a.Compressed), fmt.Sprintf("%.0f", a.Quality), dollars(a.SavedToday), a.Status, a.ID,
		})
	}
	p.Table([]string{"NAME", "CALLS TODAY", "SHORTER BY", "QUALITY", "SAVED TODAY", "STATE", "ID"}, rows)
}

func newAppsCreate(env *cmdutil.Env) *cobra.Command {
	opts := &createOptions{env: env}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create an application with its own key",
		Long: "Create an application. Laghav creates a key for it and returns its value only now: the value is printed to stdout, or with\n" +
			"--save stored in the profile that --profile names and not shown.",
		Example: "lamina laghav apps create \"Support Bot\"\nlamina laghav apps create \"Support Bot\" --save --profile support-bot",
		Args:    cmdutil.NeedArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.setName(args[0], "lamina laghav apps create --help"); err != nil {
				return err
			}
			return opts.run(cmd.Context(), opts.createApp)
		},
	}
	cmd.Flags().BoolVar(&opts.save, "save", false, "store the key in a profile instead of showing it")
	return cmd
}

// createApp creates an application with its key.
func (o *createOptions) createApp(ctx context.Context, client *laghav.Client) (laghav.NewKey, json.RawMessage, error) {
	created, raw, err := client.CreateApp(ctx, o.name)
	if err != nil {
		return laghav.NewKey{}, nil, lostKeyError(err, "the application")
	}
	created.AppID = cmp.Or(created.AppID, created.ID)
	return created, raw, nil
}
