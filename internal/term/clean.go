package term

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Clean returns text that is safe to write to a terminal. It removes escape sequences and the characters that Replace
// replaces, and keeps newlines and tabs.
func Clean(text string) string {
	if isPlain(text) {
		return text
	}
	return Replace(ansi.Strip(text), func(rune) string { return "" })
}

// Flat is Clean for a text on one line that keeps its spaces: newlines and tabs become spaces.
func Flat(text string) string { return strings.NewReplacer("\n", " ", "\t", " ").Replace(Clean(text)) }

// Line is Clean for a text on one line: each run of white space becomes one space.
func Line(text string) string { return strings.Join(strings.Fields(Clean(text)), " ") }

// isPlain reports whether text is printable ASCII with newlines and tabs.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

// Replace replaces each character that acts on a terminal or is invisible: controls other than newline and tab,
// bidirectional controls, line separators, zero-width characters and tags. A joiner (U+200C, U+200D) between two visible
// characters above ASCII stays, because emoji and many scripts need it.
func Replace(text string, replacement func(r rune) string) string {
	runes := []rune(text)
	var out strings.Builder
	for i, r := range runes {
		isNeeded := isJoiner(r) && 0 < i && i < len(runes)-1 && joins(runes[i-1]) && joins(runes[i+1])
		if isVisible(r) || isNeeded {
			out.WriteRune(r)
		} else {
			out.WriteString(replacement(r))
		}
	}
	return out.String()
}

// isVisible reports whether r is a newline, a tab or a character that a terminal shows.
func isVisible(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return true
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point):
		return false
	}
	return true
}

// isJoiner reports whether r is a zero-width non-joiner or joiner.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// joins reports whether r is of a script or a set of symbols that joiners have an effect on.
func joins(r rune) bool { return r > unicode.MaxASCII && isVisible(r) }
