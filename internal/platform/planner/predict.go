package planner

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Trend is a pattern of the last days.
type Trend struct {
	Label                 string   `json:"label"`
	Momentum              float64  `json:"momentum"` // -1 to 1
	ExampleContentItemIDs []string `json:"exampleContentItemIds"`
	FormatDescription     string   `json:"formatDescription"`
}

// A ShortTrend is a Trend without examples.
type ShortTrend struct {
	Label    string  `json:"label"`
	Momentum float64 `json:"momentum"`
}

// Trends are the trends of a window of time.
type Trends struct {
	Category          *string      `json:"category"`
	Platform          *string      `json:"platform"`
	TopPatterns       []Trend      `json:"topPatterns"`
	EmergingPatterns  []ShortTrend `json:"emergingPatterns"`
	DecliningPatterns []ShortTrend `json:"decliningPatterns"`
	WindowStart       time.Time    `json:"windowStart"`
	WindowEnd         time.Time    `json:"windowEnd"`
}

// CurrentTrends returns the sample trends, at most limit of each kind.
func CurrentTrends(limit int) Trends {
	top := []Trend{
		{Label: "Large type", Momentum: 0.8, ExampleContentItemIDs: []string{"cnt_summer_sale"}, FormatDescription: "A few words that fill the picture"},
		{Label: "Neon colours", Momentum: 0.6, ExampleContentItemIDs: []string{}, FormatDescription: "Light letters on a dark ground"},
		{Label: "Plain background", Momentum: 0.4, ExampleContentItemIDs: []string{"cnt_new_mugs"}, FormatDescription: "One product on one colour"},
	}
	emerging := []ShortTrend{{Label: "Paper texture", Momentum: 0.3}, {Label: "Handwriting", Momentum: 0.2}}
	declining := []ShortTrend{{Label: "Small print", Momentum: -0.5}}
	return Trends{
		TopPatterns: top[:min(len(top), limit)], EmergingPatterns: emerging[:min(len(emerging), limit)],
		DecliningPatterns: declining[:min(len(declining), limit)],
	}
}

// A Prediction says how content is expected to perform. Every share is 0 to 1.
type Prediction struct {
	TrendAlignment           float64  `json:"trendAlignment"`
	BrandFit                 float64  `json:"brandFit"`
	PerformancePrediction    float64  `json:"performancePrediction"`
	FatigueRisk              float64  `json:"fatigueRisk"`
	Confidence               float64  `json:"confidence"`
	Reasoning                []string `json:"reasoning"`
	ComparableContentItemIDs []string `json:"comparableContentItemIds"`
	RecommendedAdjustments   []string `json:"recommendedAdjustments"`
}

// Predict compares the words of a concept with the trends, the brand of a filter and the items that the filter selects. hasBrand reports
// whether the workspace has a brand.
func Predict(concept string, f Filter, hasBrand bool) Prediction {
	wanted := Words(concept)
	f.Limit = math.MaxInt
	trends, brand := CurrentTrends(math.MaxInt), Brand(f).BrandDNA
	var labels []string
	for _, t := range trends.TopPatterns {
		labels = append(labels, t.Label)
	}
	p := Prediction{
		TrendAlignment: share(wanted, strings.Join(labels, " ")), ComparableContentItemIDs: []string{}, RecommendedAdjustments: []string{},
		Confidence: 0.2,
	}
	if hasBrand && brand != nil {
		p.Confidence = 0.6
		p.BrandFit = share(wanted, strings.Join(slices.Concat(brand.ContentPillars, brand.VisualIdentity, brand.VoiceAttributes), " "))
		for _, item := range Items(f) {
			p.ComparableContentItemIDs = append(p.ComparableContentItemIDs, item.ID)
			p.FatigueRisk = max(p.FatigueRisk, share(wanted, item.Title))
		}
	}
	p.PerformancePrediction = math.Round(100*(p.TrendAlignment+p.BrandFit+1-p.FatigueRisk)/3) / 100
	p.Reasoning = []string{
		fmt.Sprintf("%.0f%% of the words are in a trend", 100*p.TrendAlignment),
		fmt.Sprintf("%d published items of this platform and modality", len(p.ComparableContentItemIDs)),
	}
	if p.TrendAlignment == 0 {
		p.RecommendedAdjustments = append(p.RecommendedAdjustments, "Use a trend: "+labels[0])
	}
	if p.FatigueRisk > 0.5 {
		p.RecommendedAdjustments = append(p.RecommendedAdjustments, "Say it in other words than the published items")
	}
	return p
}

// share returns the share of words that a text has, in hundredths.
func share(wanted []string, text string) float64 {
	if len(wanted) == 0 {
		return 0
	}
	known, hits := Words(text), 0
	for _, w := range wanted {
		if slices.Contains(known, w) {
			hits++
		}
	}
	return math.Round(100*float64(hits)/float64(len(wanted))) / 100
}

// A Recommendation proposes content.
type Recommendation struct {
	ID        string         `json:"id"`
	Type      string         `json:"type"`
	Status    string         `json:"status"`
	Priority  string         `json:"priority"`
	Title     string         `json:"title"`
	Summary   string         `json:"summary"`
	Data      map[string]any `json:"data"`
	CreatedAt time.Time      `json:"createdAt"`

	campaign string // its id
}

// Recommendations returns the sample recommendations for a platform and a modality, the most important first. They are a day old.
func Recommendations(f Filter, now time.Time) []Recommendation {
	all := []Recommendation{
		{ID: "rec_sale_poster", campaign: "campaign_spring", Type: "create", Priority: "high", Title: "Announce the next sale", Summary: "The last announcement was your best item.",
			Data: map[string]any{"platform": "instagram", "modality": "image", "templateId": "tpl_sale_poster"}},
		{ID: "rec_new_shapes", campaign: "campaign_launch", Type: "reuse", Priority: "medium", Title: "Show the mugs in other shapes", Summary: "The picture exists only as a square.",
			Data: map[string]any{"platform": "pinterest", "modality": "image", "templateId": "tpl_product_set"}},
		{ID: "rec_less_print", Type: "avoid", Priority: "low", Title: "Drop the price list", Summary: "Few people read it.",
			Data: map[string]any{"platform": "linkedin", "modality": "text"}},
	}
	all = slices.DeleteFunc(all, func(r Recommendation) bool {
		return !f.selectsItems() || f.CampaignID != "" && f.CampaignID != r.campaign ||
			f.Platform != "" && r.Data["platform"] != strings.ToLower(f.Platform) || f.Modality != "" && r.Data["modality"] != strings.ToLower(f.Modality)
	})
	for i := range all {
		all[i].Status, all[i].CreatedAt = "open", now.Add(-24*time.Hour).UTC()
	}
	return all[:min(len(all), f.Limit)]
}

// A Concept is an idea for content, with a brief that POST /v1/content/create accepts as Prompt.
type Concept struct {
	Title                string  `json:"title"`
	Concept              string  `json:"concept"`
	Prompt               string  `json:"prompt"`
	Platform             string  `json:"platform"`
	Modality             string  `json:"modality"`
	Format               string  `json:"format"`
	PredictedPerformance float64 `json:"predictedPerformance"`
	Rationale            string  `json:"rationale"`
}

// Concepts returns posters for a goal, each in another style, the style of the brand first.
func Concepts(goal string, f Filter, count int) []Concept {
	concepts := []Concept{}
	styles := []string{"Bold", "Neon", "Elegant", "Paper"}
	profile, _ := FindProfile(f.BrandProfileID)
	slices.SortStableFunc(styles, func(a, b string) int { return rank(a, profile.style) - rank(b, profile.style) })
	trends := CurrentTrends(math.MaxInt).TopPatterns
	goal = strings.Join(strings.Fields(strings.NewReplacer(`"`, "", "“", "", "”", "").Replace(goal)), " ")
	for i := range count {
		style, trend := styles[i%len(styles)], trends[i%len(trends)]
		prompt := fmt.Sprintf("A poster in %s style that says \"%s\"", strings.ToLower(style), goal)
		concepts = append(concepts, Concept{
			Title: style + ": " + goal, Concept: "A poster with " + strings.ToLower(trend.Label), Prompt: prompt,
			Platform: f.Platform, Modality: f.Modality, Format: trend.FormatDescription,
			PredictedPerformance: Predict(prompt+" "+trend.Label, f, true).PerformancePrediction,
			Rationale:            "The trend is " + trend.Label,
		})
	}
	return concepts
}

// rank returns 0 for the first style, and 1 for any other.
func rank(style, first string) int {
	if style == first {
		return 0
	}
	return 1
}
