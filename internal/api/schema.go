package api

import (
	"encoding/json"
	"strings"
)

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

// Limits returns the range of a number in words, such as "1 to 4"; "" if it has none.
func (f FieldSchema) Limits() string { return Detail{Range: f.Range()}.RangeText() }

// ItemLimits returns the number of values of an array in words; "" if there is no limit.
func (f FieldSchema) ItemLimits() string {
	return Detail{Range: f.ItemRange()}.RangeText()
}

// bounds returns a range as JSON; nil if it has no bound.
func bounds(least, most, step *float64) json.RawMessage {
	if least == nil && most == nil && step == nil {
		return nil
	}
	raw, _ := json.Marshal(struct {
		Min  *float64 `json:"min,omitempty"`
		Max  *float64 `json:"max,omitempty"`
		Step *float64 `json:"step,omitempty"`
	}{least, most, step})
	return raw
}

func toFloat(n *int) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n)
	return &f
}

// Range returns the limits of a number as JSON, in the form of a Detail; nil if it has none.
func (f FieldSchema) Range() json.RawMessage { return bounds(f.Min, f.Max, f.Step) }

// ItemRange returns the limits of the number of values of an array, as Range does.
func (f FieldSchema) ItemRange() json.RawMessage {
	return bounds(toFloat(f.MinItems), toFloat(f.MaxItems), nil)
}

// LengthRange returns the limits of the number of characters of a text, as Range does.
func (f FieldSchema) LengthRange() json.RawMessage { return bounds(nil, toFloat(f.MaxLength), nil) }
