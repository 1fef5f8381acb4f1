package check

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/api"
)

// poster returns an app with inputs of all kinds.
func poster() api.App {
	return api.App{
		AppID: "a1",
		Parameters: []api.Parameter{
			{ID: "p1", Key: "headline", Name: "Headline Text", Type: "text"},
			{ID: "p2", Name: "Size", Type: "options", Options: []string{"Small", "Large", "small!", "SMALL!"}, Default: json.RawMessage(`"Small"`)},
			{ID: "p3", Key: "photo", Name: "Photo", Type: "url", Accept: []string{"image"}, Default: json.RawMessage(`""`)},
			{ID: "p4", Key: "tags", Name: "Tags", Type: "text", Multiple: true, Default: json.RawMessage(`[]`)},
			{ID: "p5", Key: "clips", Name: "Clips", Type: "url", Multiple: true, Accept: []string{"video"}, Default: json.RawMessage(`0`)},
			{ID: "p6", Key: "free", Name: "Free", Type: "text", Required: true, Default: json.RawMessage(`false`)},
			{ID: "p7", Key: "extra", Name: "Extra", Type: "number", Default: json.RawMessage(`1`)},
			{ID: "p8", Name: "Anything", Type: "options", Default: json.RawMessage(`"x"`)},
		},
		Outputs: []api.OutputDescriptor{{Label: "Poster", Type: "image"}, {Index: 1, Label: "Caption", Type: "text"}},
	}
}

// fromFile decodes values as the inputs in a file are decoded.
func fromFile(t testing.TB, text string) map[string]any {
	t.Helper()
	var values map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&values); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestInputs(t *testing.T) {
	t.Parallel()
	type problem struct{ field, code, message string }
	tests := []struct {
		name         string
		values       map[string]any
		want         string // as JSON; empty: not checked
		wantProblems []problem
	}{
		{"by key", map[string]any{"headline": "x"}, `{"headline":"x"}`, nil},
		{"by name", map[string]any{"Headline Text": "x"}, `{"headline":"x"}`, nil},
		{"by name in another case", map[string]any{"headline TEXT": "x"}, `{"headline":"x"}`, nil},
		{"by id", map[string]any{"p1": "x"}, `{"headline":"x"}`, nil},
		{"by name without a key", map[string]any{"headline": "x", "size": "Large"}, `{"headline":"x","Size":"Large"}`, nil},
		{"missing", map[string]any{}, `{}`, []problem{{"headline", CodeMissing, "is needed and has no default"}}},
		{"empty text", map[string]any{"headline": ""}, `{"headline":""}`, nil},
		{"text that looks like JSON", map[string]any{"headline": "true", "free": "12", "tags": "null"}, `{"headline":"true","free":"12","tags":["null"]}`, nil},
		{"unknown", map[string]any{"headline": "x", "colour": "red"}, `{"headline":"x"}`, []problem{{"colour", CodeUnknown, "is not an input of this app"}}},
		{"option in another case", map[string]any{"headline": "x", "Size": "lArGe"}, `{"headline":"x","Size":"Large"}`, nil},
		{"equal option before similar ones", map[string]any{"headline": "x", "Size": "SMALL!"}, `{"headline":"x","Size":"SMALL!"}`, nil},
		{"no such option", map[string]any{"headline": "x", "Size": "XL"}, "", []problem{{"Size", CodeOption, `has no option "XL"`}}},
		{"input without a list of options", map[string]any{"headline": "x", "Anything": "goes"}, `{"headline":"x","Anything":"goes"}`, nil},
		{"URL", map[string]any{"headline": "x", "photo": "HTTPS://example.com/a.PNG?x=1"}, `{"headline":"x","photo":"HTTPS://example.com/a.PNG?x=1"}`, nil},
		{"URL of unknown media type", map[string]any{"headline": "x", "photo": "http://example.com/a"}, `{"headline":"x","photo":"http://example.com/a"}`, nil},
		{"URL of another media type", map[string]any{"headline": "x", "photo": "https://example.com/a.mp4"}, "", []problem{
			{"photo", CodeMedia, "does not take video: https://example.com/a.mp4"},
		}},
		{"path", map[string]any{"headline": "x", "photo": "./a.png"}, "", []problem{{"photo", CodeType, `takes an http or https URL, not "./a.png"`}}},
		{"URL of a file", map[string]any{"headline": "x", "photo": "file:///a.png"}, "", []problem{{"photo", CodeType, `takes an http or https URL, not "file:///a.png"`}}},
		{"another scheme", map[string]any{"headline": "x", "photo": "ftp://e.com/a.png"}, "", []problem{
			{"photo", CodeType, `takes an http or https URL, not "ftp://e.com/a.png"`},
		}},
		{"no host", map[string]any{"headline": "x", "photo": "https://:443/a.png"}, "", []problem{
			{"photo", CodeType, `takes an http or https URL, not "https://:443/a.png"`},
		}},
		{"several values", map[string]any{"headline": "x", "tags": []any{"a", "b"}}, `{"headline":"x","tags":["a","b"]}`, nil},
		{"one value for a list", map[string]any{"headline": "x", "tags": "a"}, `{"headline":"x","tags":["a"]}`, nil},
		{"several as JSON", map[string]any{"headline": "x", "tags": ` ["a", 12345678901234567890]`}, `{"headline":"x","tags":["a","12345678901234567890"]}`, nil},
		{"text that starts like JSON", map[string]any{"headline": "x", "tags": "[1] see below"}, `{"headline":"x","tags":["[1] see below"]}`, nil},
		{"several URLs", map[string]any{"headline": "x", "clips": []any{"https://e.com/a.mp4", "https://e.com/b.png"}}, "", []problem{
			{"clips", CodeMedia, "does not take image: https://e.com/b.png"},
		}},
		{"several values for one", map[string]any{"headline": []any{"a", "b"}}, "", []problem{{"headline", CodeType, "takes one value, not a list"}}},
		{"file: list for one value", fromFile(t, `{"headline":["a"]}`), "", []problem{{"headline", CodeType, "takes one value, not a list"}}},
		{"file: number for text", fromFile(t, `{"headline":12.50}`), `{"headline":"12.50"}`, nil},
		{"file: boolean for text", fromFile(t, `{"headline":true}`), "", []problem{{"headline", CodeType, "takes text, not true or false"}}},
		{"file: null for text", fromFile(t, `{"headline":null}`), "", []problem{{"headline", CodeType, "takes text, not null"}}},
		{"file: object for text", fromFile(t, `{"headline":{}}`), "", []problem{{"headline", CodeType, "takes text, not an object"}}},
		{"file: boolean for options", fromFile(t, `{"headline":"x","Size":false}`), "", []problem{
			{"Size", CodeType, "takes one of its options, not true or false"},
		}},
		{"file: number for a URL", fromFile(t, `{"headline":"x","photo":7}`), "", []problem{{"photo", CodeType, `takes an http or https URL, not "7"`}}},
		{"file: list", fromFile(t, `{"headline":"x","tags":["a",2]}`), `{"headline":"x","tags":["a","2"]}`, nil},
		{"file: empty list", fromFile(t, `{"headline":"x","tags":[]}`), `{"headline":"x","tags":[]}`, nil},
		{"file: list with null", fromFile(t, `{"headline":"x","tags":["a",null]}`), "", []problem{{"tags", CodeType, "takes text, not null"}}},
		{"file: list in a list", fromFile(t, `{"headline":"x","tags":[["a"]]}`), "", []problem{{"tags", CodeType, "takes text, not a list"}}},
		{"float64", map[string]any{"headline": 1.5}, "", []problem{{"headline", CodeType, "takes text, not a number"}}},
		{"unknown type, typed JSON", map[string]any{"headline": "x", "extra": `{"n":12345678901234567890}`}, `{"headline":"x","extra":{"n":12345678901234567890}}`, nil},
		{"unknown type, typed number", map[string]any{"headline": "x", "extra": "5"}, `{"headline":"x","extra":"5"}`, nil},
		{"unknown type, file", fromFile(t, `{"headline":"x","extra":5}`), `{"headline":"x","extra":5}`, nil},
		{"unknown type, typed text", map[string]any{"headline": "x", "extra": "[not json"}, `{"headline":"x","extra":"[not json"}`, nil},
		{"JSON: number for text", map[string]any{"headline": json.RawMessage("1.50")}, `{"headline":"1.50"}`, nil},
		{"JSON: boolean for text", map[string]any{"headline": json.RawMessage("true")}, "", []problem{{"headline", CodeType, "takes text, not true or false"}}},
		{"JSON: list for one text", map[string]any{"headline": json.RawMessage(`["a"]`)}, "", []problem{{"headline", CodeType, "takes text, not a list"}}},
		{"JSON: list", map[string]any{"headline": "x", "tags": json.RawMessage(`["a",2]`)}, `{"headline":"x","tags":["a","2"]}`, nil},
		{"JSON: items", map[string]any{"headline": "x", "tags": []any{json.RawMessage(`1`), "b"}}, `{"headline":"x","tags":["1","b"]}`, nil},
		{"unknown type, JSON number", map[string]any{"headline": "x", "extra": json.RawMessage("5")}, `{"headline":"x","extra":5}`, nil},
		{"unknown type, JSON string", map[string]any{"headline": "x", "extra": json.RawMessage(`"true"`)}, `{"headline":"x","extra":"true"}`, nil},
		{"unknown type, JSON list", map[string]any{"headline": "x", "extra": json.RawMessage("[1,2]")}, `{"headline":"x","extra":[1,2]}`, nil},
		{"two names of one input", map[string]any{"headline": "x", "Headline Text": "y"}, "", []problem{{"headline", CodeType, "is given twice under two names"}}},
		{
			"all problems in order",
			map[string]any{"zzz": "1", "Size": "XL", "photo": "x", "tags": nil, "aaa": "2"}, "",
			[]problem{
				{"Size", CodeOption, `has no option "XL"`}, {"aaa", CodeUnknown, "is not an input of this app"},
				{"photo", CodeType, `takes an http or https URL, not "x"`}, {"tags", CodeType, "takes text, not null"},
				{"zzz", CodeUnknown, "is not an input of this app"}, {"headline", CodeMissing, "is needed and has no default"},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inputs, details := Inputs(poster(), tt.values)
			var problems []problem
			for _, d := range details {
				problems = append(problems, problem{d.Field, d.Code, d.Message})
			}
			if !reflect.DeepEqual(problems, tt.wantProblems) {
				t.Errorf("got the problems %q, want %q", problems, tt.wantProblems)
			}
			if raw, _ := json.Marshal(inputs); tt.want != "" && !sameText(string(raw), tt.want) {
				t.Errorf("got the inputs %s, want %s", raw, tt.want)
			}
		})
	}
}

// sameText compares JSON and the spelling of its numbers.
func sameText(a, b string) bool {
	normalize := func(s string) string {
		var v any
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		_ = dec.Decode(&v)
		raw, _ := json.Marshal(v)
		return string(raw)
	}
	return normalize(a) == normalize(b)
}

// TestProblemsHaveAllowedValues: a problem contains the values that are allowed.
func TestProblemsHaveAllowedValues(t *testing.T) {
	t.Parallel()
	_, details := Inputs(poster(), map[string]any{"headline": "x", "Size": "XL", "colour": "red", "photo": "https://e.com/a.mp3"})
	want := [][]string{{"Small", "Large", "small!", "SMALL!"}, {"headline", "Size", "photo", "tags", "clips", "free", "extra", "Anything"}, {"image"}}
	for i, d := range details {
		if !reflect.DeepEqual(d.Allowed, want[i]) {
			t.Errorf("%s: got %q, want %q", d.Field, d.Allowed, want[i])
		}
	}
}

// TestEqualNames: inputs with the same name are identified by their ids.
func TestEqualNames(t *testing.T) {
	t.Parallel()
	app := api.App{Parameters: []api.Parameter{{ID: "n1", Name: "Image", Type: "text"}, {ID: "n2", Name: "Image", Type: "text"}}}
	inputs, details := Inputs(app, map[string]any{"n1": "a", "n2": "b"})
	if len(details) > 0 || !reflect.DeepEqual(inputs, map[string]any{"n1": "a", "n2": "b"}) {
		t.Errorf("got %v, %v, want n1 and n2", inputs, details)
	}
	inputs, details = Inputs(app, map[string]any{"Image": "a"})
	if inputs["n1"] != "a" || len(details) != 1 || details[0].Field != "n2" {
		t.Errorf("got %v, %v, want n1 and a problem of n2", inputs, details)
	}
}

func TestInputsKeepsItsArgument(t *testing.T) {
	t.Parallel()
	values := fromFile(t, `{"headline":"x","tags":["a",2]}`)
	before, _ := json.Marshal(values)
	Inputs(poster(), values)
	if after, _ := json.Marshal(values); !bytes.Equal(before, after) {
		t.Errorf("got the changed argument %s, want %s", after, before)
	}
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	unknown := func(label string) api.Detail {
		return api.Detail{Field: label, Code: "unknown_output", Message: "is not an output of this app", Allowed: []string{"Poster", "Caption"}}
	}
	tests := []struct {
		name   string
		app    api.App
		labels []string
		want   []api.Detail
	}{
		{"known, in another case", poster(), []string{"poster", "CAPTION"}, nil},
		{"unknown", poster(), []string{"Poster", "video", "clip"}, []api.Detail{unknown("video"), unknown("clip")}},
		{"app without outputs", api.App{}, []string{"anything"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Outputs(tt.app, tt.labels); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// FuzzInputs: for every typed value, text is unchanged, and the inputs can be encoded once files have been replaced by URLs.
func FuzzInputs(f *testing.F) {
	for _, seed := range []string{"x", "true", "[1,2]", `{"a":1}`, "https://e.com/a.png", "https://[::1", "\xff", "null", `"x"`, "[1e400]", "@0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		values := map[string]any{"headline": value}
		for _, name := range []string{"Size", "photo", "tags", "clips", "extra", "Anything"} {
			values[name] = value
		}
		inputs, problems := Inputs(poster(), values)
		if inputs["headline"] != value {
			t.Errorf("got the text %q, want %q", inputs["headline"], value)
		}
		again, more := Inputs(poster(), values)
		if !reflect.DeepEqual(inputs, again) || !reflect.DeepEqual(problems, more) {
			t.Error("got another result for the same values")
		}
		upload := func(input any) any {
			if _, isFile := input.(LocalFile); isFile {
				return "https://e.com/a.png"
			}
			return input
		}
		for name, input := range inputs {
			inputs[name] = upload(input)
			list, _ := input.([]any)
			for i := range list {
				list[i] = upload(list[i])
			}
		}
		if _, err := json.Marshal(inputs); err != nil {
			t.Errorf("got %v from encoding, want no error", err)
		}
	})
}

// TestLocalFileIsNeverSent: the name of a file cannot reach the service in place of a URL.
func TestLocalFileIsNeverSent(t *testing.T) {
	t.Parallel()
	app := api.App{Parameters: []api.Parameter{{ID: "1", Key: "photo", Type: "url", Accept: []string{"image"}}, {ID: "2", Key: "text", Type: "text"}}}
	inputs, problems := Inputs(app, map[string]any{"photo": "@me.jpg", "text": "@me"})
	if len(problems) > 0 || inputs["text"] != "@me" {
		t.Fatalf("got %v and the problems %v, want the text as it is", inputs, problems)
	}
	if file, isFile := inputs["photo"].(LocalFile); !isFile || file.Path != "me.jpg" || len(file.Accept) != 1 {
		t.Errorf("got %#v, want the file me.jpg", inputs["photo"])
	}
	if raw, err := json.Marshal(inputs); err == nil {
		t.Errorf("got %s, want an error", raw)
	}
}
