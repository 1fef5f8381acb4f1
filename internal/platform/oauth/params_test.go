package oauth

import (
	"reflect"
	"testing"
)

func FuzzParseParams(f *testing.F) {
	f.Add("application/json", []byte(`{"grant_type": "refresh_token", "x": 1}`))
	f.Add("application/x-www-form-urlencoded; charset=utf-8", []byte(`a=b&c=%20`))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		p, refusal := parseParams(contentType, body)
		if (p == nil) == (refusal == nil) {
			t.Fatalf("got %v and %v, want one of them", p, refusal)
		}
		for name, value := range p {
			if value == "" {
				t.Fatalf("parameter %q: got an empty value, want none", name)
			}
		}
	})
}

func TestParseParams(t *testing.T) {
	t.Parallel()
	const form, object = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	for _, tt := range []struct {
		name, contentType, body string
		want                    params // nil: a refusal
	}{
		{"form", form, "a=1&b=x+y%26&c=", params{"a": "1", "b": "x y&"}},
		{"object", object, `{"a": "1", "b": "", "c": 3, "d": null, "e": {}}`, params{"a": "1"}},
		{"twice", form, "a=1&a=2", nil},
		{"bad escape", form, "a=%zz", nil},
		{"semicolon", form, "a=1;b=2", nil},
		{"array", object, `["a"]`, nil},
		{"null", object, `null`, nil},
		{"two objects", object, `{"a":"1"} {}`, nil},
		{"other type", "text/plain", "a=1", nil},
		{"no type at all", "", "a=1", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, refusal := parseParams(tt.contentType, []byte(tt.body))
			if !reflect.DeepEqual(got, tt.want) || (refusal == nil) != (tt.want != nil) {
				t.Errorf("parseParams(%q, %s) = %v, %v; want %v", tt.contentType, tt.body, got, refusal, tt.want)
			}
		})
	}
}
