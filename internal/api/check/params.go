package check

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/api"
)

// The codes of an api.Detail about a parameter of a model, besides those about an input.
const (
	CodeRequired = "required"
	CodeRange    = "out_of_range"
	CodeLength   = "too_long"
	CodeItems    = "wrong_number_of_items"
)

// Params converts values by name to the parameters of a request, and returns all problems at once. The values are those of
// Inputs. A model without a schema takes any parameter.
func Params(model api.Model, values map[string]any) (map[string]any, []api.Detail) {
	if len(model.ParamSchema) == 0 {
		params := map[string]any{}
		for name, value := range values {
			params[name] = decodeLoosely(value)
		}
		return params, nil
	}
	return checkObject(model.ParamSchema, "", values)
}

// checkObject converts the values of an object. path is what stands before the names of its fields.
func checkObject(s api.ParamSchema, path string, values map[string]any) (map[string]any, []api.Detail) {
	converted := map[string]any{}
	var problems []api.Detail
	for _, name := range slices.Sorted(maps.Keys(values)) {
		field, isKnown := s.Field(name)
		if !isKnown {
			problems = append(problems, unknownParam(s, path, name))
			continue
		}
		value, wrong := convertParam(field, path+name, values[name])
		converted[name] = value
		problems = append(problems, wrong...)
	}
	for _, f := range s {
		if _, isGiven := values[f.Name]; !isGiven && f.Schema.MustSupply() {
			problems = append(problems, api.Detail{Field: path + f.Name, Code: CodeRequired, Message: "is required", Allowed: f.Schema.Options()})
		}
	}
	return converted, problems
}

func unknownParam(s api.ParamSchema, path, name string) api.Detail {
	var known []string
	for _, f := range s {
		known = append(known, f.Name)
	}
	message := "is not a parameter of this model"
	if path == "" && name == "prompt" {
		message = "this model takes no prompt"
	}
	return api.Detail{Field: path + name, Code: CodeUnknown, Message: message, Allowed: known}
}

// convertParam converts a value to the type of the parameter. name is for problems.
func convertParam(f api.FieldSchema, name string, value any) (any, []api.Detail) {
	if item, isArray := f.Item(); isArray {
		return convertList(f, name, item, listOf(value))
	}
	if _, isList := value.([]any); isList {
		return nil, problem(f, name, CodeType, "takes one value, not a list", value)
	}
	value, isTyped := typed(value)
	switch f.Type {
	case "string":
		return paramText(f, name, value)
	case "enum":
		return paramOption(f, name, value)
	case "integer", "number":
		return paramNumber(f, name, value)
	case "boolean":
		return paramBoolean(f, name, value)
	case "url":
		return paramURL(f, name, value)
	case "object":
		return paramObject(f, name, value, isTyped)
	}
	if isTyped {
		return value, nil
	}
	return decodeLoosely(value), nil
}

// typed returns a value as decoded JSON, and whether its type was given: --param NAME=VALUE gives a text of any type.
func typed(value any) (any, bool) {
	raw, isRaw := value.(json.RawMessage)
	if !isRaw {
		_, isText := value.(string)
		return value, !isText
	}
	var decoded any
	_ = decode(string(raw), &decoded) // the command line was checked to be JSON
	return decoded, true
}

func convertList(f api.FieldSchema, name string, item api.FieldSchema, values []any) (any, []api.Detail) {
	list, problems := []any{}, []api.Detail(nil)
	if n := len(values); f.MinItems != nil && n < *f.MinItems || f.MaxItems != nil && n > *f.MaxItems {
		problems = append(problems, api.Detail{Field: name, Code: CodeItems, Message: "has a wrong number of values", Range: f.ItemRange(), Got: asJSON(n)})
	}
	for i, value := range values {
		converted, wrong := convertParam(item, fmt.Sprintf("%s[%d]", name, i), value)
		list, problems = append(list, converted), append(problems, wrong...)
	}
	return list, problems
}

func paramText(f api.FieldSchema, name string, value any) (any, []api.Detail) {
	text, ok := value.(string)
	switch {
	case !ok:
		return nil, problem(f, name, CodeType, "takes text", value)
	case f.MustSupply() && strings.TrimSpace(text) == "":
		return nil, problem(f, name, CodeRequired, "must not be empty", value)
	case f.MaxLength != nil && utf8.RuneCountInString(text) > *f.MaxLength:
		return nil, []api.Detail{{
			Field: name, Code: CodeLength, Message: "has too many characters",
			Range: f.LengthRange(), Got: asJSON(utf8.RuneCountInString(text)),
		}}
	}
	return text, nil
}

// paramOption returns the allowed value that is written as the given one, without case if none is equal.
func paramOption(f api.FieldSchema, name string, value any) (any, []api.Detail) {
	given := textOf(value)
	for _, equal := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for i, text := range f.Options() {
			if equal(text, given) {
				return f.Values[i], nil
			}
		}
	}
	if len(f.Values) == 0 {
		return value, nil
	}
	return nil, problem(f, name, CodeOption, "has no such value", value)
}

func paramNumber(f api.FieldSchema, name string, value any) (any, []api.Detail) {
	text := strings.TrimSpace(textOf(value))
	number, err := strconv.ParseFloat(text, 64)
	_, isText := value.(string)
	_, isNumber := value.(json.Number)
	if !isText && !isNumber || err != nil || !json.Valid([]byte(text)) {
		return nil, problem(f, name, CodeType, "takes "+numberNoun(f.Type), value)
	}
	if f.Type == "integer" && number != math.Trunc(number) {
		return nil, problem(f, name, CodeType, "takes a whole number", value)
	}
	if f.Min != nil && number < *f.Min || f.Max != nil && number > *f.Max || !isStep(f, number) {
		return nil, problem(f, name, CodeRange, "is out of range", json.Number(text))
	}
	return json.Number(text), nil
}

// isStep reports whether a number is a whole number of steps from the minimum, or from 0.
func isStep(f api.FieldSchema, number float64) bool {
	if f.Step == nil || *f.Step <= 0 {
		return true
	}
	start := 0.0
	if f.Min != nil {
		start = *f.Min
	}
	steps := (number - start) / *f.Step
	return math.Abs(steps-math.Round(steps)) < 1e-6
}

func paramBoolean(f api.FieldSchema, name string, value any) (any, []api.Detail) {
	switch textOf(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, problem(f, name, CodeType, "takes true or false", value)
}

func paramURL(f api.FieldSchema, name string, value any) (any, []api.Detail) {
	text, ok := value.(string)
	if !ok {
		return nil, problem(f, name, CodeType, "takes an http or https URL", value)
	}
	address, wrong := mediaURL(media(f), text)
	if wrong != nil {
		wrong.Field = name
		return nil, []api.Detail{*wrong}
	}
	return address, nil
}

// media returns the accepted media as image, video or audio. Accept may hold media types and extensions, too.
func media(f api.FieldSchema) []string {
	var kinds []string
	for _, a := range f.Accept {
		kind, _, _ := strings.Cut(a, "/")
		if strings.HasPrefix(a, ".") {
			kind = cmp.Or(mediaOf(a), kind)
		}
		if kind == "*" {
			return nil
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

func paramObject(f api.FieldSchema, name string, value any, isTyped bool) (any, []api.Detail) {
	if text, isText := value.(string); isText && !isTyped {
		_ = decode(text, &value) // what is not JSON remains text, which is no object
	}
	fields, ok := value.(map[string]any)
	switch {
	case !ok:
		return nil, problem(f, name, CodeType, "takes a JSON object", value)
	case f.ItemSchema == nil || len(f.ItemSchema.Fields) == 0:
		return fields, nil
	}
	return checkObject(f.ItemSchema.Fields, name+".", fields)
}

// problem returns one problem with a value, with everything that the schema allows.
func problem(f api.FieldSchema, name, code, message string, got any) []api.Detail {
	return []api.Detail{{Field: name, Code: code, Message: message, Allowed: f.Options(), Range: f.Range(), Got: asJSON(got)}}
}

func numberNoun(kind string) string {
	if kind == "integer" {
		return "a whole number"
	}
	return "a number"
}

// asJSON encodes a value that was decoded from JSON or typed.
func asJSON(value any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value) // such a value can be encoded
	return bytes.TrimSpace(b.Bytes())
}

// textOf returns a value that was typed or decoded as text.
func textOf(value any) string { return api.Detail{Got: asJSON(value)}.GotText() }
