package webhook

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

type listOptions struct {
	env   *cmdutil.Env
	limit int
}

// listed is a delivery in the JSON of the list.
type listed struct {
	received
	Run json.RawMessage `json:"run"`
}

func newList(env *cmdutil.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the deliveries in the inbox, newest first",
		Example: "lamina webhook list\nlamina webhook list --jq '.data[] | .runId + \" \" + .status'",
		Aliases: []string{"ls"},
		Args:    cmdutil.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if opts.limit < 1 {
				return fail.Usage("", "--limit must be greater than 0")
			}
			return list(opts)
		},
	}
	cmd.Flags().IntVar(&opts.limit, "limit", 25, "show at most `N` deliveries")
	return cmd
}

func list(opts *listOptions) error {
	env := opts.env
	dir, err := readFolder(env)
	if err != nil {
		return err
	}
	newest, err := inbox.Newest(dir, opts.limit+1)
	if err != nil {
		return err
	}
	hasMore := len(newest) > opts.limit
	newest = newest[:min(len(newest), opts.limit)]
	_, _ = env.Sessions.Client() // the names of apps are those of an account; without one, ids are shown
	data := []listed{}
	for _, d := range newest {
		data = append(data, listed{receivedOf(d), run(d)})
	}
	return env.Print(data, func(p *output.Page) {
		if len(newest) == 0 {
			p.Line("No deliveries. Receive some with: %s", env.Command("webhook", "listen"))
			return
		}
		var rows [][]string
		for _, d := range newest {
			rows = append(rows, []string{appOf(env, d), d.Status, output.Past(d.ReceivedAt, env.Now()), d.Source, d.ID})
		}
		p.Table([]string{"APP", "STATUS", "RECEIVED", "FROM", "RUN"}, rows)
		if hasMore {
			p.Line("%s", p.Faint(fmt.Sprintf("the newest %d; show more with --limit %d", opts.limit, 4*opts.limit)))
		}
	})
}

// completeRuns offers the runs of the deliveries in the inbox.
func completeRuns(env *cmdutil.Env) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		dir, err := readFolder(env)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		newest, _ := inbox.Newest(dir, 100)
		var lines []string
		for _, d := range newest {
			lines = append(lines, term.Line(d.ID)+"\t"+term.Line(appOf(env, d)+" "+d.Status))
		}
		return lines, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}
