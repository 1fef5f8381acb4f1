package api

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
)

// The codes of a Detail about a parameter of a model, besides those about an input.
const (
	ProblemRequired = "required"
	ProblemRange    = "out_of_range"
	ProblemLength   = "too_long"
	ProblemItems    = "wrong_number_of_items"
)

// CheckParams converts values by name to the parameters of a request, and returns all problems at once. The values are those of
// App.CheckInputs. A model without a schema takes any parameter.
func (m Model) CheckParams(values map[string]any) (map[string]any, []Detail) {
	if len(m.ParamSchema) == 0 {
		params := map[string]any{}
		for name, value := range values {
			params[name] = decodeLoosely(value)
		}
		return params, nil
	}
	return m.ParamSchema.check("", values)
}

// check converts the values of an object. path is what stands before the names of its fields.
func (s ParamSchema) check(path string, values map[string]any) (map[string]any, []Detail) {
	converted := map[string]any{}
	var problems []Detail
	for _, name := range slices.Sorted(maps.Keys(values)) {
		field, isKnown := s.Field(name)
		if !isKnown {
			problems = append(problems, s.unknown(path, name))
			continue
		}
		value, wrong := field.convert(path+name, values[name])
		converted[name] = value
		problems = append(problems, wrong...)
	}
	for _, f := range s {
		if _, isGiven := values[f.Name]; !isGiven && f.Schema.MustSupply() {
			problems = append(problems, Detail{Field: path + f.Name, Code: ProblemRequired, Message: "is required", Allowed: f.Schema.Options()})
		}
	}
	return converted, problems
}

func (s ParamSchema) unknown(path, name string) Detail {
	var known []string
	for _, f := range s {
		known = append(known, f.Name)
	}
	message := "is not a parameter of this model"
	if path == "" && name == "prompt" {
		message = "this model takes no prompt"
	}
	return Detail{Field: path + name, Code: ProblemUnknown, Message: message, Allowed: known}
}

// MustSupply reports whether a request needs a value for this parameter.
func (f FieldSchema) MustSupply() bool {
	return f.Required && (len(f.Default) == 0 || string(f.Default) == "null")
}

// Options returns the allowed values as text; none if any value of the type is allowed.
func (f FieldSchema) Options() []string {
	if f.Type == "boolean" {
		return []string{"true", "false"}
	}
	var texts []string
	for _, v := range f.Values {
		texts = append(texts, plain(v))
	}
	return texts
}

// Item returns the schema of the items of an array, and whether the parameter is one.
func (f FieldSchema) Item() (FieldSchema, bool) {
	inner, isArray := strings.CutPrefix(f.Type, "array<")
	if !isArray {
		return FieldSchema{}, f.Type == "array"
	}
	item := f
	if f.ItemSchema != nil && f.ItemSchema.Value != nil {
		item = *f.ItemSchema.Value
	}
	item.Type = strings.TrimSuffix(inner, ">")
	return item, true
}

// convert converts a value to the type of the parameter. name is for problems.
func (f FieldSchema) convert(name string, value any) (any, []Detail) {
	if item, isArray := f.Item(); isArray {
		return f.convertList(name, item, listOf(value))
	}
	if _, isList := value.([]any); isList {
		return nil, f.problem(name, ProblemType, "takes one value, not a list", value)
	}
	value, isTyped := typed(value)
	switch f.Type {
	case "string":
		return f.text(name, value)
	case "enum":
		return f.option(name, value)
	case "integer", "number":
		return f.number(name, value)
	case "boolean":
		return f.boolean(name, value)
	case "url":
		return f.url(name, value)
	case "object":
		return f.object(name, value, isTyped)
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

func (f FieldSchema) convertList(name string, item FieldSchema, values []any) (any, []Detail) {
	list, problems := []any{}, []Detail(nil)
	if n := len(values); f.MinItems != nil && n < *f.MinItems || f.MaxItems != nil && n > *f.MaxItems {
		limits := bounds(toFloat(f.MinItems), toFloat(f.MaxItems), nil)
		problems = append(problems, Detail{Field: name, Code: ProblemItems, Message: "has a wrong number of values", Range: limits, Got: asJSON(n)})
	}
	for i, value := range values {
		converted, wrong := item.convert(fmt.Sprintf("%s[%d]", name, i), value)
		list, problems = append(list, converted), append(problems, wrong...)
	}
	return list, problems
}

func (f FieldSchema) text(name string, value any) (any, []Detail) {
	text, ok := value.(string)
	switch {
	case !ok:
		return nil, f.problem(name, ProblemType, "takes text", value)
	case f.MustSupply() && strings.TrimSpace(text) == "":
		return nil, f.problem(name, ProblemRequired, "must not be empty", value)
	case f.MaxLength != nil && utf8.RuneCountInString(text) > *f.MaxLength:
		return nil, []Detail{{
			Field: name, Code: ProblemLength, Message: "has too many characters",
			Range: bounds(nil, toFloat(f.MaxLength), nil), Got: asJSON(utf8.RuneCountInString(text)),
		}}
	}
	return text, nil
}

// option returns the allowed value that is written as the given one, without case if none is equal.
func (f FieldSchema) option(name string, value any) (any, []Detail) {
	given := plain(asJSON(value))
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
	return nil, f.problem(name, ProblemOption, "has no such value", value)
}

func (f FieldSchema) number(name string, value any) (any, []Detail) {
	text := strings.TrimSpace(plain(asJSON(value)))
	number, err := strconv.ParseFloat(text, 64)
	_, isText := value.(string)
	_, isNumber := value.(json.Number)
	if !isText && !isNumber || err != nil || !json.Valid([]byte(text)) {
		return nil, f.problem(name, ProblemType, "takes "+numberNoun(f.Type), value)
	}
	if f.Type == "integer" && number != math.Trunc(number) {
		return nil, f.problem(name, ProblemType, "takes a whole number", value)
	}
	if f.Min != nil && number < *f.Min || f.Max != nil && number > *f.Max || !f.isStep(number) {
		return nil, f.problem(name, ProblemRange, "is out of range", json.Number(text))
	}
	return json.Number(text), nil
}

// isStep reports whether a number is a whole number of steps from the minimum, or from 0.
func (f FieldSchema) isStep(number float64) bool {
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

func (f FieldSchema) boolean(name string, value any) (any, []Detail) {
	switch plain(asJSON(value)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, f.problem(name, ProblemType, "takes true or false", value)
}

func (f FieldSchema) url(name string, value any) (any, []Detail) {
	text, ok := value.(string)
	if !ok {
		return nil, f.problem(name, ProblemType, "takes an http or https URL", value)
	}
	address, wrong := Parameter{Type: typeURL, Accept: f.media()}.mediaURL(text)
	if wrong != nil {
		wrong.Field = name
		return nil, []Detail{*wrong}
	}
	return address, nil
}

// media returns the accepted media as image, video or audio. Accept may hold media types and extensions, too.
func (f FieldSchema) media() []string {
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

func (f FieldSchema) object(name string, value any, isTyped bool) (any, []Detail) {
	if text, isText := value.(string); isText && !isTyped {
		_ = decode(text, &value) // what is not JSON remains text, which is no object
	}
	fields, ok := value.(map[string]any)
	switch {
	case !ok:
		return nil, f.problem(name, ProblemType, "takes a JSON object", value)
	case f.ItemSchema == nil || len(f.ItemSchema.Fields) == 0:
		return fields, nil
	}
	return f.ItemSchema.Fields.check(name+".", fields)
}

// problem returns one problem with a value, with everything that the schema allows.
func (f FieldSchema) problem(name, code, message string, got any) []Detail {
	return []Detail{{Field: name, Code: code, Message: message, Allowed: f.Options(), Range: bounds(f.Min, f.Max, f.Step), Got: asJSON(got)}}
}

// bounds returns a range as JSON; nil if it has no bound.
func bounds(least, most, step *float64) json.RawMessage {
	if least == nil && most == nil && step == nil {
		return nil
	}
	return asJSON(struct {
		Min  *float64 `json:"min,omitempty"`
		Max  *float64 `json:"max,omitempty"`
		Step *float64 `json:"step,omitempty"`
	}{least, most, step})
}

func toFloat(n *int) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n)
	return &f
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

// plain returns a JSON string as its text, and another value as it is written.
func plain(raw json.RawMessage) string {
	var text anyText
	_ = json.Unmarshal(raw, &text) // an anyText takes any JSON
	return string(text)
}

// Limits returns the range of a number in words, such as "1 to 4"; "" if it has none.
func (f FieldSchema) Limits() string { return Detail{Range: bounds(f.Min, f.Max, f.Step)}.RangeText() }

// ItemLimits returns the number of values of an array in words; "" if there is no limit.
func (f FieldSchema) ItemLimits() string {
	return Detail{Range: bounds(toFloat(f.MinItems), toFloat(f.MaxItems), nil)}.RangeText()
}

// RangeText returns the allowed range in words, such as "1 to 4"; "" if there is none.
func (d Detail) RangeText() string {
	var limits struct{ Min, Max, Step *json.Number }
	var pair []json.Number
	switch {
	case len(d.Range) == 0:
		return ""
	case json.Unmarshal(d.Range, &pair) == nil && len(pair) == 2:
		limits.Min, limits.Max = &pair[0], &pair[1]
	case json.Unmarshal(d.Range, &limits) != nil:
		return plain(d.Range)
	}
	text := ""
	switch {
	case limits.Min != nil && limits.Max != nil:
		text = limits.Min.String() + " to " + limits.Max.String()
	case limits.Min != nil:
		text = "at least " + limits.Min.String()
	case limits.Max != nil:
		text = "at most " + limits.Max.String()
	}
	if limits.Step != nil {
		text = strings.TrimPrefix(text+", in steps of "+limits.Step.String(), ", ")
	}
	return cmp.Or(text, plain(d.Range))
}

// GotText returns the value that was given; "" if it is unknown.
func (d Detail) GotText() string { return plain(d.Got) }
