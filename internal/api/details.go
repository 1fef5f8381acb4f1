package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api/loose"
)

// A Detail is one problem with one input.
type Detail struct {
	Field   string   `json:"field,omitempty"`
	Code    string   `json:"code,omitempty"`
	Message string   `json:"message"`
	Allowed []string `json:"allowed,omitempty"`
	// Range and Got are the allowed range and the value that was given. Their shape is not documented.
	Range json.RawMessage `json:"range,omitempty"`
	Got   json.RawMessage `json:"got,omitempty"`
	// File is what was given for a URL and may be a file on this machine; Media is its media type, "" if that is unknown.
	File  string `json:"-"`
	Media string `json:"-"`
}

// ParseDetails reads the details of a refusal. They are an array of strings or objects, an object with such an array in
// errors or details.errors, or an object with the problems of each field. Values of another shape are left out.
func ParseDetails(raw json.RawMessage) []Detail {
	var fields map[string][]string
	if json.Unmarshal(raw, &fields) == nil && fields != nil {
		return fieldDetails(fields)
	}
	var items []wireDetail
	if json.Unmarshal(raw, &items) != nil {
		var nested struct {
			Errors  []wireDetail
			Details struct{ Errors []wireDetail }
		}
		_ = loose.Unmarshal(raw, &nested) // any other shape has no details
		items = slices.Concat(nested.Errors, nested.Details.Errors)
	}
	var details []Detail
	for _, item := range items {
		if item.Message != "" || item.Field != "" {
			details = append(details, Detail(item))
		}
	}
	return details
}

func fieldDetails(fields map[string][]string) []Detail {
	var details []Detail
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		for _, message := range fields[field] {
			details = append(details, Detail{Field: field, Message: message})
		}
	}
	return details
}

// A wireDetail is a Detail as services send it: a message, or an object. Any other value is the zero wireDetail.
type wireDetail Detail

// UnmarshalJSON implements json.Unmarshaler.
func (d *wireDetail) UnmarshalJSON(raw []byte) error {
	*d = wireDetail{}
	if json.Unmarshal(raw, &d.Message) == nil {
		return nil
	}
	var o struct {
		Field, Name, Path, Code, Message, Error string
		Allowed                                 []anyText
		Range, Got                              json.RawMessage
	}
	_ = loose.Unmarshal(raw, &o) // any other shape is left out
	*d = wireDetail{Field: cmp.Or(o.Field, o.Name, o.Path), Code: o.Code, Message: o.Message, Range: o.Range, Got: o.Got}
	if d.Message == "" {
		d.Message = o.Error
	} else {
		d.Code = cmp.Or(d.Code, o.Error) // with a message, error is a code
	}
	for _, allowed := range o.Allowed {
		d.Allowed = append(d.Allowed, string(allowed))
	}
	return nil
}

// An anyText is a string, or any other JSON value as it is written; empty for null.
type anyText string

// UnmarshalJSON implements json.Unmarshaler.
func (t *anyText) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(bytes.TrimSpace(raw))
	}
	*t = anyText(text)
	return nil
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

// plain returns a JSON string as its text, and another value as it is written.
func plain(raw json.RawMessage) string {
	var text anyText
	_ = json.Unmarshal(raw, &text) // an anyText takes any JSON
	return string(text)
}
