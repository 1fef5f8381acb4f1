package wire

import (
	"strings"
	"unicode"
)

// CleanText returns text from outside in a form that is safe to show on one line: without control characters,
// invisible characters and characters that change the writing direction, with at most two marks on a letter, and cut
// to limit characters.
func CleanText(text string, limit int) string {
	var out []rune
	marks := 0
	for _, r := range strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ") {
		if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) || !unicode.IsGraphic(r) {
			continue
		}
		if marks++; !unicode.IsMark(r) {
			marks = 0
		}
		if marks <= 2 {
			out = append(out, r)
		}
		if len(out) > limit {
			return strings.TrimSpace(string(out[:limit-1])) + "…"
		}
	}
	return strings.TrimSpace(string(out))
}
