package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want string }{
		{"object", ` {"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]} `, ""},
		{"text", `"\ud83d\ude00 \\ud800 \" é 😀 \ufffd"`, ""},
		{"number", `7`, ""},
		{"trailing data", `{"text":"s"} }`, "line 1, column 14: invalid character '}' after top-level value"},
		{"second value", "{}\n{}", "line 2, column 1: invalid character '{' after top-level value"},
		{"not finished", `{"a":`, "line 1, column 5: unexpected end of JSON input"},
		{"empty", ``, "line 1, column 1: unexpected end of JSON input"},
		{"repeated key", "{\"a\":1,\n \"b\":2,\n \"a\":3}", `line 3, column 2: the key "a" is there twice`},
		{"repeated key below", "{\"a\":[{\"b\":1},\n{\"c\":{\"d\":1,\"d\":1}}]}", `line 2, column 13: the key "d" is there twice`},
		{"repeated key in another spelling", `{"a":1,"\u0061":2}`, `line 1, column 8: the key "a" is there twice`},
		{"key after an array", `{"a":[1,2],"a":3}`, `line 1, column 12: the key "a" is there twice`},
		{"first half alone", `{"a":"x\ud800y"}`, `line 1, column 8: \ud800 is half of a surrogate pair, which is no character`},
		{"second half alone", `["\udc00"]`, `line 1, column 3: \udc00 is half of a surrogate pair, which is no character`},
		{"two first halves", `["\ud800\ud800"]`, `line 1, column 3: \ud800 is half of a surrogate pair, which is no character`},
		{"half in a key", `{"\ud800":1}`, `line 1, column 3: \ud800 is half of a surrogate pair, which is no character`},
		{"Latin-1", "\"caf\xe9\"", "line 1, column 5: the byte 0xE9 is not valid UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := Check([]byte(tt.raw)); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want, wantErr string }{
		{"array", `[1, {"a":2}]`, `1|{"a":2}`, ""},
		{"lines", "{\"a\":1}\n\n{\"a\":2}\n", `{"a":1}|{"a":2}`, ""},
		{"none", "\n", "", ""},
		{"other values", "{\"a\":1}\n\n[2]\n3", `{"a":1}|[2]|3`, ""},
		{"empty array", "[]", "", ""},
		{"repeated key", "{\"a\":1}\n{\"a\":1,\"a\":2}", "", "line 2, column 8: the key \"a\" is there twice"},
		{"not finished", "{\"a\":1}\n{\"a\"", "", "line 2, column 5: unexpected end of JSON input"},
		{"trailing data", "[1] 2", "", "line 1, column 5: invalid character '2' after top-level value"},
		{"not JSON", "{\"a\":1}\nx", "", "line 2, column 1: invalid character 'x' looking for beginning of value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			values, err := Split([]byte(tt.raw))
			var got []string
			for _, v := range values {
				got = append(got, string(v))
			}
			if err == nil && strings.Join(got, "|") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if (err != nil) != (tt.wantErr != "") || err != nil && err.Error() != tt.wantErr {
				t.Errorf("got the error %v, want %q", err, tt.wantErr)
			}
		})
	}
}

func TestCheckText(t *testing.T) {
	t.Parallel()
	if err := CheckText("é \ufffd"); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if err := CheckText("ab\xe9"); err == nil || err.Error() != "byte 3 (0xE9) is not valid UTF-8" {
		t.Errorf("got %v, want an error for byte 3", err)
	}
}

// FuzzCheck checks that accepted JSON decodes without a loss, and that a refusal has a place within the text.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"\ud83d\ude00"],"b":null}`, `{"a":1,"a":2}`, `"\ud800"`, `[]`, "\"\xff\"", `{"a":{"a":1}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := Check(raw)
		var e *Error
		if errors.As(err, &e) {
			if e.Line < 1 || e.Column < 1 || strings.Count(string(raw), "\n")+1 < e.Line {
				t.Fatalf("got line %d, column %d in %q", e.Line, e.Column, raw)
			}
			return
		}
		var v any
		if json.Unmarshal(raw, &v) != nil {
			t.Fatalf("got no error for %q, which is no JSON", raw)
		}
		if !utf8.Valid(raw) {
			t.Fatalf("got no error for %q, which is no UTF-8", raw)
		}
		if values, err := Split(raw); err != nil || len(values) == 0 && strings.HasPrefix(strings.TrimSpace(string(raw)), "{") {
			t.Fatalf("Split: got %d values, %v for %q", len(values), err, raw)
		}
	})
}

// FuzzSplit checks that values survive splitting, joining and splitting again.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n\n{\"b\":[2]} 3"))
	f.Add([]byte("{}{"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		want, err := Split(raw)
		if err != nil || bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
			return
		}
		var lines [][]byte
		for _, v := range want {
			lines = append(lines, v)
		}
		got, err := Split(bytes.Join(lines, []byte("\n")))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	})
}
