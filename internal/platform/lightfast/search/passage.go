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
	ID       string // "doc_" and a digest of Document and Anchor
	Document string // path of the document
	Guide    string // title of the document
	Heading  string // in the opening of a document, equal to Guide
	Anchor   string // of the heading, for links; empty in the opening
	Text     string // Markdown
	Links    []Link

	plain string // Text without markup, for searching and quoting
	words []word // of plain
	title []word // of Heading
	code  []string
}

// A Link is a link from a passage to another document or passage of the set.
type Link struct {
	Label    string
	Document string
	Anchor   string
}

// Opening reports whether the passage is the beginning of its document.
func (p *Passage) Opening() bool { return p.Anchor == "" }

// Title returns the title of the passage, with that of its document.
func (p *Passage) Title() string {
	if p.Opening() {
		return p.Guide
	}
	return p.Guide + ": " + p.Heading
}

// Code returns the distinct pieces of code in the sentences of the passage.
func (p *Passage) Code() []string { return p.code }

// Cut splits a Markdown document into passages. A heading without text is not a passage.
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

// anchorOf returns the anchor of a heading. The second heading of the same name gets a number.
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

// complete sets the fields that follow from the others.
func (p *Passage) complete() *Passage {
	sum := sha256.Sum256([]byte(p.Document + "#" + p.Anchor))
	p.ID = "doc_" + hex.EncodeToString(sum[:8])
	p.plain, p.Links, p.code = read(p.Document, p.Text)
	p.words, p.title = words(p.plain), words(p.Heading)
	return p
}

// read removes the markup of Markdown, and returns the links and the pieces of code.
func read(document, markdown string) (plain string, links []Link, code []string) {
	var b strings.Builder
	fenced := false
	for line := range strings.Lines(markdown) {
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced:
			b.WriteString(line)
		case strings.Trim(line, "|-: \n") == "": // the line below a table's head, or an empty line
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

// unlink replaces each [label](target) of a line by its label, and adds the links to documents.
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
			continue // not a document of the set
		}
		to := document
		if file != "" {
			to = path.Join(path.Dir(document), file)
		}
		links = append(links, Link{Label: label, Document: to, Anchor: anchor})
	}
}
