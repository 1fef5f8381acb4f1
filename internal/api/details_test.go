package api

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestParseDetails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw string
		want      []Detail
	}{
		{"none", ``, nil},
		{"null", `null`, nil},
		{"empty", `[]`, nil},
		{"number", `7`, nil},
		{"texts", `["a","b"]`, []Detail{{Message: "a"}, {Message: "b"}}},
		{"objects", `[{"field":"f","message":"m","code":"c"},{"name":"n","error":"e"},{"path":"p","message":"m"}]`, []Detail{
			{Field: "f", Code: "c", Message: "m"}, {Field: "n", Message: "e"}, {Field: "p", Message: "m"},
		}},
		{"mixed, with other values", `["a",7,{"path":["x",1],"message":"m","allowed":[true,null,"S"]},{},null]`, []Detail{
			{Message: "a"}, {Message: "m", Allowed: []string{"true", "", "S"}},
		}},
		{"object", `{"errors":[{"field":"f","error":"e"}]}`, []Detail{{Field: "f", Message: "e"}}},
		{"nested", `{"code":"c","message":"m","details":{"errors":[{"field":"f","error":"bad","message":"m","allowed":[4,6.5]}]}}`, []Detail{
			{Field: "f", Code: "bad", Message: "m", Allowed: []string{"4", "6.5"}},
		}},
		{"wrong nesting", `{"errors":"x","details":[1]}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := ParseDetails(json.RawMessage(tt.raw)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzParseDetails(f *testing.F) {
	for _, seed := range []string{
		`["a"]`, `[{"field":"f","allowed":[1]}]`, `{"errors":[{"error":"e"}]}`, `{"details":{"errors":[1,null]}}`, `{`, `[[[]]]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, d := range ParseDetails(raw) {
			if d.Message == "" && d.Field == "" {
				t.Errorf("got an empty detail from %q", raw)
			}
		}
	})
}

func TestRangeText(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		``: "", `[3,15]`: "3 to 15", `{"min":1}`: "at least 1", `{"max":4,"step":2}`: "at most 4, in steps of 2", `"1-10"`: "1-10",
		`{"min":1,"max":2}`: "1 to 2", `{"from":1}`: `{"from":1}`, `[1]`: "[1]", `null`: "",
	} {
		if got := (Detail{Range: json.RawMessage(raw)}).RangeText(); got != want {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
	}
}
