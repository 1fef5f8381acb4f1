package api

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/uselamina/lamina/internal/api/loose"
)

// An IntelligenceFilter selects what the service knows about the content of a workspace. The zero value of a field selects all.
type IntelligenceFilter struct {
	BrandProfileID, CampaignID, WorkflowID string
	Platform, Modality, Objective          string
	TopK                                   int // of the brand context: the number of items
	Limit                                  int // of recommendations: at most 100
}

func (f IntelligenceFilter) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{
		"brandProfileId": f.BrandProfileID, "campaignId": f.CampaignID, "workflowId": f.WorkflowID,
		"platform": f.Platform, "modality": f.Modality, "objective": f.Objective, "topK": number(f.TopK), "limit": number(f.Limit),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// number returns a number of a query; "" for 0, which means the default of the service.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// A BrandContext is what the service knows about a brand. A new workspace has none of its parts, which is not an error.
type BrandContext struct {
	BrandDNA    *BrandDNA    `json:"brandDna"`
	Guidance    *Guidance    `json:"guidance"`
	TopPatterns *TopPatterns `json:"topPatterns"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (b *BrandContext) UnmarshalJSON(raw []byte) error {
	type plain BrandContext
	*b = BrandContext{}
	return loose.Unmarshal(raw, (*plain)(b))
}

// A BrandDNA describes how a brand speaks and looks.
type BrandDNA struct {
	VoiceAttributes []anyText `json:"voiceAttributes"`
	VisualIdentity  []anyText `json:"visualIdentity"`
	ContentPillars  []anyText `json:"contentPillars"`
	AudienceSignals []anyText `json:"audienceSignals"`
	Guardrails      []anyText `json:"guardrails"`
	ToneSpectrum    struct {
		Primary   loose.Text `json:"primary"`
		Secondary loose.Text `json:"secondary"`
		Avoid     []anyText  `json:"avoid"`
	} `json:"toneSpectrum"`
	PerformanceProfile struct {
		TopPatterns       []anyText  `json:"topPatterns"`
		WeakPatterns      []anyText  `json:"weakPatterns"`
		AvgEngagementTier loose.Text `json:"avgEngagementTier"`
	} `json:"performanceProfile"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (d *BrandDNA) UnmarshalJSON(raw []byte) error {
	type plain BrandDNA
	*d = BrandDNA{}
	_ = loose.Unmarshal(raw, (*plain)(d)) // any other shape is empty
	return nil
}

// TopPatterns are the best content items of a brand, and what they have in common.
type TopPatterns struct {
	TopItems     []TopItem  `json:"topItems"`
	TopPatterns  []BestSeen `json:"topPatterns"`
	WeakPatterns []anyText  `json:"weakPatterns"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (t *TopPatterns) UnmarshalJSON(raw []byte) error {
	type plain TopPatterns
	*t = TopPatterns{}
	_ = loose.Unmarshal(raw, (*plain)(t)) // any other shape is empty
	return nil
}

// A TopItem is a content item that performed well.
type TopItem struct {
	ID               loose.Text `json:"id"`
	Title            loose.Text `json:"title"`
	Modality         loose.Text `json:"modality"`
	Platform         loose.Text `json:"platform"`
	PerformanceScore loose.Text `json:"performanceScore"`
	WinningPatterns  []anyText  `json:"winningPatterns"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (t *TopItem) UnmarshalJSON(raw []byte) error {
	type plain TopItem
	*t = TopItem{}
	_ = loose.Unmarshal(raw, (*plain)(t)) // any other shape is empty
	return nil
}

// A BestSeen is a pattern with its occurrences and its average performance.
type BestSeen struct {
	Pattern        loose.Text `json:"pattern"`
	Occurrences    loose.Text `json:"occurrences"`
	AvgPerformance loose.Text `json:"avgPerformance"`
}

// UnmarshalJSON implements json.Unmarshaler. A pattern of another shape is its text.
func (b *BestSeen) UnmarshalJSON(raw []byte) error {
	type plain BestSeen
	*b = BestSeen{}
	if loose.Unmarshal(raw, (*plain)(b)) != nil {
		_ = b.Pattern.UnmarshalJSON(raw) // never fails
	}
	return nil
}

// BrandContext returns what the service knows about a brand.
func (c *Client) BrandContext(ctx context.Context, f IntelligenceFilter) (*Reply[BrandContext], error) {
	return call[BrandContext](ctx, c, Call{Method: http.MethodGet, Path: "/v1/intelligence/brand-context", Query: f.query()})
}

// A PredictRequest is the body of POST /v1/intelligence/predict. The first three fields are required.
type PredictRequest struct {
	Concept        string `json:"concept"`
	Platform       string `json:"platform"`
	Modality       string `json:"modality"`
	BrandProfileID string `json:"brandProfileId,omitempty"`
	CampaignID     string `json:"campaignId,omitempty"`
}

// A Prediction says how content is expected to perform. Values are numbers or words; the documentation says neither.
type Prediction struct {
	TrendAlignment         loose.Text   `json:"trendAlignment"`
	BrandFit               loose.Text   `json:"brandFit"`
	PerformancePrediction  anyText      `json:"performancePrediction"`
	FatigueRisk            loose.Text   `json:"fatigueRisk"`
	Confidence             loose.Number `json:"confidence"` // 0 to 1
	Reasoning              []anyText    `json:"reasoning"`
	ComparableContentItems []anyText    `json:"comparableContentItemIds"`
	RecommendedAdjustments []anyText    `json:"recommendedAdjustments"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (p *Prediction) UnmarshalJSON(raw []byte) error {
	type plain Prediction
	*p = Prediction{}
	return loose.Unmarshal(raw, (*plain)(p))
}

// Predict returns the expected performance of a concept. The service calls a language model for it.
func (c *Client) Predict(ctx context.Context, req PredictRequest) (*Reply[Prediction], error) {
	return content[Prediction](ctx, c, "/v1/intelligence/predict", req)
}

// A Recommendation is a proposal of the service for content.
type Recommendation struct {
	ID        loose.Text `json:"id"`
	Type      loose.Text `json:"type"`
	Status    loose.Text `json:"status"`
	Priority  loose.Text `json:"priority"`
	Title     loose.Text `json:"title"`
	Summary   loose.Text `json:"summary"`
	CreatedAt loose.Time `json:"createdAt"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (r *Recommendation) UnmarshalJSON(raw []byte) error {
	type plain Recommendation
	*r = Recommendation{}
	return loose.Unmarshal(raw, (*plain)(r))
}

// Recommendations returns proposals of the service, the most important first.
func (c *Client) Recommendations(ctx context.Context, f IntelligenceFilter) (*Reply[[]Recommendation], error) {
	return call[[]Recommendation](ctx, c, Call{Method: http.MethodGet, Path: "/v1/intelligence/recommendations", Query: f.query()})
}

// A TrendFilter selects trends. The zero value of a field means all, or the default of the service.
type TrendFilter struct {
	Category, Platform string
	WindowDays, Limit  int // by default 7 and 20
}

// Trends are the patterns of a window of time.
type Trends struct {
	Category          loose.Text `json:"category"`
	Platform          loose.Text `json:"platform"`
	TopPatterns       []Trend    `json:"topPatterns"`
	EmergingPatterns  []Trend    `json:"emergingPatterns"`
	DecliningPatterns []Trend    `json:"decliningPatterns"`
	WindowStart       loose.Time `json:"windowStart"`
	WindowEnd         loose.Time `json:"windowEnd"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (t *Trends) UnmarshalJSON(raw []byte) error {
	type plain Trends
	*t = Trends{}
	return loose.Unmarshal(raw, (*plain)(t))
}

// A Trend is a pattern and its momentum, a number or a word.
type Trend struct {
	Label, Momentum, Format string
}

// UnmarshalJSON implements json.Unmarshaler. A trend is an object or its label.
func (t *Trend) UnmarshalJSON(raw []byte) error {
	var o struct{ Label, Pattern, Momentum, FormatDescription loose.Text }
	if loose.Unmarshal(raw, &o) != nil {
		_ = o.Label.UnmarshalJSON(raw) // never fails
	}
	*t = Trend{Label: string(cmp.Or(o.Label, o.Pattern)), Momentum: string(o.Momentum), Format: string(o.FormatDescription)}
	return nil
}

// Trends returns the patterns of a window of time.
func (c *Client) Trends(ctx context.Context, f TrendFilter) (*Reply[Trends], error) {
	query := url.Values{}
	for name, value := range map[string]string{
		"category": f.Category, "platform": f.Platform, "windowDays": number(f.WindowDays), "limit": number(f.Limit),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return call[Trends](ctx, c, Call{Method: http.MethodGet, Path: "/v1/intelligence/trends", Query: query})
}
