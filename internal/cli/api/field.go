package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/jsontext"
)

// A field is a field as it was typed: with --json-field if isJSON is set, else with --field.
type field struct {
	text   string
	isJSON bool
}

// A fieldFlag collects the fields of two flags in the order in which they were typed. It implements pflag.Value.
type fieldFlag struct {
	fields *[]field
	isJSON bool
}

// Set adds a field.
func (f *fieldFlag) Set(text string) error {
	*f.fields = append(*f.fields, field{text, f.isJSON})
	return nil
}

// String returns the default, which is none.
func (f *fieldFlag) String() string { return "" }

// Type names the type as pflag names a list of texts.
func (f *fieldFlag) Type() string { return "stringArray" }

// A namedField is a field with its value: a string, or a json.RawMessage.
type namedField struct {
	name  string
	value any
}

// parseFields reads fields.
func parseFields(fields []field) ([]namedField, error) {
	var parsed []namedField
	for _, f := range fields {
		pair, flag, example := f.text, "--field", "lamina api PATH -f name=value"
		if f.isJSON {
			name, value, ok := strings.Cut(f.text, "=")
			name = strings.TrimSuffix(name, ":")
			if !ok || name == "" || !json.Valid([]byte(value)) {
				place := cmdutil.Place(jsontext.Check([]byte(value)))
				return nil, fail.Usage("lamina api PATH -F 'limit=3'", "--json-field must be NAME=JSON, not %q%s; for a string, use -f", f.text, place)
			}
			pair, flag = name+":="+value, "--json-field"
		}
		name, value, err := cmdutil.ParsePair(flag, pair, example)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, namedField{name, value})
	}
	return parsed, nil
}

// queryOf returns fields as a query: strings as they are, and other values as JSON. A repeated name is repeated there.
func queryOf(fields []namedField) url.Values {
	query := url.Values{}
	for _, f := range fields {
		query.Add(f.name, fmt.Sprintf("%s", f.value))
	}
	return query
}

// bodyOf returns fields as a JSON object. A name that is repeated, or ends in [], is an array.
func bodyOf(fields []namedField) map[string]any {
	lists, isList := map[string][]any{}, map[string]bool{}
	for _, f := range fields {
		name, isMarked := strings.CutSuffix(f.name, "[]")
		if name == "" {
			name, isMarked = f.name, false
		}
		isList[name] = isList[name] || isMarked || len(lists[name]) > 0
		lists[name] = append(lists[name], f.value)
	}
	body := map[string]any{}
	for name, values := range lists {
		body[name] = values
		if !isList[name] {
			body[name] = values[0]
		}
	}
	return body
}
