package lamatic

import (
	"cmp"
	"context"
	"html"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// summarize returns the sentences with the most frequent words of the text, in their order.
func summarize(_ context.Context, _ *Server, in inputValues) (map[string]any, error) {
	want := in.number("sentences")
	if want < 1 {
		return nil, failf("sentences must be 1 or more")
	}
	sentences := splitSentences(in.text("text"))
	if len(sentences) == 0 {
		return nil, failf("the text has no words to summarize")
	}
	counts := countWords(in.text("text"))
	order := make([]int, len(sentences))
	weights := make([]float64, len(sentences))
	for i, sentence := range sentences {
		order[i] = i
		words := splitWords(sentence)
		for _, word := range words {
			if utf8.RuneCountInString(word) > 3 { // short words are frequent in every text
				weights[i] += float64(counts[word])
			}
		}
		weights[i] /= float64(len(words) + 3) // otherwise long sentences come first
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	kept := slices.Sorted(slices.Values(order[:min(want, len(order))]))
	var summary []string
	for _, i := range kept {
		summary = append(summary, sentences[i])
	}
	return map[string]any{
		"summary": strings.Join(summary, " "), "sentences": len(kept), "ofSentences": len(sentences), "words": len(splitWords(in.text("text"))),
	}, nil
}

// splitSentences splits a text at the ends of its sentences: at . ! or ? before a space, and at blank lines. It omits parts
// without a word.
func splitSentences(text string) []string {
	var all []string
	var sentence strings.Builder
	flush := func() {
		if s := strings.Join(strings.Fields(sentence.String()), " "); len(splitWords(s)) > 0 {
			all = append(all, s)
		}
		sentence.Reset()
	}
	runes := []rune(text)
	for i, r := range runes {
		sentence.WriteRune(r)
		last := i == len(runes)-1
		if strings.ContainsRune(".!?", r) && (last || unicode.IsSpace(runes[i+1])) || r == '\n' && !last && runes[i+1] == '\n' {
			flush()
		}
	}
	flush()
	return all
}

func splitWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' })
}

func countWords(text string) map[string]int {
	counts := map[string]int{}
	for _, word := range splitWords(text) {
		counts[word]++
	}
	return counts
}

// report counts the words, sentences and characters of a text.
func report(_ context.Context, _ *Server, in inputValues) (map[string]any, error) {
	if seconds := in.number("seconds"); seconds < 0 || seconds > maxReportTime {
		return nil, failf("seconds must be between 0 and %d", maxReportTime)
	}
	words, counts := splitWords(in.text("text")), countWords(in.text("text"))
	if len(words) == 0 {
		return nil, failf("the text has no words to report on")
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	top := []any{}
	for _, name := range names[:min(5, len(names))] {
		top = append(top, map[string]any{"word": name, "count": counts[name]})
	}
	return map[string]any{
		"words": len(words), "differentWords": len(counts), "sentences": len(splitSentences(in.text("text"))),
		"characters": utf8.RuneCountInString(in.text("text")), "top": top,
	}, nil
}

// extractLinks finds the links of a page, which is given by its address or as HTML.
func extractLinks(ctx context.Context, s *Server, in inputValues) (map[string]any, error) {
	page, address := in.text("html"), in.text("url")
	if (page == "") == (address == "") {
		return nil, failf("give either url or html")
	}
	base := new(url.URL)
	if address != "" {
		raw, err := s.fetch(ctx, address)
		if err != nil {
			return nil, failf("%s", err)
		}
		page = strings.ToValidUTF8(string(raw), "")
		if u, err := url.Parse(address); err == nil && u.Scheme != "data" {
			base = u
		}
	}
	links := pageLinks(page, base)
	return map[string]any{"links": links, "count": len(links)}, nil
}

// pageLinks returns the addresses in a page, each once, in their order: those in href attributes, and those in the text.
func pageLinks(page string, base *url.URL) []string {
	links := []string{}
	add := func(address string) {
		u, err := base.Parse(strings.TrimSpace(html.UnescapeString(address)))
		if err != nil || !slices.Contains([]string{"http", "https", "mailto"}, u.Scheme) || slices.Contains(links, u.String()) {
			return
		}
		links = append(links, u.String())
	}
	for rest := page; rest != ""; {
		at, value := strings.IndexByte(rest, 'h'), ""
		if at < 0 {
			break
		}
		rest = rest[at:]
		switch {
		case strings.HasPrefix(rest, "href="):
			value, rest = htmlAttribute(rest[len("href="):])
		case strings.HasPrefix(rest, "http://"), strings.HasPrefix(rest, "https://"):
			end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"'<>()`, r) })
			if end < 0 {
				end = len(rest)
			}
			value, rest = strings.TrimRight(rest[:end], ".,;:!?"), rest[end:]
		default:
			rest = rest[1:]
		}
		if value != "" {
			add(value)
		}
	}
	return links
}

// htmlAttribute reads the value of an attribute, with or without quotes, and returns the text after it.
func htmlAttribute(text string) (value, rest string) {
	if text != "" && (text[0] == '"' || text[0] == '\'') {
		value, rest, _ = strings.Cut(text[1:], text[:1])
		return value, rest
	}
	end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '>' })
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}

// spellNumbers replaces the whole numbers of a text by words.
func spellNumbers(_ context.Context, _ *Server, in inputValues) (map[string]any, error) {
	var b strings.Builder
	numbers := 0
	for rest := in.text("text"); rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.Atoi(rest[:digits])
		switch {
		case digits == 0:
			_, size := utf8.DecodeRuneInString(rest)
			b.WriteString(rest[:size])
			rest = rest[size:]
			continue
		case err != nil || n >= 1e9:
			return nil, failf("the number %s is too large to spell: below 1000000000 is possible", wire.CleanText(rest[:digits], 40))
		}
		b.WriteString(spelled(n))
		numbers++
		rest = rest[digits:]
	}
	return map[string]any{"text": b.String(), "numbers": numbers}, nil
}

// spelled returns a number from 0 to 999 999 999 in English words.
func spelled(n int) string {
	small := strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " +
		"seventeen eighteen nineteen")
	tens := strings.Fields("- - twenty thirty forty fifty sixty seventy eighty ninety")
	join := func(head, between string, rest int) string {
		if rest == 0 {
			return head
		}
		return head + between + spelled(rest)
	}
	switch {
	case n < 20:
		return small[n]
	case n < 100:
		return join(tens[n/10], "-", n%10)
	case n < 1000:
		return join(small[n/100]+" hundred", " ", n%100)
	case n < 1e6:
		return join(spelled(n/1000)+" thousand", " ", n%1000)
	}
	return join(spelled(n/1e6)+" million", " ", n%1e6)
}
