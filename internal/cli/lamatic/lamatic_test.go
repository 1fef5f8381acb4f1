package lamatic

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw  string
		want       []string
		wantObject bool
	}{
		{"object", `{"b":{"x":[1]},"a":"text","c":null}`, []string{"b", `{"x":[1]}`, "a", "text", "c", ""}, true},
		{"empty object", `{}`, nil, true},
		{"list", `[1]`, nil, false},
		{"incomplete object", `{"a":`, nil, false},
		{"nothing", ``, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, isObject := members(json.RawMessage(tt.raw))
			if !slices.Equal(got, tt.want) || isObject != tt.wantObject {
				t.Errorf("got %q, %t; want %q, %t", got, isObject, tt.want, tt.wantObject)
			}
		})
	}
}

// FuzzMembers checks that every member of a JSON object is returned.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"b":{"x":[1]},"a":"text","b":null}`))
	f.Add([]byte(`{"a":`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		pairs, isObject := members(raw)
		var object map[string]any
		if !json.Valid(raw) || json.Unmarshal(raw, &object) != nil || object == nil {
			return
		}
		if !isObject || len(pairs)%2 != 0 || len(pairs)/2 < len(object) {
			t.Errorf("%q: got %q, %t; want at least %d members", raw, pairs, isObject, len(object))
		}
	})
}
