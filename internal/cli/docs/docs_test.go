package docs

import (
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// render returns a guide as text at a width.
func render(t *testing.T, markdown string, width int) string {
	t.Helper()
	streams, _, _ := term.Test("")
	streams.HasColumns, streams.Width = true, func() int { return width }
	p, err := output.New(streams, output.Options{Format: output.Text})
	if err != nil {
		t.Fatal(err)
	}
	return p.PageText(func(page *output.Page) { writeMarkdown(page, markdown) })
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	const markdown = "# Title\n\nA [link](x.md) and `code`, in a\nparagraph.\n\n- **one** item\n  goes on\n- two\n\n```sh\n# a comment, not a heading\nlamina run\n```\n\n" +
		"| a | b |\n|---|---|\n| `x\\|y` | z |\n"
	const want = "Title\n\nA link and code, in a paragraph.\n\n  -  one item goes on\n  -  two\n\n    # a comment, not a heading\n    lamina run\n\n" +
		"a    b\nx|y  z\n"
	if got := render(t, markdown, 80); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestGuidesFit checks that every guide is readable at two widths: only code, addresses and long words are wider.
func TestGuidesFit(t *testing.T) {
	t.Parallel()
	for _, g := range guides() {
		if g.Title == "" || strings.HasPrefix(g.Title, "#") {
			t.Errorf("%s: got the title %q", g.Name, g.Title)
		}
		for _, width := range []int{80, 40} {
			for line := range strings.Lines(render(t, g.Text, width)) {
				line = strings.TrimRight(line, "\n")
				isCode := strings.HasPrefix(line, "    ")
				longest := 0
				for word := range strings.FieldsSeq(line) {
					longest = max(longest, len(word))
				}
				if len([]rune(line)) > width && !isCode && longest < width-14 {
					t.Errorf("%s at %d columns: got the line %q", g.Name, width, line)
				}
			}
		}
	}
}

// TestEveryGuideHasAName checks that the names of the guides are different, and that completion offers them.
func TestEveryGuideHasAName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, g := range guides() {
		if seen[g.Name] || strings.ContainsAny(g.Name, " .") {
			t.Errorf("got the name %q", g.Name)
		}
		seen[g.Name] = true
	}
	offered, _ := New(&cmdutil.Env{}).ValidArgsFunction(nil, nil, "")
	if len(offered) != len(seen) {
		t.Errorf("got %d words for completion, want %d", len(offered), len(seen))
	}
}
