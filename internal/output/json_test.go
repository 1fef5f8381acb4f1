package output

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/term"
)

// nested returns a JSON array of arrays, with a value beside each.
func nested(depth int) []byte {
	return []byte(strings.Repeat(`[1,{"a":`, depth/2) + "2" + strings.Repeat("}]", depth/2))
}

func TestIndent(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`{}`, `[]`, ` 7 `, `"a\"b\\"`, `{"a":[],"b":{},"c":[1,2,{"d":"x: [y], {z}"}],"e":null}`, "{\"a\" : 1 ,\n \"b\": [ ] }", `[[[1],[2]],[]]`, `"\u2028"`,
		string(nested(maxIndent)),
	} {
		var got, want bytes.Buffer
		if err := indent(&got, []byte(raw)); err != nil {
			t.Fatal(err)
		}
		if err := json.Indent(&want, []byte(strings.TrimSpace(raw)), "", "  "); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%s: got\n%s\nwant\n%s", raw, got.String(), want.String())
		}
	}
	if err := indent(new(bytes.Buffer), []byte(`{"a":`)); err == nil {
		t.Error("got no error for a part of a value")
	}
}

// TestPrintingDeepJSON checks that the output of deeply nested JSON grows as the JSON does, in every format.
func TestPrintingDeepJSON(t *testing.T) {
	t.Parallel()
	raw := append(append([]byte(`{"data":`), nested(9000)...), '}')
	for name, opts := range map[string]Options{
		"JSON": {Format: JSON}, "NDJSON": {Format: NDJSON}, "jq": {Format: JSON, JQ: "."}, "text": {Format: Text},
	} {
		streams, out, _ := term.Test("")
		p, err := New(streams, opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Data(raw, func(page *Page) { page.JSON(raw) }); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, most := out.Len(), 4*len(raw); got > most {
			t.Errorf("%s: got %d bytes for %d bytes of JSON, want at most %d", name, got, len(raw), most)
		}
		var value, want bytes.Buffer
		if json.Compact(&value, out.Bytes()) != nil || json.Compact(&want, raw) != nil || !bytes.Equal(value.Bytes(), want.Bytes()) {
			t.Errorf("%s: got another value", name)
		}
	}
}

// TestDeepJSONAllocates checks how much memory the indentation of deeply nested JSON takes, whatever the time is.
func TestDeepJSONAllocates(t *testing.T) {
	raw := nested(9000)
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if err := indent(new(bytes.Buffer), raw); err != nil {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if most := int64(16 * len(raw)); got > most {
		t.Errorf("got %d allocated bytes for %d bytes of JSON, want at most %d", got, len(raw), most)
	}
}

// FuzzIndent checks that indentation does not change a value, and that a shallow one looks as json.Indent writes it.
func FuzzIndent(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":"\\\""}],"c":{}}`, `[[],[[]]]`, ` "x" `, `{"a"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got, compact, want bytes.Buffer
		if indent(&got, raw) != nil {
			return
		}
		_ = json.Compact(&want, raw)
		if json.Compact(&compact, got.Bytes()) != nil || compact.String() != want.String() {
			t.Fatalf("got %q from %q", got.String(), raw)
		}
		if bytes.Count(raw, []byte("["))+bytes.Count(raw, []byte("{")) > maxIndent {
			return
		}
		want.Reset()
		_ = json.Indent(&want, bytes.Trim(raw, " \t\r\n"), "", "  ")
		if got.String() != want.String() {
			t.Fatalf("got %q from %q, want %q", got.String(), raw, want.String())
		}
	})
}
