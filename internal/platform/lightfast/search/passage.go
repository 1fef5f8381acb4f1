package search

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
)

// A Passage is a part of a document: a heading with the text below it, up to the next heading.
type Passage struct {
	ID       string // "doc_" and a digest of Document and Anchor: the same in every build
	Document string // the document's path
	Guide    string // the document's title
	Heading  string // equal to Guide in the opening of a document
	Anchor   string // of the heading, as links name it; empty in the opening
	Text     string // Markdown
	Links    []Link

	plain string // Text for reading: what is found and quoted
	words []word // of plain
	title []word // of Heading
	code  []string
}

// A Link leads from a passage to another document or passage of the same set.
type Link struct {
	Label    string
	Document string
	Anchor   string
}

// Opening reports whether the passage is the beginning of its document.
func (p *Passage) Opening() bool { return p.Anchor == "" }

// Title is what the passage is called where it stands alone.
func (p *Passage) Title() string {
	if p.Opening() {
		return p.Guide
	}
	return p.Guide + ": " + p.Heading
}

// Code returns the different pieces of code that the passage names in its sentences.
func (p *Passage) Code() []string { return p.code }

// Cut cuts a Markdown document into its passages. Headings without a text of their own make none.
func Cut(document, markdown string) []*Passage {
	var all []*Passage
	var text strings.Builder
	here := &Passage{Document: document, Guide: document, Heading: document}
	seen := map[string]int{}
	fenced := false
	finish := func() {
		here.Text = strings.TrimSpace(text.String())
		text.Reset()
		if here.Text != "" {
			all = append(all, here.complete())
		}
	}
	for line := range strings.Lines(markdown) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		level, heading, ok := headingOf(line)
		switch {
		case fenced || !ok:
			text.WriteString(line)
		case level == 1:
			finish()
			here = &Passage{Document: document, Guide: heading, Heading: heading}
		default:
			finish()
			here = &Passage{Document: document, Guide: here.Guide, Heading: heading, Anchor: anchorOf(heading, seen)}
		}
	}
	finish()
	return all
}

func headingOf(line string) (level int, heading string, ok bool) {
	rest := strings.TrimLeft(line, "#")
	level = len(line) - len(rest)
	if level == 0 || level > 6 || !strings.HasPrefix(rest, " ") {
		return 0, "", false
	}
	return level, strings.ReplaceAll(strings.TrimSpace(rest), "`", ""), true
}

// anchorOf is how a heading is linked to; the second of the same name gets a number.
func anchorOf(heading string, seen map[string]int) string {
	anchor := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
	n := seen[anchor]
	seen[anchor]++
	if n > 0 {
		return fmt.Sprintf("%s-%d", anchor, n)
	}
	return anchor
}

// complete fills in what follows from the rest.
func (p *Passage) complete() *Passage {
	sum := sha256.Sum256([]byte(p.Document + "#" + p.Anchor))
	p.ID = "doc_" + hex.EncodeToString(sum[:8])
	p.plain, p.Links, p.code = read(p.Document, p.Text)
	p.words, p.title = words(p.plain), words(p.Heading)
	return p
}

// read makes of Markdown a text for reading, and returns what it links to and the code that it names.
func read(document, markdown string) (plain string, links []Link, code []string) {
	var b strings.Builder
	fenced := false
	for line := range strings.Lines(markdown) {
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced:
			b.WriteString(line)
		case strings.Trim(line, "|-: \n") == "": // the rule below a table's head, or nothing
			b.WriteByte('\n')
		default:
			line, links = unlink(document, line, links)
			for i, part := range strings.Split(line, "`") {
				if i%2 == 1 && part != "" && !slices.Contains(code, part) {
					code = append(code, part)
				}
			}
			b.WriteString(strings.NewReplacer("`", "", "**", "", "| ", "", " |", ";", "|", "").Replace(line))
		}
	}
	return strings.Join(strings.Fields(b.String()), " "), links, code
}

// unlink replaces each [label](target) of a line by its label, and adds those that lead to documents.
func unlink(document, line string, links []Link) (string, []Link) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(line, "](")
		target, after, closed := strings.Cut(rest, ")")
		open := strings.LastIndexByte(before, '[')
		if !ok || !closed || open < 0 {
			b.WriteString(line)
			return b.String(), links
		}
		label := before[open+1:]
		b.WriteString(before[:open] + label)
		line = after
		file, anchor, _ := strings.Cut(target, "#")
		if strings.Contains(file, ":") || file == "" && anchor == "" {
			continue // elsewhere
		}
		to := document
		if file != "" {
			to = path.Join(path.Dir(document), file)
		}
		links = append(links, Link{Label: label, Document: to, Anchor: anchor})
	}
}
