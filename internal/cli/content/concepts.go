package content

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

type conceptsOptions struct {
	env *cmdutil.Env
	req api.ConceptsRequest
}

func newBrief(env *cmdutil.Env) *cobra.Command {
	opts := &conceptsOptions{env: env}
	cmd := &cobra.Command{
		Use:   "brief GOAL…",
		Short: "Find concepts for a goal",
		Long:  "Find concepts for a goal. Each has a prompt, which is the brief for 'lamina content create'. Nothing is started.",
		Example: "lamina content brief sell more mugs in summer\n" +
			"lamina content brief a summer sale --count 5 --platform instagram --jq '.data.concepts[].prompt'",
		Args: cmdutil.NeedArgs("GOAL…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.req.Goal = joinWords(args); opts.req.Goal == "" {
				return fail.Usage(cmd.CommandPath()+" --help", "the goal is empty")
			}
			if opts.req.Count < 0 {
				return fail.Usage("", "--count must be 1 or more")
			}
			return listConcepts(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	addTarget(f, &opts.req.Platform, &opts.req.Modality)
	f.IntVar(&opts.req.Count, "count", 0, "find `N` concepts (default: the service's)")
	f.StringVar(&opts.req.BrandProfileID, "brand-profile-id", "", "follow the brand profile with this `ID`")
	return cmd
}

func listConcepts(ctx context.Context, opts *conceptsOptions) error {
	client, err := opts.env.Sessions.Client()
	if err != nil {
		return err
	}
	reply, err := busy(opts.env, "looking for concepts", func() (*api.Reply[api.Concepts], error) { return client.Concepts(ctx, opts.req) })
	if err != nil {
		return err
	}
	return opts.env.Printer.Data(reply.Raw, func(p *output.Page) { writeConcepts(p, opts.env, reply.Data.Concepts) })
}

// writeConcepts shows concepts, and for each the command that creates it.
func writeConcepts(p *output.Page, env *cmdutil.Env, concepts []api.Concept) {
	if len(concepts) == 0 {
		p.Line("The service has no concept for this goal.")
		return
	}
	for i, c := range concepts {
		if i > 0 {
			p.Line("")
		}
		p.Line("%s", p.Bold(cmp.Or(c.Title, "(without a title)")))
		if c.Concept != "" {
			p.Wrapped("%s", c.Concept)
		}
		p.Fields("for", join(c.Platform, c.Modality), "format", c.Format, "performance", string(c.PredictedPerformance), "why", string(c.Rationale))
		prompt := cmp.Or(c.Prompt, c.Concept, c.Title)
		if prompt == "" {
			continue
		}
		args := []string{"content", "create", asArgument(prompt)}
		for _, flag := range [][2]string{{"--platform", c.Platform}, {"--modality", c.Modality}} {
			if flag[1] != "" {
				args = append(args, flag[0], flag[1])
			}
		}
		p.Line("%s", p.Command(env.Command(args...)))
	}
}

// join returns the texts that are not empty, separated by commas.
func join(texts ...string) (joined string) {
	for _, text := range texts {
		if text != "" && joined != "" {
			joined += ", "
		}
		joined += text
	}
	return joined
}

type scoreOptions struct {
	env *cmdutil.Env
	req api.ScoreRequest
}

func newScore(env *cmdutil.Env) *cobra.Command {
	opts := &scoreOptions{env: env}
	cmd := &cobra.Command{
		Use:   "score [ITEM…]",
		Short: "Show scores of published content",
		Long: "Score content items of the workspace: those with the given ids, or those that the service chooses. The service scores what it\n" +
			"knows from connected sources; without any, there are no scores, which is no error.",
		Example: "lamina content score\nlamina content score --platform instagram --jq '.data.scores[] | [.contentItemId, .score] | @tsv'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.req.ContentItemIDs = args; opts.req.Limit < 0 {
				return fail.Usage("", "--limit must be 1 or more")
			}
			return score(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	addTarget(f, &opts.req.Platform, &opts.req.Modality)
	f.Lookup("platform").Usage = "only content of the platform with this `NAME`, such as instagram"
	f.Lookup("modality").Usage = "only this medium: `image|video|audio|text`"
	f.IntVar(&opts.req.Limit, "limit", 0, "score at most `N` items (default: the service's)")
	return cmd
}

func score(ctx context.Context, opts *scoreOptions) error {
	client, err := opts.env.Sessions.Client()
	if err != nil {
		return err
	}
	reply, err := busy(opts.env, "scoring", func() (*api.Reply[api.Scores], error) { return client.ScoreContent(ctx, opts.req) })
	if err != nil {
		return err
	}
	return opts.env.Printer.Data(reply.Raw, func(p *output.Page) { writeScores(p, reply.Data, len(opts.req.ContentItemIDs) > 0) })
}

// writeScores shows scores. hasIDs reports whether items were named.
func writeScores(p *output.Page, scores api.Scores, hasIDs bool) {
	switch {
	case len(scores.Scores) == 0 && hasIDs:
		p.Line("The service has none of these items.")
		return
	case len(scores.Scores) == 0:
		p.Wrapped("%s", "No content was scored. The service scores content of connected sources, such as a shop or a social network; a new workspace has none.")
		return
	}
	var rows [][]string
	for _, s := range scores.Scores {
		value := "unknown"
		if s.Score.IsSet {
			value = fmt.Sprintf("%.2f", s.Score.Value)
		}
		rows = append(rows, []string{value, string(s.Label), string(s.ContentItemID)})
	}
	p.Table([]string{"SCORE", "LABEL", "ITEM"}, rows)
}
