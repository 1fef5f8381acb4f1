package models

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/api"
)

// A Problem is one mistake in the parameters of a generation.
type Problem struct {
	Field   string            `json:"field"`
	Error   string            `json:"error"`
	Message string            `json:"message"`
	Allowed []json.RawMessage `json:"allowed,omitempty"`
	Range   *Range            `json:"range,omitempty"`
	Got     json.RawMessage   `json:"got,omitempty"`
}

// A Range is what a number, a length or a number of items may be.
type Range struct {
	Min  *float64 `json:"min,omitempty"`
	Max  *float64 `json:"max,omitempty"`
	Step *float64 `json:"step,omitempty"`
}

// Resolve checks parameters and adds the defaults. The problems are all mistakes.
func (m Model) Resolve(given map[string]any) (Params, []Problem) {
	resolved, problems := resolve(m.ParamSchema, "", given)
	return Params(resolved), problems
}

func resolve(fields api.ParamSchema, prefix string, given map[string]any) (map[string]any, []Problem) {
	resolved := map[string]any{}
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(given)) {
		f, isKnown := fields.Field(name)
		switch {
		case !isKnown:
			problems = append(problems, unknown(fields, prefix+name, given[name]))
		case given[name] != nil:
			value, wrong := checkValue(f, prefix+name, given[name])
			resolved[name] = value
			problems = append(problems, wrong...)
		}
	}
	for _, f := range fields {
		if resolved[f.Name] != nil {
			continue
		}
		_, isGiven := given[f.Name]
		switch {
		case f.Schema.Default != nil:
			var value any
			_ = json.Unmarshal(f.Schema.Default, &value) // a value of this package
			resolved[f.Name] = value
		case f.Schema.Required && (!isGiven || given[f.Name] == nil):
			problems = append(problems, Problem{Field: prefix + f.Name, Error: "required", Message: f.Name + " is required", Allowed: f.Schema.Values})
		}
	}
	return resolved, problems
}

func unknown(fields api.ParamSchema, name string, got any) Problem {
	var known []json.RawMessage
	for _, f := range fields {
		known = append(known, encode(f.Name))
	}
	return Problem{Field: name, Error: "unknown_parameter", Message: "The model has no parameter " + name, Allowed: known, Got: encode(got)}
}

// checkValue checks one value against its schema.
func checkValue(f api.FieldSchema, name string, value any) (any, []Problem) {
	refuse := func(code, message string) (any, []Problem) {
		return value, []Problem{{Field: name, Error: code, Message: name + " " + message, Allowed: f.Values, Range: rangeOf(f.Min, f.Max, f.Step), Got: encode(value)}}
	}
	if inner, isList := strings.CutPrefix(f.Type, "array<"); isList {
		return checkList(f, strings.TrimSuffix(inner, ">"), name, value)
	}
	switch f.Type {
	case "string":
		text, ok := value.(string)
		if !ok {
			return refuse("invalid_type", "must be a string")
		}
		if n := utf8.RuneCountInString(text); f.MaxLength != nil && n > *f.MaxLength {
			most := float64(*f.MaxLength)
			return value, []Problem{{
				Field: name, Error: "too_long", Message: fmt.Sprintf("%s must have at most %d characters", name, *f.MaxLength),
				Range: &Range{Max: &most}, Got: encode(n),
			}}
		}
		if f.Required && strings.TrimSpace(text) == "" {
			return refuse("required", "must not be empty")
		}
	case "enum":
		if !slices.ContainsFunc(f.Values, func(v json.RawMessage) bool { return string(v) == string(encode(value)) }) {
			return refuse("invalid_option", "must be one of the allowed values")
		}
	case "integer", "number":
		number, ok := value.(float64)
		switch {
		case !ok:
			return refuse("invalid_type", "must be a number")
		case f.Type == "integer" && number != math.Trunc(number):
			return refuse("invalid_type", "must be a whole number")
		case f.Min != nil && number < *f.Min, f.Max != nil && number > *f.Max, !isStep(f, number):
			return refuse("out_of_range", "is out of range")
		}
	case "boolean":
		if _, ok := value.(bool); !ok {
			return refuse("invalid_type", "must be true or false")
		}
	case "url":
		return value, checkURL(f, name, value)
	}
	return value, nil
}

func isStep(f api.FieldSchema, number float64) bool {
	if f.Step == nil {
		return true
	}
	steps := (number - *f.Min) / *f.Step
	return math.Abs(steps-math.Round(steps)) < 1e-6
}

// checkURL refuses what is no address, and an address that ends as a file of another kind.
func checkURL(f api.FieldSchema, name string, value any) []Problem {
	text, _ := value.(string)
	u, err := url.Parse(text)
	isWeb := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	if !isWeb && (err != nil || u.Scheme != "data") {
		return []Problem{{Field: name, Error: "invalid_type", Message: name + " must be an http, https or data URL", Got: encode(value)}}
	}
	if slices.Contains(videoExtensions, strings.ToLower(path.Ext(u.Path))) && !slices.Contains(f.Accept, "video") {
		var allowed []json.RawMessage
		for _, a := range f.Accept {
			allowed = append(allowed, encode(a))
		}
		return []Problem{{Field: name, Error: "invalid_media", Message: name + " does not take a video", Allowed: allowed, Got: encode(value)}}
	}
	return nil
}

var videoExtensions = []string{".mp4", ".mov", ".webm", ".mkv"}

func checkList(f api.FieldSchema, item, name string, value any) (any, []Problem) {
	list, ok := value.([]any)
	if !ok {
		return value, []Problem{{Field: name, Error: "invalid_type", Message: name + " must be a list", Got: encode(value)}}
	}
	var problems []Problem
	if len(list) < *f.MinItems || len(list) > *f.MaxItems {
		fewest, most := float64(*f.MinItems), float64(*f.MaxItems)
		problems = append(problems, Problem{
			Field: name, Error: "wrong_number_of_items", Message: fmt.Sprintf("%s must have %d to %d items", name, *f.MinItems, *f.MaxItems),
			Range: &Range{Min: &fewest, Max: &most}, Got: encode(len(list)),
		})
	}
	resolved := []any{}
	for i, value := range list {
		place := fmt.Sprintf("%s[%d]", name, i)
		fields, isObject := value.(map[string]any)
		var wrong []Problem
		switch {
		case item != "object":
			value, wrong = checkValue(api.FieldSchema{Type: item, Accept: f.Accept, Values: f.Values, MaxLength: f.MaxLength}, place, value)
		case isObject:
			value, wrong = resolve(f.ItemSchema.Fields, place+".", fields)
		default:
			wrong = []Problem{{Field: place, Error: "invalid_type", Message: place + " must be an object", Got: encode(value)}}
		}
		resolved, problems = append(resolved, value), append(problems, wrong...)
	}
	return resolved, problems
}

func rangeOf(least, most, step *float64) *Range {
	if least == nil && most == nil && step == nil {
		return nil
	}
	return &Range{least, most, step}
}

// encode returns a value that came from JSON as JSON.
func encode(value any) json.RawMessage {
	raw, _ := json.Marshal(value)
	return raw
}

// JSON returns the parameters as JSON.
func (p Params) JSON() json.RawMessage { return encode(p) }

// UnknownModel returns the problem of an id that is no model of a modality.
func UnknownModel(modality, id string) Problem {
	p := Problem{Field: "model", Error: "unknown_model", Message: fmt.Sprintf("There is no %s model %.60q", modality, id), Got: encode(id)}
	if id == "" {
		p.Error, p.Message = "required", "model is required"
	}
	for _, m := range Summaries(modality) {
		p.Allowed = append(p.Allowed, encode(m.ID))
	}
	return p
}
