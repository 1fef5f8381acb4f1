package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/lightfast"
	"github.com/uselamina/lamina/internal/output"
)

type lightfastSearchOptions struct {
	env   *Env
	query lightfast.Query
	all   bool
	most  int
}

func newLightfastSearchCmd(env *Env) *cobra.Command {
	o := &lightfastSearchOptions{env: env}
	cmd := &cobra.Command{
		Use:   "search QUERY…",
		Short: "Find what the organization's tools say about something",
		Long: "Find what the organization's tools say about something, the best first. The words are one query.\n\n" +
			"--all fetches every page, up to --max results. With -o ndjson each result is a line of its own.",
		Example: "lamina lightfast search how does refreshing work\n" +
			"lamina lightfast search \"exit status\" --mode thorough --limit 3\n" +
			"lamina lightfast search token --type section --after 2026-01-05 --jq '.results[].url'\n" +
			"lamina lightfast search profile --all -o ndjson",
		Args: needArgs("QUERY…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.query.Text = strings.TrimSpace(strings.Join(args, " "))
			if err := o.check(cmd); err != nil {
				return err
			}
			return lightfastSearch(cmd, o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.query.Limit, "limit", 10, "show at most `N` results, up to 100")
	f.IntVar(&o.query.Offset, "offset", 0, "leave out the first `N` results")
	f.StringVar(&o.query.Mode, "mode", "", "read in this `MODE`, the deeper the slower: fast, balanced or thorough (default: the service's)")
	f.StringArrayVar(&o.query.Sources, "source", nil, "only what is from this `SOURCE`, such as github; may be repeated")
	f.StringArrayVar(&o.query.Types, "type", nil, "only what is of this `TYPE`; may be repeated")
	f.StringArrayVar(&o.query.Actors, "actor", nil, "only what this `PERSON` did; may be repeated (generations b and c)")
	f.StringVar(&o.query.After, "after", "", "only what happened since this `TIME`, as 2026-01-31 or RFC 3339")
	f.StringVar(&o.query.Before, "before", "", "only what happened until this `TIME`")
	f.BoolVar(&o.all, "all", false, "fetch all pages")
	f.IntVar(&o.most, "max", 1000, "with --all, stop after `N` results")
	_ = cmd.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions(lightfastModes(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func lightfastModes() []string { return []string{"fast", "balanced", "thorough"} }

func (o *lightfastSearchOptions) check(cmd *cobra.Command) error {
	if err := atMostOne(cmd, "all", "limit"); err != nil {
		return err
	}
	switch q := o.query; {
	case q.Text == "":
		return usage("lamina lightfast search how does refreshing work", "the query is empty")
	case q.Limit < 1 || q.Limit > lightfast.MaxLimit:
		return usage("", "--limit must be between 1 and %d; --all fetches more", lightfast.MaxLimit)
	case q.Offset < 0:
		return usage("", "--offset must not be negative")
	case q.Mode != "" && !slices.Contains(lightfastModes(), q.Mode):
		return usage("", "--mode must be fast, balanced or thorough, not %q", q.Mode)
	case o.most < 1:
		return usage("", "--max must be at least 1")
	case cmd.Flags().Changed("max") && !o.all:
		return usage("", "--max goes with --all; without it, say --limit")
	}
	for flag, values := range map[string][]string{"source": o.query.Sources, "type": o.query.Types, "actor": o.query.Actors} {
		if slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) == "" }) {
			return usage("", "--%s must not be empty", flag)
		}
	}
	return o.checkTimes()
}

func (o *lightfastSearchOptions) checkTimes() error {
	after, err := isoTime("--after", o.query.After)
	if err != nil {
		return err
	}
	before, err := isoTime("--before", o.query.Before)
	if err != nil {
		return err
	}
	if !after.IsZero() && !before.IsZero() && before.Before(after) {
		return usage("", "--before %s is earlier than --after %s: nothing can be between them", o.query.Before, o.query.After)
	}
	return nil
}

// isoTime reads a day or a time; the zero time if there is none.
func isoTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("", "%s must look like 2026-01-31 or 2026-01-31T08:00:00Z, not %q", flag, text)
}

func lightfastSearch(cmd *cobra.Command, o *lightfastSearchOptions) error {
	client, err := o.env.lightfast()
	if err != nil {
		return err
	}
	if o.all {
		return lightfastSearchAll(cmd, o, client)
	}
	page, err := client.Search(cmd.Context(), o.query)
	if err != nil {
		return notInGeneration(err)
	}
	return o.write(page)
}

// lightfastSearchAll fetches page after page. Lines go out as they come; text and JSON only when all is there.
func lightfastSearchAll(cmd *cobra.Command, o *lightfastSearchOptions, client *lightfast.Client) error {
	o.query.Limit = lightfast.MaxLimit
	all := &lightfast.Page{Total: -1}
	for page, err := range client.Pages(cmd.Context(), o.query, o.most) {
		if err != nil {
			return notInGeneration(err)
		}
		all.Results, all.Items, all.Total = append(all.Results, page.Results...), append(all.Items, page.Items...), page.Total
		if !o.env.printer.Lines() {
			continue
		}
		if err := o.writeLines(page.Items); err != nil {
			return err
		}
	}
	seen := o.query.Offset + len(all.Results)
	switch {
	case all.Total > seen && len(all.Results) >= o.most:
		o.env.say("%d of %d results; --max N fetches more.", len(all.Results), all.Total)
	case all.Total > seen:
		o.env.say("The service gave only %d of the %d results that it counts.", len(all.Results), all.Total)
	}
	if o.env.printer.Lines() {
		return nil
	}
	joined := map[string]any{"results": all.Items}
	if all.Items == nil {
		joined["results"] = []any{}
	}
	if all.Total >= 0 {
		joined["total"] = all.Total
	}
	raw, err := json.Marshal(joined)
	if err != nil {
		return fmt.Errorf("could not join the pages: %w", err)
	}
	all.Raw = raw
	return o.write(all)
}

func (o *lightfastSearchOptions) writeLines(items []json.RawMessage) error {
	for _, item := range items {
		if err := o.env.printer.Line(item); err != nil {
			return err
		}
	}
	return nil
}

func (o *lightfastSearchOptions) write(page *lightfast.Page) error {
	if o.env.printer.Lines() {
		return o.writeLines(page.Items)
	}
	return o.env.printer.Data(page.Raw, func(p *output.Page) {
		if len(page.Results) == 0 {
			p.Line("Nothing was found.")
			return
		}
		for i, r := range page.Results {
			writeLightfastResult(p, o.query.Offset+i+1, r)
		}
		if next := o.query.Offset + len(page.Results); next < page.Total {
			p.Line("%s", p.Faint(fmt.Sprintf("%d of %d; go on with --offset %d", len(page.Results), page.Total, next)))
		}
	})
}
