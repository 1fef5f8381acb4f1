package output

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// wrap breaks lines that are wider than width at spaces. The rest of a line starts at the column hang. A word is never broken,
// because it may be a URL to copy.
func wrap(text string, width, hang int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if ansi.StringWidth(line) > width {
			lines[i] = wrapLine(line, width, hang)
		}
	}
	return strings.Join(lines, "\n")
}

func wrapLine(line string, width, hang int) string {
	start := len(line) - len(strings.TrimLeft(line, " "))
	var out strings.Builder
	out.WriteString(line[:start])
	column, empty := start, true
	for word := range strings.SplitSeq(line[start:], " ") {
		w := ansi.StringWidth(word)
		switch {
		case empty:
		case column+1+w > width:
			out.WriteString("\n" + strings.Repeat(" ", hang))
			column = hang
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column, empty = column+w, false
	}
	return out.String()
}

// longestWord returns the width of the longest word of a text.
func longestWord(text string) int {
	longest := 0
	for word := range strings.SplitSeq(text, " ") {
		longest = max(longest, ansi.StringWidth(word))
	}
	return longest
}
