package laghav

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/uselamina/lamina/internal/api"
)

// PlaygroundChars is how many characters the playground takes.
const PlaygroundChars = 5000

// A Shortened is a text that was made shorter. Only Text is sure to be there, as the reply is not documented.
type Shortened struct {
	Text    string
	Figures Figures
	Rules   []string
}

// Playground shortens a text, without a key. Each call counts against the ten of a day.
func (c *Client) Playground(ctx context.Context, text, contentType string, aggressiveness float64) (Shortened, json.RawMessage, error) {
	call := api.Call{Method: http.MethodPost, Path: "/v1/playground", Body: map[string]any{
		"text": text, "content_type": contentType, "aggressiveness": aggressiveness, "cf_turnstile_token": "",
	}}
	answer, err := c.api.Do(ctx, call)
	if err != nil {
		return Shortened{}, nil, err
	}
	o, err := readObject(answer.Raw, "data", "result")
	if err != nil {
		return Shortened{}, nil, answer.Unexpected(call, "the answer is no text", err)
	}
	short := Shortened{Text: o.text("compressed_text", "compressed", "compressed_prompt", "output", "result", "text")}
	if short.Text == "" {
		return Shortened{}, nil, answer.Unexpected(call, "the answer has no shortened text in it", errShape)
	}
	if meta, err := readObject(o["laghav_meta"]); err == nil {
		o = meta
	}
	short.Figures = Figures{
		Original: int(o.number("original_tokens", "tokens_original")), Compressed: int(o.number("compressed_tokens", "tokens_compressed")),
	}
	if _, here := o["quality_score"]; here {
		q := o.number("quality_score")
		short.Figures.Quality = &q
	}
	_ = json.Unmarshal(o["rules_applied"], &short.Rules) // what fits is enough
	return short, answer.Raw, nil
}
