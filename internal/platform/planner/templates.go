package planner

import "slices"

// A Template is a sample template. It chooses an app and fills some of its inputs.
type Template struct {
	ID                    string         `json:"id"`
	Name                  string         `json:"name"`
	Description           string         `json:"description"`
	Category              string         `json:"category"`
	SuggestedModalities   []string       `json:"suggestedModalities"`
	SuggestedPlatforms    []string       `json:"suggestedPlatforms"`
	GuidanceData          TemplateAdvice `json:"guidanceData"`
	MultiAssetComposition []Asset        `json:"multiAssetComposition,omitempty"`
	IsBuiltIn             bool           `json:"isBuiltIn"`

	app    string // slug
	inputs map[string]any
}

// TemplateAdvice is the advice of a template.
type TemplateAdvice struct {
	PromptDirectives  []string `json:"promptDirectives"`
	NegativePrompts   []string `json:"negativePrompts"`
	WinningPatterns   []string `json:"winningPatterns"`
	TestIdeas         []string `json:"testIdeas"`
	CreativeStructure string   `json:"creativeStructure"`
}

// An Asset is one part of content that consists of several.
type Asset struct {
	Role        string `json:"role"`
	Modality    string `json:"modality"`
	Description string `json:"description"`
}

// Templates returns the sample templates.
func Templates() []Template {
	return []Template{
		{
			ID: "tpl_sale_poster", Name: "Sale poster", Category: "promotion",
			Description:         "A loud poster that announces a sale.",
			SuggestedModalities: []string{"image"}, SuggestedPlatforms: []string{"instagram", "facebook"},
			GuidanceData: TemplateAdvice{
				PromptDirectives: []string{"Say what is sold and for how long", "Use at most six words"},
				NegativePrompts:  []string{"No small print"}, WinningPatterns: []string{"Large type", "One colour"},
				TestIdeas: []string{"Compare a price with a percentage"}, CreativeStructure: "headline, then the date",
			},
			IsBuiltIn: true, app: "poster", inputs: map[string]any{"style": "Bold", "aspect_ratio": "4:5"},
		},
		{
			ID: "tpl_quote_card", Name: "Quote card", Category: "brand",
			Description:         "A calm card with a quotation.",
			SuggestedModalities: []string{"image"}, SuggestedPlatforms: []string{"linkedin", "pinterest"},
			GuidanceData: TemplateAdvice{
				PromptDirectives: []string{"Quote one sentence", "Name the speaker below it"},
				NegativePrompts:  []string{"No exclamation marks"}, WinningPatterns: []string{"White space"},
				TestIdeas: []string{"Compare a customer with a founder"}, CreativeStructure: "quotation, then the name",
			},
			IsBuiltIn: true, app: "poster", inputs: map[string]any{"style": "Elegant", "aspect_ratio": "1:1"},
		},
		{
			ID: "tpl_product_set", Name: "Product set", Category: "commerce",
			Description:         "One product picture in the shapes of a shop and of social networks.",
			SuggestedModalities: []string{"image"}, SuggestedPlatforms: []string{"instagram", "shopify"},
			GuidanceData: TemplateAdvice{
				PromptDirectives: []string{"Show the whole product"}, NegativePrompts: []string{"No people"},
				WinningPatterns: []string{"A plain background"}, TestIdeas: []string{"Compare white with blur"},
				CreativeStructure: "square, portrait, story, banner",
			},
			MultiAssetComposition: []Asset{
				{Role: "shop", Modality: "image", Description: "The square picture of the shop"},
				{Role: "story", Modality: "image", Description: "The tall picture of a story"},
			},
			IsBuiltIn: true, app: "product-shots", inputs: map[string]any{"background": "White"},
		},
	}
}

// FindTemplate returns the template with an id.
func FindTemplate(id string) (Template, bool) {
	all := Templates()
	i := slices.IndexFunc(all, func(t Template) bool { return t.ID == id })
	if i < 0 {
		return Template{}, false
	}
	return all[i], true
}
