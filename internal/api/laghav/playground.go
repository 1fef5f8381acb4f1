package laghav

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// PlaygroundChars is the longest text that the playground accepts, in characters.
const PlaygroundChars = 5000

// A Shortened is a shortened text. All fields but Text may be empty, because the response is not documented.
type Shortened struct {
	Text    string
	Figures Figures
	Rules   []string
}

// playgroundRequest is the body of POST /v1/playground.
type playgroundRequest struct {
	Text           string  `json:"text"`
	ContentType    string  `json:"content_type"`
	Aggressiveness float64 `json:"aggressiveness"`
	TurnstileToken string  `json:"cf_turnstile_token"` // of the web page; sent empty
}

// Playground shortens a text without a key, at most ten times a day. It returns the response as JSON, too.
func (c *Client) Playground(ctx context.Context, text, contentType string, aggressiveness float64) (Shortened, json.RawMessage, error) {
	call := api.Call{Method: http.MethodPost, Path: "/v1/playground", Body: playgroundRequest{
		Text: text, ContentType: contentType, Aggressiveness: aggressiveness,
	}}
	resp, err := c.api.Do(ctx, call)
	if err != nil {
		return Shortened{}, nil, err
	}
	object, err := loose.Object(resp.Raw, "data", "result")
	if err != nil {
		return Shortened{}, nil, resp.Unexpected(call, "the response is not a text", err)
	}
	var w wireShortened
	if err := loose.Unmarshal(object, &w); err != nil {
		return Shortened{}, nil, resp.Unexpected(call, "the response is not a text", err)
	}
	short := w.shortened()
	if short.Text == "" {
		return Shortened{}, nil, resp.Unexpected(call, "the response contains no shortened text", loose.ErrShape)
	}
	return short, resp.Raw, nil
}

// wireShortened is a reply of the playground, with every field name that its examples and such services use.
type wireShortened struct {
	CompressedText   loose.Text `json:"compressed_text"`
	Compressed       loose.Text `json:"compressed"`
	CompressedPrompt loose.Text `json:"compressed_prompt"`
	Output           loose.Text `json:"output"`
	Result           loose.Text `json:"result"`
	Text             loose.Text `json:"text"`

	wireFigures
	Meta *wireFigures `json:"laghav_meta"`
}

// wireFigures are the figures of a reply, which are in an object of their own or not.
type wireFigures struct {
	OriginalTokens   loose.Number `json:"original_tokens"`
	TokensOriginal   loose.Number `json:"tokens_original"`
	CompressedTokens loose.Number `json:"compressed_tokens"`
	TokensCompressed loose.Number `json:"tokens_compressed"`
	QualityScore     loose.Number `json:"quality_score"`
	RulesApplied     []string     `json:"rules_applied"`
}

func (w wireShortened) shortened() Shortened {
	figures := w.wireFigures
	if w.Meta != nil {
		figures = *w.Meta
	}
	original, _ := cmp.Or(figures.OriginalTokens, figures.TokensOriginal).Count()
	compressed, _ := cmp.Or(figures.CompressedTokens, figures.TokensCompressed).Count()
	short := Shortened{
		Text:    string(cmp.Or(w.CompressedText, w.Compressed, w.CompressedPrompt, w.Output, w.Result, w.Text)),
		Figures: Figures{Original: int(original), Compressed: int(compressed)},
		Rules:   figures.RulesApplied,
	}
	if figures.QualityScore.IsSet {
		short.Figures.Quality = &figures.QualityScore.Value
	}
	return short
}
