package loose

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

type item struct {
	ID   string    `json:"id"`
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	N    float64   `json:"n"`
}

func TestItems(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, raw string
		want      item
	}{
		{"all fields", `{"id":"a","name":"x","at":"2026-01-02T12:00:00Z","n":1}`, item{"a", "x", noon, 1}},
		{"fields of other types", `{"id":7,"name":{},"at":[],"n":"2.5"}`, item{"7", "", time.Time{}, 2.5}},
		{"null fields", `{"id":null,"name":null,"at":null,"n":null}`, item{Name: `(cannot be read: {"id":null,"name":null,"at":null,"n":nul…)`}},
		{"number", `7`, item{Name: "(cannot be read: 7)"}},
		{"null", `null`, item{Name: "(cannot be read: null)"}},
		{"list", `["a"]`, item{Name: `(cannot be read: ["a"])`}},
		{"long text", `"` + strings.Repeat("é", 99) + `"`, item{Name: `(cannot be read: "` + strings.Repeat("é", 39) + "…)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Items[item]([]json.RawMessage{json.RawMessage(tt.raw)})
			if len(got) != 1 || !got[0].At.Equal(tt.want.At) {
				t.Fatalf("got %+v, want %+v", got, tt.want)
			}
			if got[0].At = tt.want.At; got[0] != tt.want {
				t.Errorf("got %+v, want %+v", got[0], tt.want)
			}
			var filled []item
			if Fill([]json.RawMessage{json.RawMessage(tt.raw)}, &filled); len(filled) != 1 || filled[0].Name != tt.want.Name {
				t.Errorf("Fill: got %+v, want %+v", filled, tt.want)
			}
		})
	}
	type idOnly struct{ ID, State string }
	if got := Items[idOnly]([]json.RawMessage{json.RawMessage("1")}); got[0] != (idOnly{State: "(cannot be read: 1)"}) {
		t.Errorf("got %+v, want the text in State", got)
	}
	if got := Items[string]([]json.RawMessage{json.RawMessage("[1]")}); got[0] != "(cannot be read: [1])" {
		t.Errorf("got %q, want the text", got)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	type nested struct {
		List   []item            `json:"list"`
		Map    map[string]int    `json:"map"`
		Ptr    *item             `json:"ptr"`
		Raw    json.RawMessage   `json:"raw"`
		Texts  []string          `json:"texts"`
		Labels map[string]string `json:"labels"`
	}
	tests := []struct {
		name, raw string
		want      nested
		wantErr   bool
	}{
		{"odd items of a list", `{"list":[1,{"id":"a"},null],"texts":["a",1,{}]}`, nested{List: []item{{ID: "a"}}, Texts: []string{"a", "1"}}, false},
		{"null lists", `{"list":null,"map":null,"ptr":null,"raw":null,"texts":[]}`, nested{Raw: json.RawMessage("null"), Texts: []string{}}, false},
		{"odd values of a map", `{"map":{"a":1,"b":{},"c":"3"},"labels":{"x":1}}`, nested{Map: map[string]int{"a": 1, "c": 3}, Labels: map[string]string{"x": "1"}}, false},
		{"field in another case", `{"PTR":{"id":7}}`, nested{Ptr: &item{ID: "7"}}, false},
		{"pointer to another type", `{"ptr":7,"raw":[1]}`, nested{Raw: json.RawMessage("[1]")}, false},
		{"no object", `7`, nested{}, true},
		{"no JSON", `{"a":`, nested{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got nested
			if err := Decode([]byte(tt.raw), &got); (err != nil) != tt.wantErr || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v; want %+v, an error: %t", got, err, tt.want, tt.wantErr)
			}
		})
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 1, 2, 12, 30, 0, 0, time.UTC)
	for _, raw := range []string{
		`"2026-01-02T12:30:00Z"`, `"2026-01-02T12:30:00.000Z"`, `"2026-01-02T14:30:00+02:00"`, `"2026-01-02T14:30:00+0200"`, `"2026-01-02T14:30:00+02"`,
		`"2026-01-02T12:30:00"`, `"2026-01-02 12:30:00"`, `"2026-01-02 12:30:00+00:00"`, `"2026-01-02 12:30:00+0000"`, `"2026-01-02 12:30:00 +0000"`,
		`"2026-01-02 12:30:00+00"`, `"2026-01-02t12:30:00z"`, `"2026-01-02T12:30Z"`, `1767357000`, `1767357000000`, `"1767357000"`,
	} {
		if got, ok := parseTime(json.RawMessage(raw)); !ok || !got.Equal(want) {
			t.Errorf("%s: got %v, %t; want %v", raw, got, ok, want)
		}
	}
	for _, raw := range []string{`"yesterday"`, `{}`, `0`, `-5`, `true`, `"12:30"`, `1e300`} {
		if got, ok := parseTime(json.RawMessage(raw)); ok {
			t.Errorf("%s: got %v, want no time", raw, got)
		}
	}
}

// FuzzDecode checks that what json.Unmarshal reads is read in the same way, and that nothing else panics.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"id":"a","name":null,"at":"2026-01-02T12:00:00+0000","n":1}`, `[1]`, `{"id":[null]}`, `{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got, want item
		err := Decode(raw, &got)
		if json.Unmarshal(raw, &want) == nil && (err != nil && string(raw) != "null" || err == nil && !reflect.DeepEqual(got, want)) {
			t.Errorf("got %+v, %v from %q, want %+v", got, err, raw, want)
		}
		_ = Items[item]([]json.RawMessage{raw})
	})
}
