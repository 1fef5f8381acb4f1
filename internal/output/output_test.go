package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/term"
)

// printer returns a printer of a machine's format, and what it writes.
func printer(t testing.TB, opts Options) (p *Printer, out, err *bytes.Buffer) {
	t.Helper()
	streams, out, err := term.Test("")
	p, failed := New(streams, opts)
	if failed != nil {
		t.Fatal(failed)
	}
	return p, out, err
}

func TestFormats(t *testing.T) {
	t.Parallel()
	tests := []struct {
		format Format
		jq     string
		tty    bool
		want   Format
	}{
		{"", "", true, Text}, {"", "", false, JSON}, {Auto, "", true, Text}, {Auto, "", false, JSON},
		{Text, "", false, Text}, {JSON, "", true, JSON}, {NDJSON, "", true, NDJSON},
		{Auto, ".", true, JSON}, {Text, ".", true, JSON}, {NDJSON, ".", true, NDJSON},
	}
	for _, tt := range tests {
		streams, _, _ := term.Test("")
		streams.OutTTY = tt.tty
		p, err := New(streams, Options{Format: tt.format, JQ: tt.jq})
		if err != nil {
			t.Fatal(err)
		}
		if p.format != tt.want || p.Machine() != (tt.want != Text) {
			t.Errorf("%+v: got %s", tt, p.format)
		}
	}
	for _, name := range []string{"auto", "text", "json", "ndjson"} {
		if f, err := ParseFormat(name); err != nil || string(f) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "JSON", "yaml"} {
		if _, err := ParseFormat(name); err == nil {
			t.Errorf("%q passed", name)
		}
	}
}

// TestMachineData: what a program reads is the envelope as it came.
func TestMachineData(t *testing.T) {
	t.Parallel()
	const envelope = ` {"zeta":1,"data":{"b":12345678901234567890,"a":1.10,"url":"https://e.com/?a=1&b=<x>","new":null},"pagination":{"total":0}} `
	tests := []struct {
		name string
		opts Options
		raw  string
		want string
	}{
		{
			"JSON keeps order, numbers and unknown fields", Options{Format: JSON}, envelope,
			"{\n  \"zeta\": 1,\n  \"data\": {\n    \"b\": 12345678901234567890,\n    \"a\": 1.10,\n    \"url\": \"https://e.com/?a=1&b=<x>\",\n    \"new\": null\n  },\n  \"pagination\": {\n    \"total\": 0\n  }\n}\n",
		},
		{"NDJSON is one line", Options{Format: NDJSON}, "{\n \"b\": 1,\n \"a\": [ ]\n}", "{\"b\":1,\"a\":[]}\n"},
		{"jq: strings are raw", Options{JQ: ".data.url"}, envelope, "https://e.com/?a=1&b=<x>\n"},
		{"jq: a line each", Options{JQ: ".data | .b, .new, (.url | length)"}, envelope, "12345678901234567890\nnull\n24\n"},
		{"jq: objects are compact", Options{JQ: ".pagination, [.zeta]"}, envelope, "{\"total\":0}\n[1]\n"},
		{"jq: numbers keep what they are", Options{JQ: ".data.a, .[]"}, `{"data":{"a":1.10},"big":123456789012345678901234567890}`, "1.10\n123456789012345678901234567890\n{\"a\":1.10}\n"},
		{"jq: nothing", Options{JQ: "empty"}, envelope, ""},
		{"jq: halt", Options{JQ: "1, halt, 2"}, envelope, "1\n"},
		{"jq beside NDJSON", Options{Format: NDJSON, JQ: ".data"}, `{"data":{"a":1}}`, "{\"a\":1}\n"},
		{"jq sees no environment", Options{JQ: "env, $ENV"}, `{}`, "{}\n{}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, out, _ := printer(t, tt.opts)
			if err := p.Data(json.RawMessage(tt.raw), func(*Page) { t.Error("text was asked for") }); err != nil {
				t.Fatal(err)
			}
			if out.String() != tt.want {
				t.Errorf("got\n%s\nwant\n%s", out, tt.want)
			}
		})
	}
}

func TestFilterErrors(t *testing.T) {
	t.Parallel()
	streams, _, _ := term.Test("")
	for _, program := range []string{".[", "nosuchfunction", "$nosuchvariable", "}"} {
		_, err := New(streams, Options{JQ: program})
		var filter *FilterError
		if !errors.As(err, &filter) || !strings.HasPrefix(err.Error(), "jq: ") || errors.Unwrap(err) == nil {
			t.Errorf("%s: got %v", program, err)
		}
	}
	for _, program := range []string{"1, .data.x", `error("no")`, `"x" | halt_error`, ".data[9000000000000]?, .data.x"} {
		p, out, _ := printer(t, Options{JQ: program})
		err := p.Data(json.RawMessage(`{"data":[]}`), nil)
		var filter *FilterError
		if !errors.As(err, &filter) {
			t.Errorf("%s: got %v", program, err)
		}
		if out.Len() > 0 {
			t.Errorf("%s: a failed command wrote %q", program, out)
		}
	}
}

func TestBrokenJSON(t *testing.T) {
	t.Parallel()
	for _, opts := range []Options{{Format: JSON}, {Format: NDJSON}, {JQ: "."}} {
		p, out, _ := printer(t, opts)
		if err := p.Data(json.RawMessage(`{"a":`), nil); err == nil || out.Len() > 0 {
			t.Errorf("%+v: got %v and %q", opts, err, out)
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	p, out, _ := printer(t, Options{Format: NDJSON})
	if err := p.Value(map[string]string{"url": "https://e.com/?a&b"}, nil); err != nil {
		t.Fatal(err)
	}
	if want := "{\"url\":\"https://e.com/?a&b\"}\n"; out.String() != want {
		t.Errorf("got %s", out)
	}
	if err := p.Value(func() {}, nil); err == nil {
		t.Error("a function was written")
	}
}

func TestLineIsNDJSON(t *testing.T) {
	t.Parallel()
	p, out, _ := printer(t, Options{Format: JSON})
	for _, raw := range []string{"{\n\"a\":1}", "{}"} {
		if err := p.Line(json.RawMessage(raw)); err != nil {
			t.Fatal(err)
		}
	}
	if want := "{\"a\":1}\n{}\n"; out.String() != want {
		t.Errorf("got %s", out)
	}
	q, out, _ := printer(t, Options{JQ: ".a"})
	if err := q.Line(json.RawMessage(`{"a":"x"}`)); err != nil || out.String() != "x\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// TestJSONOnTerminal: JSON lets characters pass that a terminal acts upon. There, and only there, they are escaped, so
// that the meaning stays.
func TestJSONOnTerminal(t *testing.T) {
	t.Parallel()
	hostile := "a\u009b31mb\u007fc\u202ed\u2066é世"
	raw, _ := json.Marshal(map[string]string{"x": hostile})
	for _, opts := range []Options{{Format: JSON}, {Format: NDJSON}, {JQ: "."}} {
		streams, out, _ := term.Test("")
		streams.OutTTY = true
		p, err := New(streams, opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Data(raw, nil); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); term.Clean(text) != text || !strings.Contains(text, "é世") {
			t.Errorf("%+v wrote %q", opts, text)
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["x"] != hostile {
			t.Errorf("%+v: the meaning became %q, %v", opts, back["x"], err)
		}
	}
	streams, out, _ := term.Test("")
	streams.OutTTY = true
	p, err := New(streams, Options{JQ: ".x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Data(json.RawMessage(`{"x":"a\u001b]52;c;AAAA\u0007b\nc"}`), nil); err != nil || out.String() != "ab\nc\n" {
		t.Errorf("got %q, %v", out, err)
	}
	piped, out, _ := printer(t, Options{JQ: ".x"})
	if err := piped.Data(raw, nil); err != nil || out.String() != hostile+"\n" {
		t.Errorf("into a pipe: %q, %v", out, err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Text, JSON} {
		streams, _, _ := term.Test("")
		streams.Out = brokenPipe{}
		p, err := New(streams, Options{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Value(1, func(page *Page) { page.Line("x") }); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: got %v", format, err)
		}
	}
}

func TestTalk(t *testing.T) {
	t.Parallel()
	for _, quiet := range []bool{false, true} {
		p, out, err := printer(t, Options{Format: Text, Quiet: quiet})
		p.Say("said %d", 1)
		p.Warn("warned %s", "100%")
		want := "said 1\nwarned 100%\n"
		if quiet {
			want = "warned 100%\n"
		}
		if err.String() != want || out.Len() > 0 {
			t.Errorf("quiet %t: %q and %q", quiet, err, out)
		}
	}
	if got := Quote("a\x1b[31m\"b\n c"); got != `"a\"b c"` {
		t.Errorf("got %s", got)
	}
}
