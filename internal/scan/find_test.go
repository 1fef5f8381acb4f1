package scan_test

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/scan"
)

// body is the part of a test key after its prefix. The tests join the two, so that a scan of this repository finds no key.
const body = "Q7f2kT9xLm4Zr8Wd"

// encode returns the base64 of a text.
func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestLine(t *testing.T) {
	t.Parallel()
	f := scan.NewFinder(provider.All())
	tests := []struct {
		name, line string
		want       []string // service, class and column of each hit
	}{
		{"lamina", "key=lma_" + body, []string{"lamina//5"}},
		{"access token of lamina", `"apiKey": "lma_mcp_at_` + body + `"`, []string{"lamina//12"}},
		{"laminr", "x-api-key: sk_live_" + body, []string{"laminr/live/12"}},
		{"lightfast", "Bearer sk-lf-" + body, []string{"lightfast//8"}},
		{"lightfast, older shape", "lf_sk_" + body, []string{"lightfast//1"}},
		{"laghav", "'lgh_live_" + body + "'", []string{"laghav/live/2"}},
		{"laghav, test key", "lgh_test_" + body, []string{"laghav/test/1"}},
		{"lamatic, assigned", `LAMATIC_API_KEY="` + body + `"`, []string{"lamatic//18"}},
		{"lamatic in YAML", "  LAMATIC_API_KEY: " + body, []string{"lamatic//20"}},
		{"lamatic in JSON", `"LAMATIC_API_KEY": "` + body + `"`, []string{"lamatic//21"}},
		{"two in a line", "lgh_live_" + body + " lma_" + body, []string{"laghav/live/1", "lamina//27"}},
		{"variable that is read", "key := os.Getenv(\"LAMATIC_API_KEY\")", nil},
		{"variable with another variable", "LAMATIC_API_KEY=$OTHER_" + body, nil},
		{"example", "lgh_live_xxxxxxxxxxxxxxxx", nil},
		{"sample of the documentation", "sk_live_abc123xyz789", nil},
		{"too short", "lma_abc12", nil},
		{"words", "lf_this_is_a_name_of_a_function", nil},
		{"in the middle of a word", "xlgh_live_" + body, nil},
		{"URL-encoded twice", "next=%252Fa%253Dlma_" + body, []string{"lamina//17"}},
		{"quoted-printable", "key=3Dlma_" + body, []string{"lamina//7"}},
		{"octal escape", `key\075lma_` + body, []string{"lamina//8"}},
		{"coloured", "\x1b[1;32mlma_" + body, []string{"lamina//8"}},
		{"user name of basic authentication", "Authorization: Basic " + encode("lma_"+body+":"), []string{"lamina//22"}},
		{"password of basic authentication", "authorization: basic " + encode("user:lma_"+body), []string{"lamina//22"}},
		{"configuration of Docker", `"auth": "` + encode("user:lgh_test_"+body) + `"`, []string{"laghav/test/10"}},
		{"basic authentication without a key", "Authorization: Basic " + encode("user:"+body), nil},
		{"a shape and an assignment", "lma_" + body + " LAMATIC_API_KEY=" + body, []string{"lamina//1", "lamatic//38"}},
		{"a shape that is assigned", "LAMINA_API_KEY=old-lma_" + body, []string{"lamina//20"}},
		{"allowed", "lgh_live_" + body + " # " + scan.Allow, nil},
		{"empty line", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, h := range f.Line([]byte(tt.line)) {
				got = append(got, h.Service+"/"+h.Class+"/"+strconv.Itoa(h.Column))
				if strings.Contains(h.Hint, body) {
					t.Errorf("got the hint %q, want a part of the key only", h.Hint)
				}
			}
			if strings.Join(got, " ") != strings.Join(tt.want, " ") {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzLine(f *testing.F) {
	finder := scan.NewFinder(provider.All())
	f.Add([]byte(`LAMATIC_API_KEY="` + body + `"`))
	f.Add([]byte("lgh_live_" + body + " lma_" + body))
	f.Add([]byte("LAMATIC_API_KEY="))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, h := range finder.Line(line) {
			if h.Column < 1 || h.Column > len(line) {
				t.Errorf("got column %d in a line of %d bytes", h.Column, len(line))
			}
		}
	})
}
