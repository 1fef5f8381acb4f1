package lamatic

import (
	"bytes"
	"encoding/json"
	"reflect"
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

func TestSplitJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string
		wantErr    bool
	}{
		{"lines", "{\"a\":1}\n\n[2]\n3", []string{`{"a":1}`, "[2]", "3"}, false},
		{"array", ` [{"a":1}, 2]`, []string{`{"a":1}`, "2"}, false},
		{"empty array", "[]", nil, false},
		{"nothing", "", nil, false},
		{"incomplete line", "{}\n{", nil, true},
		{"incomplete array", "[{}", nil, true},
		{"text after an array", "[1] 2", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			values, err := splitJSON([]byte(tt.text))
			if (err != nil) != tt.wantErr {
				t.Fatalf("got the error %v, want an error: %t", err, tt.wantErr)
			}
			var got []string
			for _, v := range values {
				got = append(got, string(v))
			}
			if err == nil && !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzDecodeValues checks that values survive decoding, joining and decoding again.
func FuzzDecodeValues(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n\n[2] 3"))
	f.Add([]byte("{}{"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		want, err := decodeValues(raw)
		if err != nil {
			return
		}
		var lines [][]byte
		for _, v := range want {
			lines = append(lines, v)
		}
		got, err := decodeValues(bytes.Join(lines, []byte("\n")))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	})
}
