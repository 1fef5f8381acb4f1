package session

import (
	"slices"
	"strings"
	"testing"
)

func TestParseEnvFile(t *testing.T) {
	t.Parallel()
	const text = `# a project's file
A=plain # comment
export B="two\nlines \"quoted\" \$X"
C='raw \n'
D="-----BEGIN
LAMINA_API_KEY=inside
-----END"  # after
E=a#b
F=
G
H: yaml
set -e
I="open
J='x'y
K=` + "`tick`" + `
L=last`
	want := []assignment{
		{"A", "plain", 2, ""}, {"B", "two\nlines \"quoted\" $X", 3, ""}, {"C", `raw \n`, 4, ""},
		{"D", "-----BEGIN\nLAMINA_API_KEY=inside\n-----END", 5, ""}, {"E", "a#b", 8, ""}, {"F", "", 9, ""},
		{"H", "", 11, "is not followed by an equals sign"}, {"set", "", 12, "is not followed by an equals sign"},
		{"I", "", 13, "has no closing quote"}, {"J", "", 14, "has text after the closing quote"}, {"K", "tick", 15, ""}, {"L", "last", 16, ""},
	}
	got, skipped := parseEnvFile(text)
	if !slices.Equal(got, want) || skipped != 1 {
		t.Errorf("got %d skipped and\n%+v, want 1 and\n%+v", skipped, got, want)
	}
}

// FuzzParseEnvFile checks that every assignment has a name and a line of the text.
func FuzzParseEnvFile(f *testing.F) {
	f.Add("A=\"x\ny\"\nexport B='c' # d")
	f.Fuzz(func(t *testing.T, text string) {
		assignments, _ := parseEnvFile(text)
		last := 0
		for _, a := range assignments {
			if a.name == "" && a.problem == "" || a.line <= last || a.line > strings.Count(text, "\n")+1 {
				t.Errorf("got %+v after line %d for %q", a, last, text)
			}
			last = a.line
		}
	})
}
