package loose

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decode is json.Unmarshal that leaves out what does not fit instead of failing: a field of another type keeps its zero value, and an
// item of a list that does not fit is dropped. It reads numbers and times that are spelled in another way. It returns an error if raw is
// not JSON, or if the whole value does not fit.
func Decode(raw []byte, v any) error {
	if fits(raw, v) {
		return nil
	}
	if !json.Valid(raw) {
		return json.Unmarshal(raw, new(any)) // the syntax error
	}
	if !decode(raw, reflect.ValueOf(v).Elem()) {
		return ErrShape
	}
	return nil
}

// Items decodes the items of a list as Decode does. An item that does not fit is not dropped: it has a text in place of its name that
// says so, so that a table shows it.
func Items[T any](list []json.RawMessage) []T {
	items := make([]T, len(list))
	for i, raw := range list {
		readItem(raw, reflect.ValueOf(&items[i]).Elem())
	}
	return items
}

// readItem decodes an item of a list. It marks one that cannot be read, or of which nothing can be read.
func readItem(raw json.RawMessage, item reflect.Value) {
	if item.Kind() == reflect.Struct && fits(raw, item.Addr().Interface()) && !item.IsZero() {
		return
	}
	item.SetZero()
	if !decodeItem(raw, item) || item.Kind() == reflect.Struct && item.IsZero() {
		item.SetZero()
		mark(item, raw)
	}
}

// Fill sets the slice that v points to as Items does.
func Fill(list []json.RawMessage, v any) {
	slice := reflect.ValueOf(v).Elem()
	slice.Set(reflect.MakeSlice(slice.Type(), len(list), len(list)))
	for i, raw := range list {
		readItem(raw, slice.Index(i))
	}
}

// fits decodes a JSON text that json.Unmarshal reads as decode does, which is slower. After false, v may have some of its values.
func fits(raw []byte, v any) bool { return json.Unmarshal(raw, v) == nil && !mayHaveNullItem(raw) }

// mayHaveNullItem reports whether a JSON text may hold a list with null, which json.Unmarshal takes for an item without fields.
func mayHaveNullItem(raw []byte) bool {
	text := string(raw)
	for {
		_, after, found := strings.Cut(text, "null")
		if !found {
			return false
		}
		before := strings.TrimRight(text[:len(text)-len(after)-len("null")], " \t\r\n")
		if strings.HasSuffix(before, "[") || strings.HasSuffix(before, ",") {
			return true
		}
		text = after
	}
}

var timeType = reflect.TypeFor[time.Time]()

// decode sets v to a JSON value, and reports whether the value fits.
func decode(raw json.RawMessage, v reflect.Value) bool {
	isStruct := v.Kind() == reflect.Struct && v.Type() != timeType
	_, isUnmarshaler := v.Addr().Interface().(json.Unmarshaler)
	switch {
	case isUnmarshaler && v.Type() != timeType:
		return json.Unmarshal(raw, v.Addr().Interface()) == nil
	case v.Type() == timeType:
		t, ok := parseTime(raw)
		v.Set(reflect.ValueOf(t))
		return ok
	case isStruct:
		return decodeStruct(raw, v)
	case v.Kind() == reflect.Pointer && string(raw) != "null":
		target := reflect.New(v.Type().Elem())
		if !decode(raw, target.Elem()) {
			return false
		}
		v.Set(target)
		return true
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		return decodeSlice(raw, v)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		return decodeMap(raw, v)
	}
	return json.Unmarshal(raw, v.Addr().Interface()) == nil || decodeScalar(raw, v)
}

// decodeItem decodes an item of a list, which must not be null where an object is expected.
func decodeItem(raw json.RawMessage, v reflect.Value) bool {
	return (v.Kind() != reflect.Struct || string(raw) != "null") && decode(raw, v)
}

func decodeStruct(raw json.RawMessage, v reflect.Value) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return false
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous && field.Tag.Get("json") == "" && field.Type.Kind() == reflect.Struct {
			decodeStruct(raw, v.Field(i))
			continue
		}
		value, isThere := find(fields, FieldName(field))
		if isThere && !decode(value, v.Field(i)) {
			v.Field(i).SetZero()
		}
	}
	return true
}

// find returns the field with a name, which may be written in another case, as json.Unmarshal finds it.
func find(fields map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if name == "" {
		return nil, false
	}
	if value, ok := fields[name]; ok {
		return value, true
	}
	for other, value := range fields {
		if strings.EqualFold(other, name) {
			return value, true
		}
	}
	return nil, false
}

func decodeSlice(raw json.RawMessage, v reflect.Value) bool {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return false
	}
	if list == nil {
		return true // null
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, len(list)))
	for _, item := range list {
		if target := reflect.New(v.Type().Elem()).Elem(); decodeItem(item, target) {
			v.Set(reflect.Append(v, target))
		}
	}
	return true
}

func decodeMap(raw json.RawMessage, v reflect.Value) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return false
	}
	v.Set(reflect.MakeMap(v.Type()))
	for name, value := range fields {
		if target := reflect.New(v.Type().Elem()).Elem(); decode(value, target) {
			v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), target)
		}
	}
	return true
}

// decodeScalar decodes a number for a text, and a text that is a number for a number.
func decodeScalar(raw json.RawMessage, v reflect.Value) bool {
	var text Text
	_ = text.UnmarshalJSON(raw) // never fails
	if text == "" {
		return false
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(string(text))
		return true
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseFloat(string(text), 64)
		if err != nil || n != float64(int64(n)) || v.OverflowInt(int64(n)) {
			return false
		}
		v.SetInt(int64(n))
		return true
	case reflect.Float64:
		n, err := strconv.ParseFloat(string(text), 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return false
		}
		v.SetFloat(n)
		return true
	}
	return false
}

// timeForms are the spellings of a time, beside RFC 3339, that services and their libraries use. Those without a zone are in UTC.
var timeForms = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999Z07", "2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999Z07",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04Z07:00", time.DateOnly,
}

// parseTime reads a time as a text, or as seconds or milliseconds since 1970. The empty text and null are the zero time.
func parseTime(raw json.RawMessage) (time.Time, bool) {
	var text Text
	_ = text.UnmarshalJSON(raw) // never fails
	switch string(raw) {
	case "null", `""`:
		return time.Time{}, true
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, strings.ToUpper(strings.TrimSpace(string(text)))); err == nil {
			return t, true
		}
	}
	const maxSeconds = 1 << 36 // about the year 4147; more are milliseconds
	seconds, err := strconv.ParseFloat(string(text), 64)
	switch {
	case err != nil || seconds < 1 || seconds >= 1000*maxSeconds:
		return time.Time{}, false
	case seconds >= maxSeconds:
		return time.UnixMilli(int64(seconds)).UTC(), true
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}

// nameFields are the fields that a table shows first, best first.
var nameFields = []string{"Name", "DisplayName", "Title", "AccountName", "FileName", "Label", "Summary", "WorkflowID", "Platform"}

// maxMark is how many characters of an item mark repeats.
const maxMark = 40

// mark sets a field that a table shows to a text that says that an item cannot be read. The ids of the item stay empty.
func mark(v reflect.Value, raw json.RawMessage) {
	text := string(raw)
	if runes := []rune(text); len(runes) > maxMark {
		text = string(runes[:maxMark]) + "…"
	}
	text = "(cannot be read: " + text + ")"
	if v.Kind() == reflect.String {
		v.SetString(text)
	}
	if v.Kind() != reflect.Struct {
		return
	}
	for _, name := range nameFields {
		if f := v.FieldByName(name); f.IsValid() && f.CanSet() && f.Kind() == reflect.String {
			f.SetString(text)
			return
		}
	}
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if f.CanSet() && f.Kind() == reflect.String && !slices.Contains([]string{"ID", "URI", "URL"}, name) && !strings.HasSuffix(name, "ID") {
			f.SetString(text)
			return
		}
	}
}
