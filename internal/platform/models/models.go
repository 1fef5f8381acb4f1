// Package models has the models of the local platform: they draw pictures and videos from a prompt and parameters. A model is
// deterministic: the same parameters give the same bytes. No model understands language: a prompt chooses colours by their names,
// and otherwise everything by its letters.
package models

import (
	"context"
	"slices"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
)

// A Model creates one picture or video.
type Model struct {
	api.Model
	Credits  float64
	MimeType string
	render   func(ctx context.Context, job apps.Job, params Params) (apps.Result, error)
}

// Params are the resolved parameters of a generation, as decoded JSON.
type Params map[string]any

// All returns all models in the order of the API.
func All() []Model { return []Model{hills(), mosaic(), lettering(), drift(), shots()} }

// Find returns the model with an id.
func Find(id string) (Model, bool) {
	all := All()
	i := slices.IndexFunc(all, func(m Model) bool { return m.ID == id })
	if i < 0 {
		return Model{}, false
	}
	return all[i], true
}

// Summaries returns the models of a modality.
func Summaries(modality string) []api.ModelSummary {
	found := []api.ModelSummary{}
	for _, m := range All() {
		if m.Modality == modality {
			found = append(found, api.ModelSummary{ID: m.ID, DisplayName: m.DisplayName, Modality: m.Modality})
		}
	}
	return found
}

// App returns the model with parameters as an app without inputs, so that it is run as one.
func (m Model) App(params Params) apps.App {
	return apps.App{
		ID: m.ID, Name: m.DisplayName, Modality: m.Modality,
		Outputs: []apps.Output{{Label: m.DisplayName, Type: m.Modality, MimeType: m.MimeType}},
		Steps:   []apps.Step{{ID: m.ID, Type: "model", Label: m.DisplayName, Credits: m.Credits, For: 0}},
		Make: func(ctx context.Context, job apps.Job) error {
			if err := job.Progress(ctx, 0); err != nil {
				return err
			}
			result, err := m.render(ctx, job, params)
			if err != nil {
				return err
			}
			return job.Deliver(0, result)
		},
	}
}

// A field declares a parameter.
type field struct {
	api.ParamField
}

// schema returns the declarations in the form of the API.
func schema(fields ...field) (s api.ParamSchema) {
	for _, f := range fields {
		s = append(s, f.ParamField)
	}
	return s
}

func param(name, kind, description string) field {
	return field{api.ParamField{Name: name, Schema: api.FieldSchema{Type: kind, Description: description}}}
}

// longestPrompt is the largest number of characters of a prompt.
const longestPrompt = 2000

func prompt(description string) field {
	return param("prompt", "string", description).required().atMost(longestPrompt)
}

func aspectRatio() field {
	return param("aspectRatio", "enum", "The shape of the result.").oneOf("1:1", "4:3", "16:9", "9:16").standard("1:1")
}

func seed() field {
	return param("seed", "integer", "Another number gives another result.").between(0, 1<<31-1).standard(0)
}

func (f field) required() field {
	f.Schema.Required = true
	return f
}

func (f field) standard(value any) field {
	f.Schema.Default = encode(value)
	return f
}

func (f field) oneOf(values ...any) field {
	for _, v := range values {
		f.Schema.Values = append(f.Schema.Values, encode(v))
	}
	return f
}

func (f field) between(least, most float64) field {
	f.Schema.Min, f.Schema.Max = &least, &most
	return f
}

func (f field) inSteps(step float64) field {
	f.Schema.Step = &step
	return f
}

func (f field) atMost(characters int) field {
	f.Schema.MaxLength = &characters
	return f
}

func (f field) items(fewest, most int) field {
	f.Schema.MinItems, f.Schema.MaxItems = &fewest, &most
	return f
}

func (f field) accept(media ...string) field {
	f.Schema.Accept = media
	return f
}

func (f field) of(fields ...field) field {
	f.Schema.ItemSchema = &api.ItemSchema{Fields: schema(fields...)}
	return f
}
