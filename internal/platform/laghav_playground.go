package platform

import (
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/platform/prompt"
)

// Limits of the playground for somebody without an account.
const (
	playgroundCalls = 10   // a day, from one address
	playgroundChars = 5000 // of one text
)

// laghavPlayground shortens a text without a key. Its reply is not documented; the names are those of laghav_meta.
func (s *Server) laghavPlayground(w http.ResponseWriter, r *http.Request) error {
	body := struct {
		Text           string  `json:"text"`
		ContentType    string  `json:"content_type"`
		Aggressiveness float64 `json:"aggressiveness"`
		Turnstile      string  `json:"cf_turnstile_token"`
	}{ContentType: "auto", Aggressiveness: 0.5}
	if err := laghavBody(w, r, &body); err != nil {
		return err
	}
	switch {
	case body.Text == "":
		return laghavInvalid("text is required")
	case utf8.RuneCountInString(body.Text) > playgroundChars:
		return &laghavError{status: http.StatusBadRequest, code: "INPUT_TOO_LARGE", message: "The playground takes at most 5,000 characters"}
	case body.Aggressiveness < 0 || body.Aggressiveness > 1:
		return laghavInvalid("aggressiveness must be between 0 and 1")
	}
	var made int
	var ok bool
	err := s.store.update(func(tx *tx) error {
		made, ok = s.countDay(tx, "playground "+clientAddress(r), playgroundCalls)
		return nil
	})
	if err != nil {
		return err
	}
	if !ok {
		return &laghavError{
			status: http.StatusTooManyRequests, code: "PLAYGROUND_LIMIT_EXCEEDED", message: "Daily playground limit reached",
			more: map[string]any{"calls_used": made, "reset_at": s.midnight().Format(time.RFC3339)},
		}
	}
	short, rules := prompt.Shorten(body.Text, body.Aggressiveness, nil)
	f := newFigures(prompt.Tokens(body.Text), prompt.Tokens(short), 0, false)
	writeJSON(w, http.StatusOK, map[string]any{
		"compressed_text": short, "original_tokens": f.Original, "compressed_tokens": f.Compressed, "compression_ratio": f.Ratio,
		"quality_score": prompt.Quality(body.Text, short), "rules_applied": append([]string{}, rules...),
	})
	return nil
}
