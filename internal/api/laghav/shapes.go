package laghav

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// An object is a JSON object whose names are not all documented.
type object map[string]json.RawMessage

// errShape means that an answer is JSON of no shape that is known.
var errShape = errors.New("it has none of the shapes that are known")

// readObject reads a JSON object, out of an envelope if it is alone in one.
func readObject(raw []byte, envelopes ...string) (object, error) {
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	for _, name := range envelopes {
		var inner object
		if json.Unmarshal(o[name], &inner) == nil && inner != nil {
			return inner, nil
		}
	}
	if o == nil {
		return nil, errShape
	}
	return o, nil
}

// readList reads an array of objects: alone, or under one of these names.
func readList(raw []byte, names ...string) ([]object, error) {
	var list []object
	if json.Unmarshal(raw, &list) == nil && list != nil {
		return list, nil
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	for _, name := range names {
		inner, here := o[name]
		if !here {
			continue
		}
		if list, err := readList(inner, names...); err == nil {
			return list, nil
		}
	}
	return nil, errShape
}

// text is the first of these that is a text, or a number as it was written.
func (o object) text(names ...string) string {
	for _, name := range names {
		var s string
		if json.Unmarshal(o[name], &s) == nil && s != "" {
			return s
		}
		var n json.Number
		if json.Unmarshal(o[name], &n) == nil && n != "" {
			return n.String()
		}
	}
	return ""
}

// number is the first of these that is a number, 0 if none is.
func (o object) number(names ...string) float64 {
	for _, name := range names {
		var n *float64
		if json.Unmarshal(o[name], &n) == nil && n != nil {
			return *n
		}
	}
	return 0
}

// truth reports whether the first of these that is true or false is true.
func (o object) truth(names ...string) (value, known bool) {
	for _, name := range names {
		var b *bool
		if json.Unmarshal(o[name], &b) == nil && b != nil {
			return *b, true
		}
	}
	return false, false
}

// time is the first of these that is a time (RFC 3339) or a number of Unix seconds.
func (o object) time(names ...string) time.Time {
	for _, name := range names {
		var t time.Time
		if !bytes.Equal(o[name], []byte("null")) && json.Unmarshal(o[name], &t) == nil && !t.IsZero() {
			return t
		}
		if n := o.number(name); n >= 1 && n < 1<<40 {
			return time.Unix(int64(n), 0).UTC()
		}
	}
	return time.Time{}
}
