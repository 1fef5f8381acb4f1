package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// snippetLength is the approximate length of a snippet, in bytes.
const snippetLength = 220

// Snippet returns the part of the passage with the most distinct words of the query.
func (h Hit) Snippet() string {
	text, _ := h.quote()
	return text
}

// Highlight returns the snippet with the words of the query between open and closed.
func (h Hit) Highlight(open, closed string) string {
	text, start := h.quote()
	return mark(text, h.Passage.words, start, h.terms, open, closed)
}

// HighlightTitle returns the heading of the passage with the words of the query between open and closed.
func (h Hit) HighlightTitle(open, closed string) string {
	return mark(h.Passage.Heading, h.Passage.title, 0, h.terms, open, closed)
}

// Quote returns the beginning of the passage, about as long as a snippet.
func (p *Passage) Quote() string {
	text, _ := p.quote(0)
	return text
}

// quote returns the snippet and its start in the passage.
func (h Hit) quote() (string, int) { return h.Passage.quote(h.densest()) }

// densest returns the index of the word at which the best range of the passage begins.
func (h Hit) densest() int {
	places := placesOf(h.Passage.words, h.terms)
	best, most := 0, 0
	for i, first := range places {
		seen := map[int]bool{}
		for _, p := range places[i:] {
			if h.Passage.words[p.at].end-h.Passage.words[first.at].start > snippetLength {
				break
			}
			seen[p.term] = true
		}
		if len(seen) > most {
			best, most = first.at, len(seen)
		}
	}
	return best
}

// ellipsis marks omitted text.
const ellipsis = "… "

// quote returns a part of the passage around a word, and the start of the returned string in the text.
func (p *Passage) quote(at int) (string, int) {
	if len(p.words) == 0 || len(p.plain) <= snippetLength {
		return p.plain, 0
	}
	start := p.words[max(at-4, 0)].start // with a few words before
	if at <= 4 || len(p.plain)-start < snippetLength {
		start = max(0, min(start, len(p.plain)-snippetLength))
		start = p.wordAt(start)
	}
	end := min(start+snippetLength, len(p.plain))
	for end < len(p.plain) && !utf8.RuneStart(p.plain[end]) {
		end--
	}
	if cut := strings.LastIndexByte(p.plain[start:end], ' '); end < len(p.plain) && cut > 0 {
		end = start + cut
	}
	text, from := p.plain[start:end], start
	if start > 0 {
		text, from = ellipsis+text, start-len(ellipsis)
	}
	if end < len(p.plain) {
		text += " …"
	}
	return text, from
}

// wordAt returns the start of the first word at or after an offset; 0 for the beginning.
func (p *Passage) wordAt(place int) int {
	if place == 0 {
		return 0
	}
	i, _ := slices.BinarySearchFunc(p.words, place, func(w word, at int) int { return w.start - at })
	if i == len(p.words) {
		i--
	}
	return p.words[i].start
}

// mark puts the wanted words of a text between open and closed. start is the offset of the text in the
// passage with these words.
func mark(text string, all []word, start int, wanted []string, open, closed string) string {
	var b strings.Builder
	done := 0
	for _, w := range all {
		from, to := w.start-start, w.end-start
		if from < done || to > len(text) || !slices.Contains(wanted, w.stem) {
			continue
		}
		b.WriteString(text[done:from] + open + text[from:to] + closed)
		done = to
	}
	b.WriteString(text[done:])
	return b.String()
}

// Found returns the distinct words of the query in the passage and its heading, as they are written there.
func (h Hit) Found() []string {
	var found []string
	seen := map[string]bool{}
	add := func(text string, all []word) {
		for _, w := range all {
			if !seen[w.stem] && slices.Contains(h.terms, w.stem) {
				seen[w.stem] = true
				found = append(found, text[w.start:w.end])
			}
		}
	}
	add(h.Passage.Heading, h.Passage.title)
	add(h.Passage.plain, h.Passage.words)
	return found
}
