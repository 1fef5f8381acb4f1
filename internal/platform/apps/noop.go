package apps

import (
	"context"

	"github.com/uselamina/lamina/internal/api"
)

func noop() App {
	return App{
		ID:          "c3b0f5d1-2a7e-4f86-9d14-6e0b8a53f7c2",
		Slug:        "noop",
		Name:        "Noop",
		Description: "Makes no output, and completes at once. It is for tests with many runs.",
		Icon:        "⚪",
		Modality:    "text",
		Keywords:    []string{"noop", "batch"},
		Capabilities: api.Capabilities{
			Produces:            []string{},
			Strengths:           []string{"Completes at once"},
			BestFor:             []string{"Testing a program that starts many runs"},
			Limitations:         []string{"Has no outputs"},
			OutputFormats:       []string{},
			GenerationStepCount: 1,
			NodeTypes:           []string{"input", "noop"},
		},
		Parameters: parameters{
			textInput("noop", "text", "Text", "Any text. It tells one run from another.").withDefault(""),
			textInput("noop", "n", "N", "Any text, such as a number.").withDefault(""),
		}.wire(),
		Steps: []Step{
			{ID: "text", Type: "input", Label: "Text", For: Shared},
			{ID: "noop", Type: "noop", Label: "Do nothing", Credits: 1, For: Shared, After: []string{"text"}},
		},
		Make: func(ctx context.Context, _ Job) error { return ctx.Err() },
	}
}
