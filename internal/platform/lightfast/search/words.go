package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A word is a word of a text: its stem and its range in bytes.
type word struct {
	stem       string
	start, end int
}

// words splits a text into words: runs of letters and digits, in lower case, stemmed.
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

// stem removes the most common English endings, so that "signed", "signing" and "signs" have the same stem. It prefers two
// stems for one word over one stem for two words.
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

// undouble turns "runn" into "run", but keeps "miss" and "call".
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

// isCommon reports whether a stem occurs in most texts.
func isCommon(stem string) bool {
	switch stem {
	case "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "doe", "for", "from", "how", "i", "if", "in", "is", "it",
		"its", "my", "not", "of", "on", "or", "that", "the", "then", "there", "this", "to", "was", "what", "when", "where", "which",
		"who", "why", "will", "with", "you", "your":
		return true
	}
	return false
}

// terms returns the distinct stems of a query in order. It omits common words unless there are no others.
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
