package term

import (
	"strings"
	"unicode"
	"unicode/utf8"

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
// bidirectional controls, line separators, zero-width characters, variation selectors and tags. A joiner (U+200C, U+200D) or a
// selector stays where emoji or a script need it, and one alone.
func Replace(text string, replacement func(r rune) string) string {
	if isPlain(text) {
		return text
	}
	var out strings.Builder
	var before rune // the character before r, if it stays; else 0
	for i, r := range text {
		size := max(utf8.RuneLen(r), 1)
		if r == utf8.RuneError {
			_, size = utf8.DecodeRuneInString(text[i:])
		}
		after, _ := utf8.DecodeRuneInString(text[i+size:])
		switch {
		case isVisible(r),
			isJoiner(r) && joins(before) && joins(after) && !isSelector(after),
			isSelector(r) && isSelected(before, after):
			out.WriteRune(r)
			before = r
		default:
			out.WriteString(replacement(r))
			before = 0
		}
	}
	return out.String()
}

// isVisible reports whether r is a newline, a tab or a character that a terminal shows.
func isVisible(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return true
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return false
	}
	return true
}

// isJoiner reports whether r is a zero-width non-joiner or joiner.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// joins reports whether r is of a script or a set of symbols that joiners have an effect on.
func joins(r rune) bool {
	return r > unicode.MaxASCII && (isVisible(r) || isSelector(r)) && r != utf8.RuneError &&
		!unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Hebrew, unicode.Georgian,
			unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo)
}

// isSelector reports whether r chooses a form of the character before it. A row of selectors could hide a text.
func isSelector(r rune) bool { return unicode.Is(unicode.Variation_Selector, r) }

// isSelected reports whether a selector between two characters has an effect: after a symbol, a character of a script above ASCII, or
// in a keycap.
func isSelected(before, after rune) bool {
	const keycap = '\u20e3'
	if before <= unicode.MaxASCII {
		return after == keycap && strings.ContainsRune("0123456789#*", before)
	}
	return !isSelector(before) && !isJoiner(before) && !unicode.In(before, unicode.Latin, unicode.Greek, unicode.Cyrillic)
}
