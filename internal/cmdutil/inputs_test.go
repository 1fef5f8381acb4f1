package cmdutil_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/uselamina/lamina/internal/cmdutil"
)

func TestParsePair(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, pair string
		wantName   string
		wantValue  any
	}{
		{"string", "a=b", "a", "b"},
		{"empty string", "a=", "a", ""},
		{"string with =", "a=b=c", "a", "b=c"},
		{"space around the name", " a =b", "a", "b"},
		{"string that looks like JSON", "a=1", "a", "1"},
		{"string with :=", "url=http://x/?y:=1", "url", "http://x/?y:=1"},
		{"number", "a:=1", "a", json.RawMessage("1")},
		{"list", `a:=["x", null]`, "a", json.RawMessage(`["x", null]`)},
		{"JSON string", `a:="b"`, "a", json.RawMessage(`"b"`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			name, value, err := cmdutil.ParsePair("--input", tt.pair, "")
			if err != nil || name != tt.wantName || !reflect.DeepEqual(value, tt.wantValue) {
				t.Errorf("got %q, %#v, %v; want %q, %#v", name, value, err, tt.wantName, tt.wantValue)
			}
		})
	}
}

func TestParsePairRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, pair string }{
		{"no value", "a"},
		{"no name", "=b"},
		{"no name of JSON", ":=1"},
		{"no JSON", "a:="},
		{"bare word", "a:=b"},
		{"incomplete JSON", "a:={"},
		{"two JSON values", "a:=1 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if name, value, err := cmdutil.ParsePair("--input", tt.pair, ""); err == nil {
				t.Errorf("got %q, %#v; want an error", name, value)
			}
		})
	}
}
