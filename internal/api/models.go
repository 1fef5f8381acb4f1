package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/uselamina/lamina/internal/api/loose"
)

// A ModelSummary is one item of GET /v1/models/{modality}.
type ModelSummary struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	Modality    string `json:"modality"`
}

// A Model is a model with its parameters, from GET /v1/models/{modelId}.
type Model struct {
	ID          string      `json:"id"`
	DisplayName string      `json:"displayName"`
	Modality    string      `json:"modality"`
	ParamSchema ParamSchema `json:"paramSchema"`
}

// A ParamSchema holds the parameters of a model, in the order of the service. Its JSON form is an object by name.
type ParamSchema []ParamField

// A ParamField is a parameter with its name.
type ParamField struct {
	Name   string
	Schema FieldSchema
}

// A FieldSchema describes the values of a parameter. Type is string, enum, integer, number, boolean, url or an array of one, such
// as array<url>.
type FieldSchema struct {
	Type        string            `json:"type"`
	Required    bool              `json:"required,omitempty"`
	Default     json.RawMessage   `json:"default,omitempty"`
	Values      []json.RawMessage `json:"values,omitempty"`
	Min         *float64          `json:"min,omitempty"`
	Max         *float64          `json:"max,omitempty"`
	Step        *float64          `json:"step,omitempty"`
	MinItems    *int              `json:"minItems,omitempty"`
	MaxItems    *int              `json:"maxItems,omitempty"`
	MaxLength   *int              `json:"maxLength,omitempty"`
	Accept      []string          `json:"accept,omitempty"`
	Description string            `json:"description,omitempty"`
	ItemSchema  *ItemSchema       `json:"itemSchema,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler. A member of another type than the documented one is left out; a bound may be a text.
func (f *FieldSchema) UnmarshalJSON(raw []byte) error {
	type members FieldSchema
	var wire struct {
		members
		Min       json.RawMessage `json:"min"`
		Max       json.RawMessage `json:"max"`
		Step      json.RawMessage `json:"step"`
		MinItems  json.RawMessage `json:"minItems"`
		MaxItems  json.RawMessage `json:"maxItems"`
		MaxLength json.RawMessage `json:"maxLength"`
	}
	_ = loose.Unmarshal(raw, &wire) // a schema of another shape checks nothing
	*f = FieldSchema(wire.members)
	f.Min, f.Max, f.Step = bound[float64](wire.Min), bound[float64](wire.Max), bound[float64](wire.Step)
	f.MinItems, f.MaxItems, f.MaxLength = bound[int](wire.MinItems), bound[int](wire.MaxItems), bound[int](wire.MaxLength)
	return nil
}

// bound returns a number, which may be in a text; nil for anything else.
func bound[T int | float64](raw json.RawMessage) *T {
	var number *T
	if json.Unmarshal([]byte(plain(raw)), &number) != nil {
		return nil
	}
	return number
}

// An ItemSchema describes the items of an array: the fields of objects, or one schema for values. The documentation does not say
// which of the two itemSchema is, so both are understood.
type ItemSchema struct {
	Fields ParamSchema
	Value  *FieldSchema
}

// Field returns the parameter with a name.
func (s ParamSchema) Field(name string) (FieldSchema, bool) {
	for _, f := range s {
		if f.Name == name {
			return f.Schema, true
		}
	}
	return FieldSchema{}, false
}

// MarshalJSON implements json.Marshaler.
func (s ParamSchema) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.Name)
		if err != nil {
			return nil, err
		}
		schema, err := json.Marshal(f.Schema)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(schema)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON implements json.Unmarshaler. What is not an object has no parameters.
func (s *ParamSchema) UnmarshalJSON(raw []byte) error {
	*s = nil
	dec := json.NewDecoder(bytes.NewReader(raw))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var schema FieldSchema
		if err := dec.Decode(&schema); err != nil {
			return err
		}
		*s = append(*s, ParamField{Name: name.(string), Schema: schema})
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (s ItemSchema) MarshalJSON() ([]byte, error) {
	if s.Value != nil {
		return json.Marshal(s.Value)
	}
	return json.Marshal(s.Fields)
}

// UnmarshalJSON implements json.Unmarshaler. An object whose type is a text is one schema; any other holds fields.
func (s *ItemSchema) UnmarshalJSON(raw []byte) error {
	var schema FieldSchema
	if loose.Unmarshal(raw, &schema) == nil && schema.Type != "" {
		*s = ItemSchema{Value: &schema}
		return nil
	}
	*s = ItemSchema{}
	return json.Unmarshal(raw, &s.Fields)
}

// ListModels returns the models of a modality, image or video.
func (c *Client) ListModels(ctx context.Context, modality string) (*Reply[[]ModelSummary], error) {
	return call[[]ModelSummary](ctx, c, Call{Method: http.MethodGet, Path: "/v1/models/" + url.PathEscape(modality)})
}

// Model returns a model with its parameters. An empty modality searches all.
func (c *Client) Model(ctx context.Context, modality, id string) (*Reply[Model], error) {
	path := "/v1/models/" + url.PathEscape(id)
	if modality != "" {
		path = "/v1/models/" + url.PathEscape(modality) + "/" + url.PathEscape(id)
	}
	return call[Model](ctx, c, Call{Method: http.MethodGet, Path: path})
}
