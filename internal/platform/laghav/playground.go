package laghav

import (
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/platform/laghav/prompt"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// Limits of the playground, which needs no key.
const (
	playgroundCalls = 10   // in a day, for each address
	playgroundChars = 5000 // in a text
)

// playground answers POST /v1/playground: it shortens a text. Laghav does not document the reply; the names are those of
// laghav_meta.
func (s *server) playground(w http.ResponseWriter, r *http.Request) error {
	body := struct {
		Text           string  `json:"text"`
		ContentType    string  `json:"content_type"`
		Aggressiveness float64 `json:"aggressiveness"`
		Turnstile      string  `json:"cf_turnstile_token"`
	}{ContentType: "auto", Aggressiveness: 0.5}
	if err := decodeBody(w, r, &body); err != nil {
		return err
	}
	switch {
	case body.Text == "":
		return invalid("text is required")
	case utf8.RuneCountInString(body.Text) > playgroundChars:
		return &refusal{status: http.StatusBadRequest, code: "INPUT_TOO_LARGE", message: "The playground takes at most 5,000 characters"}
	case body.Aggressiveness < 0 || body.Aggressiveness > 1:
		return invalid("aggressiveness must be between 0 and 1")
	}
	var calls int
	var ok bool
	err := s.Store.Update(func(tx *wire.Tx) error {
		calls, ok = s.countDay(tx, "playground "+wire.ClientAddress(r), playgroundCalls)
		return nil
	})
	if err != nil {
		return err
	}
	if !ok {
		return &refusal{
			status: http.StatusTooManyRequests, code: "PLAYGROUND_LIMIT_EXCEEDED", message: "Daily playground limit reached",
			more: map[string]any{"calls_used": calls, "reset_at": s.nextMidnight().Format(time.RFC3339)},
		}
	}
	short, rules := prompt.Shorten(body.Text, body.Aggressiveness, nil)
	f := newFigures(prompt.Tokens(body.Text), prompt.Tokens(short), 0, false)
	wire.WriteJSON(w, http.StatusOK, map[string]any{
		"compressed_text": short, "original_tokens": f.Original, "compressed_tokens": f.Compressed, "compression_ratio": f.Ratio,
		"quality_score": prompt.Quality(body.Text, short), "rules_applied": append([]string{}, rules...),
	})
	return nil
}
