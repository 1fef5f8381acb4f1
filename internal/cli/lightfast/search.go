package lightfast

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/lightfast"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

type searchOptions struct {
	env   *cmdutil.Env
	query lightfast.Query
	all   bool
	most  int // of all results, with all
}

func newSearch(env *cmdutil.Env) *cobra.Command {
	opts := &searchOptions{env: env}
	cmd := &cobra.Command{
		Use:   "search QUERY…",
		Short: "Search the tools of the organization",
		Long: "Search the tools of the organization, best results first. All words together are one query.\n\n" +
			"--all fetches all pages, up to --max results. With -o ndjson, each result is a line.",
		Example: "lamina lightfast search how does refreshing work\n" +
			"lamina lightfast search \"exit status\" --mode thorough --limit 3\n" +
			"lamina lightfast search token --type section --after 2026-01-05 --jq '.results[].url'\n" +
			"lamina lightfast search profile --all -o ndjson",
		Args: cmdutil.NeedArgs("QUERY…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.query.Text = strings.TrimSpace(strings.Join(args, " "))
			if err := opts.check(cmd); err != nil {
				return err
			}
			return search(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.IntVar(&opts.query.Limit, "limit", 10, "show at most `N` results, up to 100")
	f.IntVar(&opts.query.Offset, "offset", 0, "leave out the first `N` results")
	f.StringVar(&opts.query.Mode, "mode", "", "search in this `MODE`: fast, balanced or thorough; a deeper search is slower (default: the service's)")
	f.StringArrayVar(&opts.query.Sources, "source", nil, "only results of this `SOURCE`, such as github; may be repeated")
	f.StringArrayVar(&opts.query.Types, "type", nil, "only results of this `TYPE`; may be repeated")
	f.StringArrayVar(&opts.query.Actors, "actor", nil, "only actions of this `PERSON`; may be repeated (generations b and c)")
	f.StringVar(&opts.query.After, "after", "", "only what happened since this `TIME`, as 2026-01-31 or RFC 3339")
	f.StringVar(&opts.query.Before, "before", "", "only what happened until this `TIME`")
	f.BoolVar(&opts.all, "all", false, "fetch all pages")
	f.IntVar(&opts.most, "max", 1000, "with --all, stop after `N` results")
	_ = cmd.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions(modes(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func modes() []string { return []string{"fast", "balanced", "thorough"} }

func (o *searchOptions) check(cmd *cobra.Command) error {
	if err := cmdutil.AtMostOne(cmd, "all", "limit"); err != nil {
		return err
	}
	switch q := o.query; {
	case q.Text == "":
		return fail.Usage("lamina lightfast search how does refreshing work", "the query is empty")
	case q.Limit < 1 || q.Limit > lightfast.MaxLimit:
		return fail.Usage("", "--limit must be between 1 and %d; --all fetches more", lightfast.MaxLimit)
	case q.Offset < 0:
		return fail.Usage("", "--offset must not be negative")
	case q.Mode != "" && !slices.Contains(modes(), q.Mode):
		return cmdutil.OneOf("--mode", q.Mode, modes()...)
	case o.most < 1:
		return fail.Usage("", "--max must be at least 1")
	case cmd.Flags().Changed("max") && !o.all:
		return fail.Usage("", "--max needs --all; without it, use --limit")
	}
	for flag, values := range map[string][]string{"source": o.query.Sources, "type": o.query.Types, "actor": o.query.Actors} {
		if slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) == "" }) {
			return fail.Usage("", "--%s must not be empty", flag)
		}
	}
	return o.checkTimes()
}

func (o *searchOptions) checkTimes() error {
	after, err := parseTime("--after", o.query.After)
	if err != nil {
		return err
	}
	before, err := parseTime("--before", o.query.Before)
	if err != nil {
		return err
	}
	if !after.IsZero() && !before.IsZero() && before.Before(after) {
		return fail.Usage("", "--before %s is earlier than --after %s: no time is between them", o.query.Before, o.query.After)
	}
	return nil
}

// parseTime parses a day or a time; the empty text is the zero time.
func parseTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fail.Usage("", "%s must look like 2026-01-31 or 2026-01-31T08:00:00Z, not %q", flag, text)
}

func search(ctx context.Context, opts *searchOptions) error {
	client, err := newClient(opts.env)
	if err != nil {
		return err
	}
	if opts.all {
		return searchAll(ctx, opts, client)
	}
	page, err := client.Search(ctx, opts.query)
	if err != nil {
		return explainUnsupported(opts.env, err)
	}
	return opts.write(page)
}

// searchAll fetches all pages. Lines are printed as the pages arrive; text and JSON after the last page.
func searchAll(ctx context.Context, opts *searchOptions, client *lightfast.Client) error {
	opts.query.Limit = lightfast.MaxLimit
	all := &lightfast.Page{Total: -1}
	for page, err := range client.Pages(ctx, opts.query, opts.most) {
		if err != nil {
			return explainUnsupported(opts.env, err)
		}
		all.Results, all.Items, all.Total = append(all.Results, page.Results...), append(all.Items, page.Items...), page.Total
		if !opts.env.Printer.Lines() {
			continue
		}
		if err := writeLines(opts.env, page.Items); err != nil {
			return err
		}
	}
	opts.noteMissing(all)
	if opts.env.Printer.Lines() {
		return nil
	}
	var err error
	if all.Raw, err = joinPages(all); err != nil {
		return err
	}
	return opts.write(all)
}

// noteMissing writes a message if there are more results than were fetched.
func (o *searchOptions) noteMissing(all *lightfast.Page) {
	switch seen := o.query.Offset + len(all.Results); {
	case all.Total > seen && len(all.Results) >= o.most:
		o.env.Say("%d of %d results; --max N fetches more.", len(all.Results), all.Total)
	case all.Total > seen:
		o.env.Say("The service returned only %d of the %d results that it counts.", len(all.Results), all.Total)
	}
}

// joinPages returns one response that holds the results of all pages.
func joinPages(all *lightfast.Page) (json.RawMessage, error) {
	joined := map[string]any{"results": append([]json.RawMessage{}, all.Items...)}
	if all.Total >= 0 {
		joined["total"] = all.Total
	}
	raw, err := json.Marshal(joined)
	if err != nil {
		return nil, fmt.Errorf("could not join the pages: %w", err)
	}
	return raw, nil
}

// write prints a page of results.
func (o *searchOptions) write(page *lightfast.Page) error {
	if o.env.Printer.Lines() {
		return writeLines(o.env, page.Items)
	}
	return o.env.Printer.Data(page.Raw, func(p *output.Page) {
		if len(page.Results) == 0 {
			p.Line("Nothing was found.")
			return
		}
		for i, r := range page.Results {
			writeResult(p, o.query.Offset+i+1, r)
		}
		if next := o.query.Offset + len(page.Results); next < page.Total {
			p.Line("%s", p.Faint(fmt.Sprintf("%d of %d; continue with --offset %d", len(page.Results), page.Total, next)))
		}
	})
}
