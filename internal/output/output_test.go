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

// printer returns a printer without a terminal, and what it writes to stdout and stderr.
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
		name   string
		format Format
		jq     string
		tty    bool
		want   Format
	}{
		{"none on a terminal", "", "", true, Text},
		{"none in a pipe", "", "", false, JSON},
		{"auto on a terminal", Auto, "", true, Text},
		{"auto in a pipe", Auto, "", false, JSON},
		{"text in a pipe", Text, "", false, Text},
		{"JSON on a terminal", JSON, "", true, JSON},
		{"NDJSON on a terminal", NDJSON, "", true, NDJSON},
		{"auto with jq", Auto, ".", true, JSON},
		{"text with jq", Text, ".", true, JSON},
		{"NDJSON with jq", NDJSON, ".", true, NDJSON},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			streams, _, _ := term.Test("")
			streams.OutTTY = tt.tty
			p, err := New(streams, Options{Format: tt.format, JQ: tt.jq})
			if err != nil {
				t.Fatal(err)
			}
			if p.format != tt.want || p.Machine() != (tt.want != Text) || p.Lines() != (tt.want == NDJSON) {
				t.Errorf("got %s, Machine %t, Lines %t, want %s", p.format, p.Machine(), p.Lines(), tt.want)
			}
		})
	}
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		wantErr bool
	}{{"auto", false}, {"text", false}, {"json", false}, {"ndjson", false}, {"", true}, {"JSON", true}, {"yaml", true}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := ParseFormat(tt.name); (err != nil) != tt.wantErr || err == nil && string(got) != tt.name {
				t.Errorf("got %q, %v, want error: %t", got, err, tt.wantErr)
			}
		})
	}
}

// TestMachineData: JSON output keeps the order, the numbers and the unknown fields of the response.
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
		{"jq: strings have no quotes", Options{JQ: ".data.url"}, envelope, "https://e.com/?a=1&b=<x>\n"},
		{"jq: one line for each result", Options{JQ: ".data | .b, .new, (.url | length)"}, envelope, "12345678901234567890\nnull\n24\n"},
		{"jq: objects are compact", Options{JQ: ".pagination, [.zeta]"}, envelope, "{\"total\":0}\n[1]\n"},
		{"jq: numbers keep their spelling", Options{JQ: ".data.a, .[]"}, `{"data":{"a":1.10},"big":123456789012345678901234567890}`, "1.10\n123456789012345678901234567890\n{\"a\":1.10}\n"},
		{"jq: nothing", Options{JQ: "empty"}, envelope, ""},
		{"jq: halt", Options{JQ: "1, halt, 2"}, envelope, "1\n"},
		{"jq with NDJSON", Options{Format: NDJSON, JQ: ".data"}, `{"data":{"a":1}}`, "{\"a\":1}\n"},
		{"jq has no environment", Options{JQ: "env, $ENV"}, `{}`, "{}\n{}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, out, _ := printer(t, tt.opts)
			if err := p.Data(json.RawMessage(tt.raw), func(*Page) { t.Error("got a call for the text form, want none") }); err != nil {
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
		t.Run("compiling "+program, func(t *testing.T) {
			_, err := New(streams, Options{JQ: program})
			var filter *FilterError
			if !errors.As(err, &filter) || filter.OnData || !strings.HasPrefix(err.Error(), "jq: ") || errors.Unwrap(err) == nil {
				t.Errorf("got %v, want a FilterError", err)
			}
		})
	}
	for _, program := range []string{"1, .data.x", `error("no")`, `"x" | halt_error`, ".data[9000000000000]?, .data.x"} {
		t.Run("running "+program, func(t *testing.T) {
			p, out, _ := printer(t, Options{JQ: program})
			err := p.Data(json.RawMessage(`{"data":[]}`), nil)
			var filter *FilterError
			if !errors.As(err, &filter) || !filter.OnData {
				t.Errorf("got %v, want a FilterError on the data", err)
			}
			if out.Len() > 0 {
				t.Errorf("got the output %q, want none", out)
			}
		})
	}
}

func TestBrokenJSON(t *testing.T) {
	t.Parallel()
	for _, opts := range []Options{{Format: JSON}, {Format: NDJSON}, {JQ: "."}} {
		p, out, _ := printer(t, opts)
		if err := p.Data(json.RawMessage(`{"a":`), nil); err == nil || out.Len() > 0 {
			t.Errorf("%+v: got %v and the output %q, want an error and none", opts, err, out)
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	p, out, _ := printer(t, Options{Format: NDJSON})
	if err := printValue(p, map[string]string{"url": "https://e.com/?a&b"}, nil); err != nil {
		t.Fatal(err)
	}
	if want := "{\"url\":\"https://e.com/?a&b\"}\n"; out.String() != want {
		t.Errorf("got %s, want %s", out, want)
	}
	if err := printValue(p, func() {}, nil); err == nil {
		t.Error("got no error for a function, want one")
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
		t.Errorf("got %s, want %s", out, want)
	}
	q, out, _ := printer(t, Options{JQ: ".a"})
	if err := q.Line(json.RawMessage(`{"a":"x"}`)); err != nil || out.String() != "x\n" {
		t.Errorf("got %q, %v, want x", out, err)
	}
}

// TestJSONOnTerminal: characters of JSON strings that a terminal acts on are escaped on a terminal, and only there.
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
			t.Errorf("%+v: got %q, want it without control characters", opts, text)
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["x"] != hostile {
			t.Errorf("%+v: got the value %q, %v, want %q", opts, back["x"], err, hostile)
		}
	}
	streams, out, _ := term.Test("")
	streams.OutTTY = true
	p, err := New(streams, Options{JQ: ".x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Data(json.RawMessage(`{"x":"a\u001b]52;c;AAAA\u0007b\nc"}`), nil); err != nil || out.String() != "ab\nc\n" {
		t.Errorf("got %q, %v, want %q", out, err, "ab\nc\n")
	}
	piped, out, _ := printer(t, Options{JQ: ".x"})
	if err := piped.Data(raw, nil); err != nil || out.String() != hostile+"\n" {
		t.Errorf("in a pipe: got %q, %v, want %q", out, err, hostile)
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
		if err := printValue(p, 1, func(page *Page) { page.Line("x") }); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: got %v, want the error of the write", format, err)
		}
	}
}

func TestQuiet(t *testing.T) {
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
			t.Errorf("quiet %t: got %q on stderr and %q on stdout, want %q and nothing", quiet, err, out, want)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	if got, want := Quote("a\x1b[31m\"b\n c"), `"a\"b c"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// printValue prints a Go value as JSON.
func printValue(p *Printer, v any, text func(*Page)) error {
	raw, err := encode(v)
	if err != nil {
		return err
	}
	return p.Data(raw, text)
}

// A command to copy stays on one line; a sentence is broken between words.
func TestHint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, hint, want string }{
		{"command", "lamina batch plan APP ITEMS --out posters", "try: lamina batch plan APP ITEMS --out posters\n"},
		{"setting", "export LAMINA_BASE_URL=http://127.0.0.1:8799", "try: export LAMINA_BASE_URL=http://127.0.0.1:8799\n"},
		{"sentence", "name another folder with --out, please", "try: name another folder\nwith --out, please\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			streams, _, stderr := term.Test("")
			streams.ErrTTY, streams.Width = true, func() int { return 24 }
			p, err := New(streams, Options{})
			if err != nil {
				t.Fatal(err)
			}
			p.Hint(tt.hint)
			if got := stderr.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
