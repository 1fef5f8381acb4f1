package lightfast

import (
	"bytes"
	"encoding/json"
	"errors"
)

// errShape means that what was looked for is in none of its places.
var errShape = errors.New("what was asked for is not in the answer")

// An envelope is an answer's object, with that in data below it: the generations differ in what lies where.
type envelope []map[string]json.RawMessage

// open reads an answer, which must be an object.
func open(raw json.RawMessage) (envelope, error) {
	var outer, inner map[string]json.RawMessage
	if err := json.Unmarshal(raw, &outer); err != nil {
		return nil, err
	}
	if outer == nil {
		return nil, errShape
	}
	levels := envelope{outer}
	if json.Unmarshal(outer["data"], &inner) == nil && inner != nil {
		levels = append(levels, inner)
	}
	return levels, nil
}

// list returns the array under the first of some names that holds one, wherever it lies.
func (e envelope) list(names ...string) ([]json.RawMessage, bool) {
	for _, name := range names {
		for _, level := range e {
			var items []json.RawMessage
			if json.Unmarshal(level[name], &items) == nil && items != nil {
				return items, true
			}
		}
	}
	return nil, false
}

// total returns the number of all results, from total or meta.total, and whether it was told.
func (e envelope) total() (int, bool) {
	for _, level := range e {
		var meta struct{ Total *int }
		_ = json.Unmarshal(level["meta"], &meta) // what fits is enough
		var total *int
		if json.Unmarshal(level["total"], &total) != nil || total == nil {
			total = meta.Total
		}
		if total != nil && *total >= 0 {
			return *total, true
		}
	}
	return 0, false
}

// decode reads the items of a list. Fields of a wrong type are left out of an item; an item that is no object is an error.
func decode[T any](items []json.RawMessage) ([]T, error) {
	all := make([]T, 0, len(items))
	for _, raw := range items {
		var v T
		err := json.Unmarshal(raw, &v)
		var wrongType *json.UnmarshalTypeError
		if err != nil && (!errors.As(err, &wrongType) || wrongType.Field == "") || bytes.Equal(raw, []byte("null")) {
			return nil, errShape
		}
		all = append(all, v)
	}
	return all, nil
}
