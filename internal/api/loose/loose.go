// Package loose decodes JSON replies that are not fully documented: fields of several types, lists and objects that may be
// inside an envelope. A struct names every known spelling of a field, and cmp.Or selects the one that is set.
package loose

import (
	"bytes"
	"encoding/json"
	"errors"
)

// ErrShape means that a reply is JSON without the expected list or object.
var ErrShape = errors.New("the response has none of the known shapes")

// Unmarshal decodes a JSON object into the struct that v points to. A field of another type than the struct's is left out.
// It returns an error if raw is not JSON or not an object.
func Unmarshal(raw []byte, v any) error {
	var wrongType *json.UnmarshalTypeError
	err := json.Unmarshal(raw, v)
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		err = nil
	}
	if err == nil && !isObject(raw) {
		return ErrShape
	}
	return err
}

// Object returns the object in the first of the given fields that has one, or raw itself if raw is an object without such a
// field.
func Object(raw []byte, envelopes ...string) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	for _, name := range envelopes {
		if isObject(fields[name]) {
			return fields[name], nil
		}
	}
	if fields == nil {
		return nil, ErrShape
	}
	return raw, nil
}

// List returns the items of an array: raw itself, or the first one in a field with one of the given names, at any depth of
// such fields. A field with null is an empty array, unless another field has one.
func List(raw []byte, names ...string) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) == nil && items != nil {
		return items, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	isNull := false
	for _, name := range names {
		inner, ok := fields[name]
		if !ok {
			continue
		}
		isNull = isNull || string(inner) == "null"
		if items, err := List(inner, names...); err == nil {
			return items, nil
		}
	}
	if isNull {
		return []json.RawMessage{}, nil
	}
	return nil, ErrShape
}

func isObject(raw []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) }
