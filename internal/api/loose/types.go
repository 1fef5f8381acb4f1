package loose

import (
	"encoding/json"
	"math"
	"reflect"
	"time"
)

// The types below decode every JSON value without an error. Their zero value means a missing field or a value of
// another type. All are comparable, so that cmp.Or can select between spellings.

// A Text is a JSON string, or a number in its own spelling.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(raw []byte) error {
	var text string
	var number json.Number
	*t = ""
	switch {
	case json.Unmarshal(raw, &text) == nil:
		*t = Text(text)
	case json.Unmarshal(raw, &number) == nil:
		*t = Text(number)
	}
	return nil
}

// A Number is a JSON number, or one that is written as a string.
type Number struct {
	Value float64
	IsSet bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(raw []byte) error {
	*n = Number{}
	n.IsSet = decodeScalar(raw, reflect.ValueOf(&n.Value).Elem())
	return nil
}

// Count returns the number as a count, and false if it is not one: missing, negative, fractional or beyond 2^53.
func (n Number) Count() (int64, bool) {
	const maxExact = 1 << 53
	if !n.IsSet || n.Value < 0 || n.Value > maxExact || n.Value != math.Trunc(n.Value) {
		return 0, false
	}
	return int64(n.Value), true
}

// A Bool is true or false.
type Bool struct{ Value, IsSet bool }

// UnmarshalJSON implements json.Unmarshaler.
func (b *Bool) UnmarshalJSON(raw []byte) error {
	var value *bool
	*b = Bool{}
	if json.Unmarshal(raw, &value) == nil && value != nil {
		*b = Bool{*value, true}
	}
	return nil
}

// A Time is a time: a text in one of several spellings, or Unix seconds or milliseconds.
type Time struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(raw []byte) error {
	parsed, _ := parseTime(raw)
	*t = Time{parsed}
	return nil
}
