package wiretest

import (
	"encoding/json"
	"testing"
)

func TestShapeDiff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, got, want string
		diffs           int
	}{
		{"other values", `{"a":1,"b":[{"c":"x"},{"c":"y"}]}`, `{"a":2,"b":[{"c":"z"}]}`, 0},
		{"other case", `{"A":1}`, `{"a":1}`, 2},
		{"null", `{"a":null}`, `{"a":1}`, 1},
		{"other type", `{"a":"1"}`, `{"a":1}`, 1},
		{"empty array", `{"a":[]}`, `{"a":[1]}`, 1},
		{"other member in an array", `{"a":[{"b":1},{"c":1}]}`, `{"a":[{"b":1}]}`, 2},
		{"shorter array", `{"a":[1]}`, `{"a":[1,2]}`, 1},
		{"other nesting", `{"a":1}`, `{"a":{"b":1}}`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got, want any
			if err := json.Unmarshal([]byte(tt.got), &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diffs := ShapeDiff("", got, want); len(diffs) != tt.diffs {
				t.Errorf("ShapeDiff(%s, %s): got %d differences %q, want %d", tt.got, tt.want, len(diffs), diffs, tt.diffs)
			}
		})
	}
}
