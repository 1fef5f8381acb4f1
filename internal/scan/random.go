package scan

import (
	"strings"
	"unicode"
)

// isRandom reports whether a text looks like a secret: it is long, has letters and digits, is not an example, and is not made of words,
// as an identifier is.
func isRandom(text string) bool {
	const shortest, variety = 16, 8
	if len(text) < shortest || isExample(text) {
		return false
	}
	seen, digits, letters := map[rune]bool{}, 0, 0
	for _, r := range text {
		seen[r] = true
		switch {
		case isDigit(r):
			digits++
		case r != '_' && r != '-':
			letters++
		}
	}
	if len(seen) < variety || digits == 0 || letters == 0 {
		return false
	}
	for segment := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '_' || r == '-' }) {
		if !isWords(segment) {
			return true
		}
	}
	return false
}

func isExample(text string) bool {
	lower := strings.ToLower(text)
	for _, word := range []string{"example", "placeholder", "your_", "your-", "xxxx", "abc123", "123456", "redacted"} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}

// isWords reports whether a part of an identifier is made of words and numbers, such as helpers, v2, sha256sum and ClientV2Helpers. The words
// of a random text are shorter, because every capital letter and every number begins one.
func isWords(segment string) bool {
	// The lengths of a part that is too short to judge, of the longest word with a number, and of the longest name in CamelCase.
	const short, long, longest = 6, 12, 24
	if len(segment) < short {
		return true
	}
	parts, numbers, hasUpper, hasLower := 0, 0, false, false
	var last rune
	for _, r := range segment {
		upper, lower, digit := unicode.IsUpper(r), unicode.IsLower(r), isDigit(r)
		hasUpper, hasLower = hasUpper || upper, hasLower || lower
		continues := digit && isDigit(last) || lower && unicode.IsLetter(last)
		if !continues {
			parts++
			if digit {
				numbers++
			}
		}
		last = r
	}
	isOneCase := hasUpper != hasLower
	switch {
	case !hasUpper && !hasLower:
		return len(segment) < short+3 // a number such as a date
	case numbers == 0 && isOneCase:
		return true
	case numbers == 1 && isOneCase && len(segment) <= long:
		return true
	}
	return hasUpper && hasLower && numbers <= 2 && len(segment) <= longest && len(segment) >= 3*parts
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }
