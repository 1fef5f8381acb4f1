// Package intelligence holds the commands that show what the service knows about a brand, its content and the trends.
package intelligence

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// New returns the command intelligence.
func New(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("intelligence", "See what the service knows about your brand, your content and the trends",
		newBrandContext(env), newPredict(env), newRecommendations(env), newTrends(env))
}

// addFilter declares the flags that select what is shown.
func addFilter(f *pflag.FlagSet, filter *api.IntelligenceFilter) {
	f.StringVar(&filter.BrandProfileID, "brand-profile-id", "", "only the brand profile with this `ID`")
	f.StringVar(&filter.CampaignID, "campaign-id", "", "only the campaign with this `ID`")
	f.StringVar(&filter.WorkflowID, "workflow-id", "", "only content of the app with this `ID`")
	f.StringVar(&filter.Platform, "platform", "", "only the platform of this `NAME`, such as instagram")
	f.StringVar(&filter.Modality, "modality", "", "only this medium: `image|video|audio|text`")
	f.StringVar(&filter.Objective, "objective", "", "only what serves the objective in this `TEXT`, such as awareness")
}

func newBrandContext(env *cmdutil.Env) *cobra.Command {
	var filter api.IntelligenceFilter
	cmd := &cobra.Command{
		Use:     "brand-context",
		Short:   "Show how a brand speaks and looks, and what worked for it",
		Long:    "Show how a brand speaks and looks, the advice for new content, and the best items. A new workspace has none of it, which is no error.",
		Example: "lamina intelligence brand-context\nlamina intelligence brand-context --platform instagram --jq '.data.guidance.promptDirectives[]'",
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if filter.TopK < 0 {
				return fail.Usage("", "--top-k must be 1 or more")
			}
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := client.BrandContext(cmd.Context(), filter)
			if err != nil {
				return err
			}
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writeBrand(p, reply.Data) })
		},
	}
	addFilter(cmd.Flags(), &filter)
	cmd.Flags().IntVar(&filter.TopK, "top-k", 0, "show at most `N` items (default 10)")
	return cmd
}

// writeBrand shows a brand. A part that is missing is said in words.
func writeBrand(p *output.Page, b api.BrandContext) {
	p.Line("%s", p.Bold("Brand"))
	if d := b.BrandDNA; d == nil {
		p.Wrapped("%s", "Not known yet: the service learns it from your content.")
	} else {
		p.Fields("voice", join(d.VoiceAttributes), "looks", join(d.VisualIdentity), "topics", join(d.ContentPillars),
			"audience", join(d.AudienceSignals), "never", join(d.Guardrails),
			"tone", list(string(d.ToneSpectrum.Primary), string(d.ToneSpectrum.Secondary)), "not", join(d.ToneSpectrum.Avoid),
			"works", join(d.PerformanceProfile.TopPatterns), "fails", join(d.PerformanceProfile.WeakPatterns),
			"engagement", string(d.PerformanceProfile.AvgEngagementTier))
	}
	p.Line("\n%s", p.Bold("Advice"))
	if g := b.Guidance; g == nil {
		p.Line("None yet.")
	} else {
		p.Fields("say", join(g.PromptDirectives), "avoid", join(g.NegativePrompts), "next", join(g.RecommendedMoves), "try", join(g.TestIdeas),
			"works", join(g.WinningPatterns), "fails", join(g.WeakPatterns), "because", join(g.SupportingMetrics), "structure", string(g.CreativeStructure))
	}
	p.Line("\n%s", p.Bold("Best content"))
	if t := b.TopPatterns; t == nil || len(t.TopItems)+len(t.TopPatterns) == 0 {
		p.Line("None yet.")
	} else {
		writeBest(p, *t)
	}
}

func writeBest(p *output.Page, t api.TopPatterns) {
	var items, patterns [][]string
	for _, i := range t.TopItems {
		items = append(items, []string{string(i.Title), string(i.PerformanceScore), string(i.Modality), string(i.Platform), join(i.WinningPatterns), string(i.ID)})
	}
	for _, b := range t.TopPatterns {
		patterns = append(patterns, []string{string(b.Pattern), string(b.Occurrences), string(b.AvgPerformance)})
	}
	if len(items) > 0 {
		p.List(output.Table{Header: []string{"TITLE", "SCORE", "MEDIUM", "PLATFORM", "WORKS", "ID"}, Rows: items, Prose: 4})
	}
	if len(patterns) > 0 {
		p.Line("")
		p.Table([]string{"PATTERN", "ITEMS", "SCORE"}, patterns)
	}
	if weak := join(t.WeakPatterns); weak != "" {
		p.Line("")
		p.Fields("fails", weak)
	}
}

// join returns texts as one value.
func join[T ~string](texts []T) string {
	var all []string
	for _, t := range texts {
		all = append(all, string(t))
	}
	return list(all...)
}

// list returns the texts that are not empty as one value.
func list(texts ...string) string {
	var all []string
	for _, t := range texts {
		if t != "" {
			all = append(all, t)
		}
	}
	return strings.Join(all, "; ")
}

func newPredict(env *cmdutil.Env) *cobra.Command {
	var req api.PredictRequest
	cmd := &cobra.Command{
		Use:     "predict CONCEPT…",
		Short:   "Show how a concept may perform",
		Long:    "Show how a concept may perform on a platform. All words together are the concept. Nothing is started.",
		Example: "lamina intelligence predict a neon poster for the summer sale --platform instagram --modality image",
		Args:    cmdutil.NeedArgs("CONCEPT…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Concept = strings.TrimSpace(strings.Join(args, " "))
			if req.Concept == "" || req.Platform == "" || req.Modality == "" {
				return fail.Usage("lamina intelligence predict CONCEPT --platform instagram --modality image", "a concept, --platform and --modality are needed")
			}
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := client.Predict(cmd.Context(), req)
			if err != nil {
				return err
			}
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writePrediction(p, reply.Data) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Platform, "platform", "", "on the platform of this `NAME`, such as instagram; required")
	f.StringVar(&req.Modality, "modality", "", "as this medium: `image|video|audio|text`; required")
	f.StringVar(&req.BrandProfileID, "brand-profile-id", "", "for the brand profile with this `ID`")
	f.StringVar(&req.CampaignID, "campaign-id", "", "in the campaign with this `ID`")
	return cmd
}

func writePrediction(p *output.Page, r api.Prediction) {
	confidence := ""
	if r.Confidence.IsSet {
		confidence = fmt.Sprintf("%.0f%%", 100*r.Confidence.Value)
	}
	p.Fields("performance", string(r.PerformancePrediction), "fits the trends", string(r.TrendAlignment), "fits the brand", string(r.BrandFit),
		"fatigue", string(r.FatigueRisk), "confidence", confidence, "compared with", join(r.ComparableContentItems))
	for _, part := range []struct {
		title string
		lines []string
	}{{"Why", texts(r.Reasoning)}, {"Better", texts(r.RecommendedAdjustments)}} {
		if len(part.lines) > 0 {
			p.Line("\n%s", p.Bold(part.title))
		}
		for _, line := range part.lines {
			p.Wrapped("- %s", line)
		}
	}
}

func texts[T ~string](values []T) (all []string) {
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}
