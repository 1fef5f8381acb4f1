package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A word is one word of a text: its stem, and where it stands (bytes).
type word struct {
	stem       string
	start, end int
}

// words cuts a text into words: runs of letters and digits, in lower case, without their endings.
func words(text string) []word {
	var all []word
	start := -1
	for i, r := range text {
		inside := unicode.IsLetter(r) || unicode.IsDigit(r)
		switch {
		case inside && start < 0:
			start = i
		case !inside && start >= 0:
			all = append(all, word{stem(text[start:i]), start, i})
			start = -1
		}
	}
	if start >= 0 {
		all = append(all, word{stem(text[start:]), start, len(text)})
	}
	return all
}

// stem takes the commonest English endings off a word, so that "signed", "signing" and "signs" are one. It is light: it
// would rather leave two forms apart than join two words.
func stem(word string) string {
	w := strings.ToLower(word)
	if utf8.RuneCountInString(w) < 4 || !isASCII(w) {
		return w
	}
	switch {
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		w = w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "sses"):
		w = w[:len(w)-2]
	case strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		w = w[:len(w)-1]
	}
	for _, ending := range []string{"ing", "ed"} {
		if root, ok := strings.CutSuffix(w, ending); ok && len(root) >= 3 && strings.ContainsAny(root, "aeiouy") {
			w = undouble(root)
			break
		}
	}
	if len(w) > 3 {
		w = strings.TrimSuffix(w, "e")
	}
	return w
}

// undouble makes "run" of "runn", but leaves "miss" and "call" alone.
func undouble(w string) string {
	last := len(w) - 1
	if last > 2 && w[last] == w[last-1] && !strings.ContainsRune("aeiouslz", rune(w[last])) {
		return w[:last]
	}
	return w
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isCommon reports whether a stem says little about what somebody looks for.
func isCommon(stem string) bool {
	switch stem {
	case "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "doe", "for", "from", "how", "i", "if", "in", "is", "it",
		"its", "my", "not", "of", "on", "or", "that", "the", "then", "there", "this", "to", "was", "what", "when", "where", "which",
		"who", "why", "will", "with", "you", "your":
		return true
	}
	return false
}

// terms are the different stems of a query, in their order; common words count only where there is nothing else.
func terms(query string) []string {
	var all, telling []string
	seen := map[string]bool{}
	for _, w := range words(query) {
		if seen[w.stem] {
			continue
		}
		seen[w.stem] = true
		all = append(all, w.stem)
		if !isCommon(w.stem) {
			telling = append(telling, w.stem)
		}
	}
	if len(telling) > 0 {
		return telling
	}
	return all
}
