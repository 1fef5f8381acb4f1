// Package prompt shortens prompts by rules, counts their tokens and replies to them. It replaces the language models of
// Laghav on the local platform.
package prompt

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
)

// The rules of Shorten, in the order in which they run. Their names and purposes follow Laghav's page Compression. It does
// not document their least aggressiveness, except that 0.2 is light.
func rules() []rule {
	return []rule{
		{"log_slicer", 0.5, outsideCode(sliceLog)},
		{"json_slim", 0.4, slimJSON},
		{"code_comment", 0.5, insideCode(dropComments)},
		{"preamble", 0.3, outsideCode(dropPreamble)},
		{"filler", 0.1, outsideCode(dropFiller)},
		{"intent", 0.4, outsideCode(dropIntent)},
		{"dedup", 0.3, outsideCode(dropRepeats)},
		{"whitespace", 0, outsideCode(squeezeSpace)},
	}
}

type rule struct {
	name  string
	from  float64 // least max_aggressiveness
	apply func(string) string
}

// Shorten applies the rules that an aggressiveness from 0 to 1 allows, except those in skip. It returns the names of the
// rules that made the text shorter. It does not apply a rule that would remove the whole text.
func Shorten(text string, aggressiveness float64, skip []string) (short string, applied []string) {
	for _, r := range rules() {
		if aggressiveness < r.from || slices.Contains(skip, r.name) {
			continue
		}
		next := r.apply(text)
		if strings.TrimSpace(next) != "" && len(next) < len(text) && Tokens(next) <= Tokens(text) {
			text, applied = next, append(applied, r.name)
		}
	}
	return text, applied
}

// Tokens estimates the number of tokens in a text: one for every four letters of a word, every three digits and every sign.
func Tokens(text string) int {
	count, letters, digits := 0, 0, 0
	flush := func() {
		count += (letters+3)/4 + (digits+2)/3
		letters, digits = 0, 0
	}
	for _, r := range text {
		switch {
		case r < unicode.MaxLatin1 && unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r):
			digits++
		default:
			flush()
			if !unicode.IsSpace(r) {
				count++
			}
		}
	}
	flush()
	return count
}

// outsideCode returns a rule that applies fn outside fenced code blocks. insideCode applies it inside.
func outsideCode(fn func(string) string) func(string) string { return inBlocks(fn, 0) }
func insideCode(fn func(string) string) func(string) string  { return inBlocks(fn, 1) }

func inBlocks(fn func(string) string, which int) func(string) string {
	return func(text string) string {
		parts := strings.Split(text, "```")
		for i := which; i < len(parts); i += 2 {
			parts[i] = keepEdges(parts[i], fn(parts[i]), i > 0, i < len(parts)-1)
		}
		return strings.Join(parts, "```")
	}
}

// keepEdges restores the line breaks between a text and the fences around it.
func keepEdges(old, text string, before, after bool) string {
	if before && strings.HasPrefix(old, "\n") && !strings.HasPrefix(text, "\n") {
		text = "\n" + text
	}
	if after && strings.HasSuffix(old, "\n") && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

// sentences splits a text after each line, and after each full stop, question mark or exclamation mark before a space. The
// parts joined are the text.
func sentences(text string) []string {
	var all []string
	start := 0
	for i := 0; i < len(text); i++ {
		end := text[i] == '\n' || strings.IndexByte(".?!", text[i]) >= 0 && (i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\n')
		if end {
			for i+1 < len(text) && (text[i+1] == ' ' || text[i+1] == '\n') {
				i++
			}
			all, start = append(all, text[start:i+1]), i+1
		}
	}
	if start < len(text) {
		all = append(all, text[start:])
	}
	return all
}

// Words returns the words of a text in lower case.
func Words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
	})
}

// dropRepeats keeps the first of the sentences that differ only in case, punctuation and space. It keeps all short
// sentences, because they may be answers.
func dropRepeats(text string) string {
	seen := map[string]bool{}
	return keepSentences(text, func(_ int, said []string, _ string) bool {
		plain := strings.Join(said, " ")
		again := len(said) >= 3 && seen[plain]
		seen[plain] = true
		return !again
	})
}

// keepSentences keeps the sentences for which keep returns true. keep receives the index, the words and the sentence.
func keepSentences(text string, keep func(i int, words []string, sentence string) bool) string {
	var b strings.Builder
	for i, sentence := range sentences(text) {
		if keep(i, Words(sentence), sentence) {
			b.WriteString(sentence)
		}
	}
	return b.String()
}

// dropPreamble drops the greetings and introductions before the first other sentence, if there is one.
func dropPreamble(text string) string {
	openings := []string{"hi", "hello", "hey", "dear", "greetings", "good morning", "good afternoon", "good evening"}
	phrases := []string{
		"i hope", "hope you", "my name is", "i am writing to", "i'm writing to", "thank you for", "thanks for", "first of all", "as you may know",
		"i have a question", "i wanted to reach out",
	}
	begun := false
	return keepSentences(text, func(_ int, said []string, sentence string) bool {
		plain := strings.Join(said, " ")
		begins := func(p string) bool { return plain == p || strings.HasPrefix(plain, p+" ") }
		greeting := len(said) <= 3 && slices.ContainsFunc(openings, begins)
		introduction := len(said) <= 14 && !strings.Contains(sentence, "?") && slices.ContainsFunc(phrases, begins)
		if !begun && (greeting || introduction || plain == "") {
			return false
		}
		begun = true
		return true
	})
}

// dropFiller drops polite phrases, hedges, filler words and sentences of thanks.
func dropFiller(text string) string {
	thanks := []string{"thanks", "thank you", "thanks a lot", "thank you very much", "thanks in advance", "thank you in advance", "many thanks", "cheers"}
	text = keepSentences(text, func(_ int, said []string, _ string) bool { return !slices.Contains(thanks, strings.Join(said, " ")) })
	return replacePhrases(text, [][2]string{
		{"i just wanted to ask you", ""}, {"i wanted to ask you", ""}, {"i was wondering", ""}, {"if you could possibly", ""}, {"could you possibly", ""},
		{"if you don't mind", ""}, {"would you mind", ""}, {"if possible", ""}, {"to be honest", ""}, {"as a matter of fact", ""}, {"needless to say", ""},
		{"it should be noted that", ""}, {"it is important to note that", ""}, {"in my opinion", ""}, {"help me to understand", "explain"},
		{"in order to", "to"}, {"due to the fact that", "because"}, {"at this point in time", "now"}, {"in the event that", "if"},
		{"a large number of", "many"}, {"with regard to", "about"}, {"for the purpose of", "for"},
		{"please", ""}, {"kindly", ""}, {"basically", ""}, {"actually", ""}, {"literally", ""}, {"honestly", ""}, {"essentially", ""},
		{"just", ""}, {"really", ""}, {"very", ""}, {"quite", ""}, {"simply", ""}, {"hey", ""}, {"you know", ""},
	}, false)
}

// dropIntent drops phrases like "I want you to" at the beginning of a sentence.
func dropIntent(text string) string {
	return replacePhrases(text, [][2]string{
		{"i would like you to", ""}, {"i'd like you to", ""}, {"i want you to", ""}, {"i need you to", ""}, {"your task is to", ""}, {"what i want is for you to", ""},
		{"i would like to know", ""}, {"i'd like to know", ""}, {"i want to know", ""}, {"can you", ""}, {"could you", ""}, {"would you", ""},
	}, true)
}

// replacePhrases replaces phrases, which are not case-sensitive; with atBeginning, only at the beginning of a sentence. If
// several match, it replaces the first of the list. A phrase that becomes empty is removed with its comma and space.
func replacePhrases(text string, phrases [][2]string, atBeginning bool) string {
	var out []byte
	for _, sentence := range sentences(text) {
		begun := false
		for i := 0; i < len(sentence); {
			n, by := 0, ""
			if wordBegins(sentence, i) && (!atBeginning || !begun) {
				n, by = phraseAt(sentence[i:], phrases)
			}
			if n == 0 {
				begun = begun || sentence[i] != ' '
				out = append(out, sentence[i])
				i++
				continue
			}
			i += n
			if by == "" && i < len(sentence) && strings.IndexByte(".,;:?!", sentence[i]) >= 0 {
				out = bytes.TrimRight(out, " ")
			}
			out = append(out, by...)
		}
	}
	return string(out)
}

// phraseAt returns the length in bytes of the phrase at the start of a text, and its replacement.
func phraseAt(text string, phrases [][2]string) (n int, by string) {
	for _, p := range phrases {
		n := len(p[0])
		if len(text) < n || !strings.EqualFold(text[:n], p[0]) || !wordEnds(text, n) {
			continue
		}
		if p[1] == "" {
			rest := strings.TrimLeft(strings.TrimPrefix(text[n:], ","), " ")
			n = len(text) - len(rest)
		}
		return n, p[1]
	}
	return 0, ""
}

func wordBegins(text string, i int) bool { return i == 0 || !isWordByte(text[i-1]) }
func wordEnds(text string, n int) bool   { return n == len(text) || !isWordByte(text[n]) }

// isWordByte reports whether a byte is part of a word. Every byte beyond ASCII is, so that no letter is cut.
func isWordByte(c byte) bool {
	return c >= 0x80 || c == '\'' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// squeezeSpace reduces spaces to one between words, empty lines to one, and removes them at the ends.
func squeezeSpace(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// sliceLog keeps the errors and warnings of a log, with two lines around each.
func sliceLog(text string) string {
	lines := strings.SplitAfter(text, "\n")
	has := func(line string, levels ...string) bool {
		return slices.ContainsFunc(strings.Fields(line), func(word string) bool {
			return slices.Contains(levels, strings.Trim(word, "[]:|"))
		})
	}
	logged := 0
	keep := make([]bool, len(lines))
	for i, line := range lines {
		if has(line, "INFO", "DEBUG", "TRACE", "WARN", "WARNING", "ERROR", "FATAL") {
			logged++
		}
		if has(line, "WARN", "WARNING", "ERROR", "FATAL") {
			for j := max(0, i-2); j < min(len(lines), i+3); j++ {
				keep[j] = true
			}
		}
	}
	if logged < 5 || logged*2 < len(lines) {
		return text
	}
	var b strings.Builder
	for i, line := range lines {
		if keep[i] || !has(line, "INFO", "DEBUG", "TRACE") { // a line without a level stays
			b.WriteString(line)
		}
	}
	return b.String()
}

// slimJSON drops nulls, empty arrays, empty objects and spaces from a JSON text.
func slimJSON(text string) string {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return text
	}
	slim, ok := slimValue(v)
	if !ok {
		return text
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(slim) != nil {
		return text
	}
	return strings.TrimSpace(b.String())
}

// slimValue reports whether a value is not empty afterwards. An array keeps all elements, because their positions may
// matter.
func slimValue(v any) (any, bool) {
	switch v := v.(type) {
	case nil:
		return nil, false
	case []any:
		return v, len(v) > 0
	case map[string]any:
		kept := map[string]any{}
		for name, value := range v {
			if slim, ok := slimValue(value); ok {
				kept[name] = slim
			}
		}
		return kept, len(kept) > 0
	}
	return v, true
}

// dropComments drops comment lines, comment blocks, and docstrings on lines of their own.
func dropComments(code string) string {
	var b strings.Builder
	end := "" // end of the current comment block
	for line := range strings.Lines(code) {
		t := strings.TrimSpace(line)
		if end != "" {
			if strings.HasSuffix(t, end) {
				end = ""
			}
			continue
		}
		if closing := commentBlock(t); closing != "" {
			if len(t) < 2*len(closing) || !strings.HasSuffix(t, closing) {
				end = closing
			}
			continue
		}
		if strings.HasPrefix(t, "//") || strings.HasPrefix(t, "# ") || t == "#" {
			continue
		}
		b.WriteString(line)
	}
	if end != "" { // no end: it was not a comment
		return code
	}
	return b.String()
}

// commentBlock returns the end mark of the comment block that a line begins, or "".
func commentBlock(line string) string {
	for opening, closing := range map[string]string{"/*": "*/", `"""`: `"""`, "'''": "'''"} {
		if strings.HasPrefix(line, opening) {
			return closing
		}
	}
	return ""
}
