package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"strconv"
	"time"
)

// An object is a JSON object of config.json or profiles.json. It keeps unknown fields byte for byte, and a field of an unexpected type reads
// as absent, because the Node client and later versions of lamina write the same file. A struct would lose the former and
// fail on the latter.
type object map[string]json.RawMessage

// parseObject returns nil when raw is not a JSON object.
func parseObject(raw []byte) object {
	var o object
	if json.Unmarshal(raw, &o) != nil {
		return nil
	}
	return o
}

func (o object) clone() object {
	if o == nil {
		return object{}
	}
	return maps.Clone(o)
}

func (o object) orEmpty() object {
	if o == nil {
		return object{}
	}
	return o
}

func (o object) object(name string) object { return parseObject(o[name]) }

// text returns a string field, or "" when it is absent or something else.
func (o object) text(name string) string {
	var s string
	if json.Unmarshal(o[name], &s) != nil {
		return ""
	}
	return s
}

// texts returns the fields that are nonempty strings, and nil if there are none.
func (o object) texts() map[string]string {
	var all map[string]string
	for name := range o {
		if text := o.text(name); text != "" {
			if all == nil {
				all = map[string]string{}
			}
			all[name] = text
		}
	}
	return all
}

// time returns a time. The field is an ISO 8601 string, or a number of milliseconds or seconds since 1970.
func (o object) time(name string) time.Time {
	if s := o.text(name); s != "" {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", time.DateOnly} {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC()
			}
		}
		return time.Time{}
	}
	n, err := strconv.ParseFloat(string(bytes.TrimSpace(o[name])), 64)
	const firstMillis, end = 1e11, 253402300800000 // the year 1973 in milliseconds, or 5138 in seconds; the year 10000
	switch {
	case err != nil || math.IsNaN(n) || n <= 0 || n >= end:
		return time.Time{}
	case n < firstMillis:
		n *= 1000
	}
	return time.UnixMilli(int64(n)).UTC()
}

// seconds returns a duration. The field is a number of seconds.
func (o object) seconds(name string) time.Duration {
	n, err := strconv.ParseFloat(string(bytes.TrimSpace(o[name])), 64)
	if err != nil || !(n > 0 && n < 9e9) {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}

// setText sets a string field. Like the other setters it removes the field if the value is zero.
func (o object) setText(name, value string) {
	if value == "" {
		delete(o, name)
		return
	}
	o[name] = encodeText(value)
}

// setTexts sets an object of strings.
func (o object) setTexts(name string, values map[string]string) {
	texts := object{}
	for key, value := range values {
		texts.setText(key, value)
	}
	o.setObject(name, texts)
}

// isoMillis is the format of JavaScript's toISOString, which the Node client reads.
const isoMillis = "2006-01-02T15:04:05.000Z"

func (o object) setTime(name string, t time.Time) {
	if t.IsZero() {
		delete(o, name)
		return
	}
	o.setText(name, t.UTC().Format(isoMillis))
}

func (o object) setSeconds(name string, d time.Duration) {
	if d <= 0 {
		delete(o, name)
		return
	}
	o[name] = strconv.AppendInt(nil, int64(d/time.Second), 10)
}

func (o object) setObject(name string, value object) {
	if len(value) == 0 {
		delete(o, name)
		return
	}
	o[name] = value.encode()
}

func (o object) encode() json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(map[string]json.RawMessage(o)); err != nil {
		panic("config: a field that was read or encoded as JSON is not JSON: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func encodeText(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic("config: a string has no JSON form: " + err.Error())
	}
	return b
}
