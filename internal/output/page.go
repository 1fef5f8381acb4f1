package output

import (
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/term"
)

// A Page collects the text form of a value. All text that is added is cleaned, unless it is Styled.
type Page struct {
	Styles
	width func() int
	text  strings.Builder
}

// String returns the text of the page.
func (p *Page) String() string { return p.text.String() }

// Line adds one line. The format is of this program; arguments that are not Styled are cleaned and cannot start another
// line.
func (p *Page) Line(format string, args ...any) {
	p.text.WriteString(sprintf(format, args...) + "\n")
}

// Wrapped is Line for a text that is broken between words at the width of the terminal.
func (p *Page) Wrapped(format string, args ...any) {
	p.Line("%s", Styled(wrap(sprintf(format, args...), p.width(), 0)))
}

// Indented adds a text that starts at the column left and is broken between words at the width of the terminal. A text with a word that
// has no room there starts at the first column.
func (p *Page) Indented(left int, text string) { p.below(term.Line(text), left-2) }

// Fit returns text as one line that starts at the column left, cut at the width of the terminal.
func (p *Page) Fit(left int, text string) string { return Cut(text, max(p.width()-left, 1)) }

// Fields adds aligned lines of a label and a value, given in turn. A pair with an empty value is left out. A value that is
// too long for the terminal continues below itself, and below its label if there is no room for its words.
func (p *Page) Fields(pairs ...string) { p.fields(0, pairs...) }

// fields is Fields with labels of at least the given width.
func (p *Page) fields(width int, pairs ...string) {
	var labels, values []string
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] == "" {
			continue
		}
		text := strings.TrimLeft(pair[0], " ")
		label := strings.Repeat(" ", len(pair[0])-len(text)) + term.Line(text) // keeps an indent
		width = max(width, runewidth.StringWidth(label))
		labels, values = append(labels, label), append(values, term.Line(pair[1]))
	}
	for i, label := range labels {
		if p.hasRoom(values[i], width+2) {
			p.Line("%s  %s", p.Faint(runewidth.FillRight(label, width)), Styled(p.column(values[i], width+2)))
			continue
		}
		p.Line("%s", p.Faint(label))
		p.below(values[i], len(label)-len(strings.TrimLeft(label, " ")))
	}
}

// below adds a text under a line with the given indent. It is indented further, unless its words need the whole width.
func (p *Page) below(text string, indent int) {
	if left := indent + 2; longestWord(text) <= p.width()-left {
		p.Line("%s%s", strings.Repeat(" ", left), Styled(p.column(text, left)))
		return
	}
	p.Line("%s", Styled(p.column(text, 0)))
}

// Cut returns text as one line, cut between words to the given number of columns. Within a word it is cut only if the first word is
// longer.
func Cut(text string, columns int) string {
	text = term.Line(text)
	if runewidth.StringWidth(text) <= columns {
		return text
	}
	cut := runewidth.Truncate(text, columns, "…")
	if space := strings.LastIndex(cut, " "); space > 0 {
		return cut[:space] + " …"
	}
	return cut
}

// minColumn is the smallest width of a column of words.
const minColumn = 12

// hasRoom reports whether a text can be broken between words for a column that starts at left and ends at the edge of the terminal.
func (p *Page) hasRoom(text string, left int) bool {
	room := p.width() - left
	return runewidth.StringWidth(text) <= room || room >= minColumn && longestWord(text) <= room
}

// column breaks text between words for a column that starts at left and ends at the edge of the terminal.
func (p *Page) column(text string, left int) string {
	return wrap(strings.Repeat(" ", left)+text, p.width(), left)[left:]
}
