package laghav

import (
	"math"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/platform/laghav/prompt"
)

// A languageModel is the description of a model.
type languageModel struct {
	name  string
	dated string  // name in replies
	price float64 // USD for a million tokens of input, as on Laghav's page Supported Models
}

func models() []languageModel {
	return []languageModel{
		{"claude-haiku-3", "claude-haiku-3-20240307", 0.25}, {"claude-sonnet-4", "claude-sonnet-4", 3}, {"claude-opus-4", "claude-opus-4", 15},
		{"gpt-4o-mini", "gpt-4o-mini", 0.15}, {"gpt-4o", "gpt-4o", 5},
		{"gemini-1.5-flash", "gemini-1.5-flash", 0.075}, {"gemini-1.5-pro", "gemini-1.5-pro", 3.5},
	}
}

func modelOf(name string) (languageModel, bool) {
	for _, m := range models() {
		if m.name == name {
			return m, true
		}
	}
	return languageModel{}, false
}

// route chooses a model for a text and returns the reason: one of the four categories of Laghav's router. Without routing,
// it returns Laghav's default model.
func route(text, asked string, routed bool) (m languageModel, reason string) {
	if asked != modelAuto {
		m, _ = modelOf(asked)
		return m, "requested"
	}
	name, reason := "claude-haiku-3", "simple"
	said := prompt.Words(text)
	has := func(list ...string) bool {
		return slices.ContainsFunc(list, func(w string) bool { return slices.Contains(said, w) })
	}
	switch {
	case !routed:
		reason = "routing off"
	case has("translate", "translation"):
		reason = "translation"
	case strings.Contains(text, "```") || has("code", "function", "debug", "compile", "refactor", "sql", "regex", "bug"):
		name, reason = "claude-sonnet-4", "code"
	case len(said) > 400 || has("prove", "legal", "medical", "research", "strategy", "diagnose", "architecture", "contract"):
		name, reason = "claude-opus-4", "complex"
	}
	m, _ = modelOf(name)
	return m, reason
}

// modelAuto is the model of a request that the router decides.
const modelAuto = "auto"

// figures are the tokens and the cost of a call, with and without Laghav. Laghav counts only the input.
type figures struct {
	Original      int     `json:"original_tokens"`
	Compressed    int     `json:"compressed_tokens"`
	Ratio         float64 `json:"compression_ratio"` // saved share, from 0 to 1
	CostOriginal  float64 `json:"cost_original_usd"`
	CostActual    float64 `json:"cost_actual_usd"`
	Saved         float64 `json:"saved_usd"`
	exactOriginal float64 // unrounded, for sums
	exactActual   float64
}

func newFigures(original, compressed int, price float64, cached bool) figures {
	f := figures{Original: original, Compressed: compressed, exactOriginal: float64(original) * price / 1e6}
	if !cached {
		f.exactActual = float64(compressed) * price / 1e6
	}
	if original > 0 {
		f.Ratio = round(1-float64(compressed)/float64(original), 2)
	}
	f.CostOriginal, f.CostActual = round(f.exactOriginal, 6), round(f.exactActual, 6)
	f.Saved = round(f.exactOriginal-f.exactActual, 6)
	return f
}

func round(x float64, places int) float64 {
	p := math.Pow10(places)
	return math.Round(x*p) / p
}
