package planner

import (
	"cmp"
	"slices"
	"strings"
)

// A BrandContext is what the platform knows about a brand. All parts of a workspace without content are nil.
type BrandContext struct {
	BrandDNA    *BrandDNA `json:"brandDna"`
	Guidance    *Guidance `json:"guidance"`
	TopPatterns *Patterns `json:"topPatterns"`
}

// BrandDNA describes how a brand speaks and looks.
type BrandDNA struct {
	VoiceAttributes    []string    `json:"voiceAttributes"`
	VisualIdentity     []string    `json:"visualIdentity"`
	ContentPillars     []string    `json:"contentPillars"`
	AudienceSignals    []string    `json:"audienceSignals"`
	Guardrails         []string    `json:"guardrails"`
	ToneSpectrum       Tone        `json:"toneSpectrum"`
	PerformanceProfile Performance `json:"performanceProfile"`
}

// A Tone is the tone of a brand.
type Tone struct {
	Primary   string   `json:"primary"`
	Secondary string   `json:"secondary"`
	Avoid     []string `json:"avoid"`
}

// Performance says what worked for a brand.
type Performance struct {
	TopPatterns       []string `json:"topPatterns"`
	WeakPatterns      []string `json:"weakPatterns"`
	AvgEngagementTier string   `json:"avgEngagementTier"`
}

// Guidance is advice for new content.
type Guidance struct {
	PromptDirectives  []string `json:"promptDirectives"`
	NegativePrompts   []string `json:"negativePrompts"`
	RecommendedMoves  []string `json:"recommendedMoves"`
	TestIdeas         []string `json:"testIdeas"`
	WinningPatterns   []string `json:"winningPatterns"`
	WeakPatterns      []string `json:"weakPatterns"`
	SupportingMetrics []string `json:"supportingMetrics"`
	CreativeStructure string   `json:"creativeStructure"`
}

// Patterns are the best items of a brand and their patterns.
type Patterns struct {
	TopItems     []Item    `json:"topItems"`
	TopPatterns  []Pattern `json:"topPatterns"`
	WeakPatterns []string  `json:"weakPatterns"`
}

// An Item is a content item that is published.
type Item struct {
	ID               string   `json:"id"`
	Title            string   `json:"title"`
	Modality         string   `json:"modality"`
	Platform         string   `json:"platform"`
	PerformanceScore float64  `json:"performanceScore"` // 0 to 1
	WinningPatterns  []string `json:"winningPatterns"`

	campaign string // its id
}

// A Pattern is what several items have in common.
type Pattern struct {
	Pattern        string  `json:"pattern"`
	Occurrences    int     `json:"occurrences"`
	AvgPerformance float64 `json:"avgPerformance"`
}

// A Filter selects items. The zero value of a field selects all.
type Filter struct {
	Platform, Modality         string
	BrandProfileID, CampaignID string
	IDs                        []string
	Limit                      int
}

// selectsItems reports whether the filter is for the brand that has published items.
func (f Filter) selectsItems() bool {
	return f.BrandProfileID == "" || f.BrandProfileID == Profiles()[0].ID
}

// Items returns the published items that a filter selects, the best first.
func Items(f Filter) []Item {
	items := []Item{
		{ID: "cnt_summer_sale", Title: "Summer sale", Modality: "image", Platform: "instagram", PerformanceScore: 0.91, WinningPatterns: []string{"Large type"}, campaign: "campaign_spring"},
		{ID: "cnt_new_mugs", Title: "New mugs", Modality: "image", Platform: "instagram", PerformanceScore: 0.78, WinningPatterns: []string{"A plain background"}, campaign: "campaign_launch"},
		{ID: "cnt_studio_day", Title: "A day in the studio", Modality: "video", Platform: "tiktok", PerformanceScore: 0.64, WinningPatterns: []string{"A face in the first second"}},
		{ID: "cnt_price_list", Title: "Price list", Modality: "text", Platform: "linkedin", PerformanceScore: 0.32, WinningPatterns: []string{}},
	}
	items = slices.DeleteFunc(items, func(i Item) bool {
		return !f.selectsItems() || f.CampaignID != "" && f.CampaignID != i.campaign ||
			f.Platform != "" && !strings.EqualFold(f.Platform, i.Platform) || f.Modality != "" && !strings.EqualFold(f.Modality, i.Modality) ||
			len(f.IDs) > 0 && !slices.Contains(f.IDs, i.ID)
	})
	return items[:min(len(items), f.Limit)]
}

// Brand returns the context of the brand that a filter names, by default the first, with the items that the filter selects. A brand
// without items has no guidance and no patterns; an unknown one has nothing.
func Brand(f Filter) BrandContext {
	profile, isKnown := FindProfile(cmp.Or(f.BrandProfileID, Profiles()[0].ID))
	switch {
	case !isKnown:
		return BrandContext{}
	case !f.selectsItems():
		return BrandContext{BrandDNA: &profile.dna}
	}
	return BrandContext{
		BrandDNA: &profile.dna,
		Guidance: &Guidance{
			PromptDirectives: []string{"Use at most six words"}, NegativePrompts: []string{"No small print"},
			RecommendedMoves: []string{"Announce the date"}, TestIdeas: []string{"Compare a price with a percentage"},
			WinningPatterns: []string{"Large type"}, WeakPatterns: []string{"Small print"},
			SupportingMetrics: []string{"Large type: 2 items, 0.85 on average"}, CreativeStructure: "headline, then the date",
		},
		TopPatterns: &Patterns{
			TopItems:     Items(f),
			TopPatterns:  []Pattern{{Pattern: "Large type", Occurrences: 2, AvgPerformance: 0.85}},
			WeakPatterns: []string{"Small print"},
		},
	}
}

// Label returns a word for a score from 0 to 1.
func Label(score float64) string {
	switch {
	case score >= 0.75:
		return "strong"
	case score >= 0.5:
		return "fair"
	}
	return "weak"
}
