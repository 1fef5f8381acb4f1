package output

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestBreakCommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, command string
		width         int
		want          []string
	}{
		{"fits", "lamina runs list", 16, []string{"lamina runs list"}},
		{"at blanks", "lamina runs list --limit 3 --json", 20, []string{`lamina runs list \`, `--limit 3 --json`}},
		{"not in quotes", "lamina run poster -i 'text=a b c' --wait", 24, []string{`lamina run poster \`, `-i 'text=a b c' --wait`}},
		{"nested quotes", `a --jq '.data[] | "x y"' "it's here" z`, 20, []string{`a --jq \`, `'.data[] | "x y"' \`, `"it's here" z`}},
		{"flag with its value", "lamina runs wait --timeout 10m", 24, []string{`lamina runs wait \`, `--timeout 10m`}},
		{"escaped quote", `a "b \" c" d`, 9, []string{`a \`, `"b \" c" \`, `d`}},
		{"comment", "lamina dev  # starts a platform", 20, []string{`lamina dev \`, "# starts a platform"}},
		{"long word", "lamina " + strings.Repeat("x", 20), 10, []string{`lamina \`, strings.Repeat("x", 20)}},
		{"open quote", "a 'b c d e f", 6, []string{`a \`, "'b c d e f"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := breakCommand(tt.command, tt.width); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzBreakCommand checks that the words of a broken command are those of the command, and that only long words are wider.
func FuzzBreakCommand(f *testing.F) {
	f.Add("lamina run poster -i 'text=a b' | jq .", 12)
	f.Fuzz(func(t *testing.T, command string, width int) {
		width = width&0x7f + 8
		if strings.ContainsAny(command, "\n\x1b") {
			return
		}
		lines := breakCommand(command, width)
		if len(lines) == 1 {
			return
		}
		var words []string
		for i, line := range lines {
			if rest, isCut := strings.CutSuffix(line, ` \`); isCut && i < len(lines)-1 {
				line = rest
			}
			parts := shellWords(line)
			if ansi.StringWidth(line) > width && len(parts) > 1 {
				t.Errorf("got the line %q, want at most %d columns", line, width)
			}
			words = append(words, parts...)
		}
		if want := shellWords(command); !slices.Equal(words, want) {
			t.Errorf("got %q, want %q", words, want)
		}
	})
}
