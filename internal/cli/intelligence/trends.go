package intelligence

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newRecommendations(env *cmdutil.Env) *cobra.Command {
	var filter api.IntelligenceFilter
	cmd := &cobra.Command{
		Use:     "recommendations",
		Short:   "List what the service recommends to make next",
		Long:    "List what the service recommends to make next. A new workspace has no recommendations, which is no error.",
		Example: "lamina intelligence recommendations\nlamina intelligence recommendations --platform instagram --jq '.data[].title'",
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if filter.Limit < 0 || filter.Limit > 100 {
				return fail.Usage("", "--limit must be 1 to 100")
			}
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := client.Recommendations(cmd.Context(), filter)
			if err != nil {
				return err
			}
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writeRecommendations(p, reply.Data, env.Now()) })
		},
	}
	addFilter(cmd.Flags(), &filter)
	cmd.Flags().IntVar(&filter.Limit, "limit", 0, "show at most `N` recommendations, up to 100 (default 25)")
	return cmd
}

func writeRecommendations(p *output.Page, all []api.Recommendation, now time.Time) {
	if len(all) == 0 {
		p.Wrapped("%s", "No recommendations: the service makes them from published content.")
		return
	}
	var rows [][]string
	for _, r := range all {
		age := ""
		if !r.CreatedAt.IsZero() {
			age = output.Past(r.CreatedAt.Time, now)
		}
		rows = append(rows, []string{string(r.Title), string(r.Priority), string(r.Type), string(r.Status), age, string(r.Summary), string(r.ID)})
	}
	p.List(output.Table{Header: []string{"TITLE", "PRIORITY", "TYPE", "STATUS", "MADE", "WHY", "ID"}, Rows: rows, Prose: 5})
}

func newTrends(env *cmdutil.Env) *cobra.Command {
	var filter api.TrendFilter
	cmd := &cobra.Command{
		Use:     "trends",
		Short:   "Show which patterns of content rise and fall",
		Example: "lamina intelligence trends\nlamina intelligence trends --platform instagram --window-days 30 --jq '.data.topPatterns[].label'",
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if filter.WindowDays < 0 || filter.Limit < 0 {
				return fail.Usage("", "--window-days and --limit must be 1 or more")
			}
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := client.Trends(cmd.Context(), filter)
			if err != nil {
				return err
			}
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writeTrends(p, reply.Data) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&filter.Category, "category", "", "only the category of this `NAME`")
	f.StringVar(&filter.Platform, "platform", "", "only the platform of this `NAME`, such as instagram")
	f.IntVar(&filter.WindowDays, "window-days", 0, "of the last `N` days (default 7)")
	f.IntVar(&filter.Limit, "limit", 0, "show at most `N` patterns of each kind (default 20)")
	return cmd
}

func writeTrends(p *output.Page, t api.Trends) {
	var rows [][]string
	for _, group := range []struct {
		name   string
		trends []api.Trend
	}{{"top", t.TopPatterns}, {"rising", t.EmergingPatterns}, {"falling", t.DecliningPatterns}} {
		for _, trend := range group.trends {
			rows = append(rows, []string{trend.Label, group.name, trend.Momentum, trend.Format})
		}
	}
	if len(rows) == 0 {
		p.Line("No trends in this window.")
	} else {
		p.List(output.Table{Header: []string{"PATTERN", "KIND", "MOMENTUM", "FORMAT"}, Rows: rows, Prose: 3})
	}
	window := ""
	if !t.WindowStart.IsZero() && !t.WindowEnd.IsZero() {
		window = output.Day(t.WindowStart.Time) + " to " + output.Day(t.WindowEnd.Time)
	}
	p.Line("")
	p.Fields("category", string(t.Category), "platform", string(t.Platform), "window", window)
}
