package runs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/appinfo"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

type listOptions struct {
	env    *cmdutil.Env
	filter api.RunFilter
	status string
	since  string
}

func newList(env *cmdutil.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List runs, the newest first",
		Example: "lamina runs list\nlamina runs list --status failed --since 24h\nlamina runs list --jq '.data[].runId'",
		Aliases: []string{"ls"},
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.parse(); err != nil {
				return err
			}
			return list(cmd, opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.status, "status", "", "only runs in this `STATE`: queued, running, completed, failed or cancelled")
	f.StringVar(&opts.filter.AppID, "app", "", "only runs of this `APP`")
	f.IntVar(&opts.filter.Limit, "limit", 25, "show at most `N` runs, up to 100")
	f.IntVar(&opts.filter.Offset, "offset", 0, "leave out the first `N` runs")
	f.StringVar(&opts.since, "since", "", "only runs since this `TIME`, as 24h or 2026-01-31 or RFC 3339")
	_ = cmd.RegisterFlagCompletionFunc("app", func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return complete.Apps(env)(cmd, nil, typed)
	})
	_ = cmd.RegisterFlagCompletionFunc("status", complete.Words(statuses()...))
	return cmd
}

// statuses lists the statuses of runs.
func statuses() []string {
	var names []string
	for _, s := range []api.Status{api.Queued, api.Running, api.Completed, api.Failed, api.Cancelled} {
		names = append(names, string(s))
	}
	return names
}

func (o *listOptions) parse() error {
	o.filter.Status = api.Status(o.status)
	if o.status != "" {
		if err := cmdutil.OneOf("--status", o.status, statuses()...); err != nil {
			return err
		}
	}
	if o.filter.Limit < 1 || o.filter.Limit > 100 {
		return fail.Usage("", "--limit must be between 1 and 100")
	}
	if o.filter.Offset < 0 {
		return fail.Usage("", "--offset must not be negative")
	}
	var err error
	o.filter.Since, err = parseSince(o.since, o.env.Now())
	return err
}

// parseSince reads a time as a length of time before now, a day, or RFC 3339.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fail.Usage("", "--since must look like 24h, 2026-01-31 or 2026-01-31T08:00:00Z, not %q", s)
}

func list(cmd *cobra.Command, opts *listOptions) error {
	env := opts.env
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	opts.filter.AppID = appinfo.ID(cmd.Context(), env, client, opts.filter.AppID)
	reply, err := client.ListRuns(cmd.Context(), opts.filter)
	if err != nil {
		return err
	}
	complete.CacheRuns(env, reply.Data)
	var names map[string]string
	if !env.Printer.Machine() {
		names = appNames(cmd.Context(), env, client, reply.Data)
	}
	return env.Printer.Data(reply.Raw, func(p *output.Page) {
		if len(reply.Data) == 0 {
			p.Line("No runs.")
			return
		}
		var rows [][]string
		for _, r := range reply.Data {
			app := cmp.Or(names[term.Line(r.WorkflowID)], r.WorkflowID)
			rows = append(rows, []string{app, string(r.Status), output.Past(r.CreatedAt, env.Now()), api.String(r.ErrorMessage), r.RunID})
		}
		p.List(output.Table{Header: []string{"APP", "STATUS", "STARTED", "ERROR", "RUN"}, Rows: rows, Prose: 3, MaxLines: 3})
		if page := reply.Pagination; page != nil && page.Offset+len(reply.Data) < page.Total {
			p.Line("%s", p.Faint(fmt.Sprintf("%d of %d; go on with --offset %d", len(reply.Data), page.Total, page.Offset+len(reply.Data))))
		}
	})
}

// appNames returns the short names of apps by id. If the cache lacks the app of a run, the apps are listed once; a failure of this
// only leaves ids without names.
func appNames(ctx context.Context, env *cmdutil.Env, client *api.Client, runs []api.RunSummary) map[string]string {
	names := complete.AppNames(env)
	isUnknown := func(r api.RunSummary) bool { return names[term.Line(r.WorkflowID)] == "" }
	if !slices.ContainsFunc(runs, isUnknown) {
		return names
	}
	ctx, cancel := context.WithTimeout(ctx, runinfo.NamesTime)
	defer cancel()
	apps, err := complete.FetchApps(ctx, env, client)
	if err != nil {
		return names
	}
	for id, name := range complete.ShortNames(apps) {
		names[id] = name
	}
	return names
}
