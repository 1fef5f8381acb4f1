package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/uselamina/lamina/internal/api/loose"
)

// A Template is a template for content, from GET /v1/templates/{id}. Fields of an unexpected type are ignored.
type Template struct {
	ID                    string       `json:"id"`
	Name                  string       `json:"name"`
	Description           string       `json:"description"`
	Category              string       `json:"category"`
	SuggestedModalities   []optionText `json:"suggestedModalities"`
	SuggestedPlatforms    []optionText `json:"suggestedPlatforms"`
	GuidanceData          Guidance     `json:"guidanceData"`
	MultiAssetComposition []struct {
		Role        loose.Text `json:"role"`
		Modality    loose.Text `json:"modality"`
		Description loose.Text `json:"description"`
	} `json:"multiAssetComposition"`
	IsBuiltIn loose.Bool `json:"isBuiltIn"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Template) UnmarshalJSON(raw []byte) error {
	type plain Template
	*t = Template{}
	_ = loose.Unmarshal(raw, (*plain)(t)) // any other shape is empty
	return nil
}

// Guidance is advice for content. A template, or the brand context, has it.
type Guidance struct {
	PromptDirectives  []anyText `json:"promptDirectives"`
	NegativePrompts   []anyText `json:"negativePrompts"`
	RecommendedMoves  []anyText `json:"recommendedMoves"`
	TestIdeas         []anyText `json:"testIdeas"`
	WinningPatterns   []anyText `json:"winningPatterns"`
	WeakPatterns      []anyText `json:"weakPatterns"`
	SupportingMetrics []anyText `json:"supportingMetrics"`
	CreativeStructure anyText   `json:"creativeStructure"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (g *Guidance) UnmarshalJSON(raw []byte) error {
	type plain Guidance
	*g = Guidance{}
	_ = loose.Unmarshal(raw, (*plain)(g)) // any other shape is empty
	return nil
}

// Templates returns the templates of the workspace. The shape of the list is not documented: an array, or an object with one.
func (c *Client) Templates(ctx context.Context) (*Reply[[]Template], error) {
	req := Call{Method: http.MethodGet, Path: "/v1/templates"}
	got, err := c.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	var envelope struct {
		Data       json.RawMessage
		Pagination *Pagination
	}
	if err := got.Decode(req, &envelope); err != nil {
		return nil, err
	}
	reply := &Reply[[]Template]{Pagination: envelope.Pagination, Raw: got.Raw}
	if string(envelope.Data) == "null" {
		return reply, nil
	}
	items, err := loose.List(envelope.Data, "templates", "items", "data")
	if err != nil {
		return nil, got.Unexpected(req, "the response is not a list of templates", err)
	}
	loose.Fill(items, &reply.Data)
	return reply, nil
}

// Template returns a template.
func (c *Client) Template(ctx context.Context, id string) (*Reply[Template], error) {
	return call[Template](ctx, c, Call{Method: http.MethodGet, Path: "/v1/templates/" + url.PathEscape(id)})
}
