package check

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/uselamina/lamina/internal/api"
)

// sampleModel has a parameter of each type.
const sampleModel = `{"id":"m","paramSchema":{
	"prompt":{"type":"string","required":true,"maxLength":10},
	"style":{"type":"enum","values":["Bold","neon"],"default":"Bold"},
	"duration":{"type":"enum","values":["5","10"]},
	"size":{"type":"enum","values":[512,1024]},
	"steps":{"type":"integer","min":1,"max":50},
	"scale":{"type":"number","min":0.5,"step":0.5},
	"fast":{"type":"boolean"},
	"imageUrl":{"type":"url","accept":["image/png",".jpg"]},
	"imageUrls":{"type":"array<url>","minItems":1,"maxItems":2},
	"tags":{"type":"array<string>"},
	"shots":{"type":"array<object>","maxItems":3,"itemSchema":{"prompt":{"type":"string","required":true},"duration":{"type":"integer","max":15}}},
	"voice":{"type":"something-new"}}}`

func modelOf(t testing.TB, text string) api.Model {
	t.Helper()
	var m api.Model
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParamsConverts(t *testing.T) {
	t.Parallel()
	raw := func(text string) any { return json.RawMessage(text) }
	tests := []struct {
		name, param string
		value       any
		want        string
	}{
		{"text that looks like a number", "prompt", "123", `"123"`},
		{"text as JSON", "prompt", raw(`"a"`), `"a"`},
		{"option in another case", "style", "NEON", `"neon"`},
		{"option that is a text of digits", "duration", "5", `"5"`},
		{"option that is a text, typed as a number", "duration", raw(`10`), `"10"`},
		{"option that is a number", "size", "512", `512`},
		{"integer", "steps", "50", `50`},
		{"integer with spaces", "steps", " 7 ", `7`},
		{"integer from a file", "steps", json.Number("7"), `7`},
		{"number in exponents", "scale", "1e0", `1e0`},
		{"boolean", "fast", "true", `true`},
		{"boolean as JSON", "fast", raw(`false`), `false`},
		{"url", "imageUrl", "https://h/a.png", `"https://h/a.png"`},
		{"url without an extension", "imageUrl", "https://h/a", `"https://h/a"`},
		{"one value of a list", "imageUrls", "https://h/a", `["https://h/a"]`},
		{"several values of a list", "imageUrls", []any{"https://h/a", "https://h/b"}, `["https://h/a","https://h/b"]`},
		{"list as JSON", "imageUrls", raw(`["https://h/a"]`), `["https://h/a"]`},
		{"list in text", "imageUrls", `["https://h/a"]`, `["https://h/a"]`},
		{"list of texts", "tags", []any{"1", "2"}, `["1","2"]`},
		{"objects", "shots", raw(`[{"prompt":"a","duration":3}]`), `[{"duration":3,"prompt":"a"}]`},
		{"one object in text", "shots", `{"prompt":"a"}`, `[{"prompt":"a"}]`},
		{"unknown type as text", "voice", "5", `"5"`},
		{"unknown type as JSON", "voice", raw(`5`), `5`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			values := map[string]any{"prompt": "x", test.param: test.value}
			params, problems := Params(modelOf(t, sampleModel), values)
			got, err := json.Marshal(params[test.param])
			if len(problems) > 0 || err != nil || string(got) != test.want {
				t.Errorf("got %s, %+v (%v), want %s", got, problems, err, test.want)
			}
		})
	}
}

func TestParamsFindsEveryProblem(t *testing.T) {
	t.Parallel()
	raw := func(text string) any { return json.RawMessage(text) }
	tests := []struct {
		name   string
		values map[string]any
		want   []string // field, code, range and value of each problem
	}{
		{"nothing", nil, []string{"prompt required  "}},
		{"empty text", map[string]any{"prompt": " "}, []string{`prompt required   `}},
		{"too long", map[string]any{"prompt": "ääääääääääx"}, []string{"prompt too_long at most 10 11"}},
		{"no text", map[string]any{"prompt": raw(`5`)}, []string{"prompt invalid_type  5"}},
		{
			"many", map[string]any{"prompt": "x", "style": "Baroque", "steps": "99", "scale": "0.7", "fast": "yes", "colour": "red"},
			[]string{"colour unknown_parameter  ", "fast invalid_type  yes", "scale out_of_range at least 0.5, in steps of 0.5 0.7", "steps out_of_range 1 to 50 99", "style invalid_option  Baroque"},
		},
		{
			"numbers", map[string]any{"prompt": "x", "steps": "1.5", "scale": "NaN"},
			[]string{"scale invalid_type at least 0.5, in steps of 0.5 NaN", "steps invalid_type 1 to 50 1.5"},
		},
		{"null is no number", map[string]any{"prompt": "x", "steps": "null"}, []string{"steps invalid_type 1 to 50 null"}},
		{"not finite", map[string]any{"prompt": "x", "scale": "1e999"}, []string{"scale invalid_type at least 0.5, in steps of 0.5 1e999"}},
		{"media", map[string]any{"prompt": "x", "imageUrl": "https://h/a.mp4"}, []string{"imageUrl invalid_media  "}},
		{"items", map[string]any{"prompt": "x", "imageUrls": raw(`[]`)}, []string{"imageUrls wrong_number_of_items 1 to 2 0"}},
		{"a list for one value", map[string]any{"prompt": "x", "steps": []any{"1", "2"}}, []string{`steps invalid_type 1 to 50 ["1","2"]`}},
		{
			"objects", map[string]any{"prompt": "x", "shots": raw(`[{"duration":16,"move":1},"text"]`)},
			[]string{"shots[0].duration out_of_range at most 15 16", "shots[0].move unknown_parameter  ", "shots[0].prompt required  ", "shots[1] invalid_type  text"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, problems := Params(modelOf(t, sampleModel), test.values)
			var got []string
			for _, p := range problems {
				got = append(got, p.Field+" "+p.Code+" "+p.RangeText()+" "+p.GotText())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestModelWithoutASchemaTakesAnyParameter(t *testing.T) {
	t.Parallel()
	params, problems := Params(api.Model{}, map[string]any{"a": "5", "b": "true", "c": json.RawMessage("1")})
	if got, _ := json.Marshal(params); len(problems) > 0 || string(got) != `{"a":"5","b":true,"c":1}` {
		t.Errorf("got %s, %+v, want all parameters", got, problems)
	}
}

// FuzzParams checks that parameters that were accepted can be sent, whatever the schema is.
func FuzzParams(f *testing.F) {
	f.Add(sampleModel, "prompt", "x", false)
	f.Add(sampleModel, "shots", `[{"prompt":[]}]`, true)
	f.Add(`{"paramSchema":{"a":{"type":"array<array<url>>","itemSchema":{"type":"array"},"maxItems":0}}}`, "a", `[[1]]`, true)
	f.Add(`{"paramSchema":{"a":{"type":"integer","step":0,"min":1e308}}}`, "a", "1e400", false)
	f.Fuzz(func(t *testing.T, schema, name, value string, isTyped bool) {
		var m api.Model
		if json.Unmarshal([]byte(schema), &m) != nil {
			return
		}
		values := map[string]any{name: value}
		if isTyped {
			if !json.Valid([]byte(value)) {
				return
			}
			values[name] = json.RawMessage(value)
		}
		params, problems := Params(m, values)
		if _, err := json.Marshal(params); len(problems) == 0 && err != nil {
			t.Errorf("%s, %s=%s: accepted what cannot be sent: %v", schema, name, value, err)
		}
		for _, p := range problems {
			_, _ = p.RangeText(), p.GotText()
			if _, err := json.Marshal(p); err != nil {
				t.Errorf("%s, %s=%s: got a problem that cannot be printed: %v", schema, name, value, err)
			}
		}
	})
}
