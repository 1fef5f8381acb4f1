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

// proseWidth is the largest width of a paragraph, in columns: longer lines are hard to read.
const proseWidth = 100

// Paragraphs adds text that is broken between words at the width of the terminal or at proseWidth. A blank line in text
// starts a paragraph; other line breaks are spaces.
func (p *Page) Paragraphs(text string) {
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			p.Line("")
		}
		p.Line("%s", Styled(wrap(term.Line(paragraph), min(p.width(), proseWidth), 0)))
	}
}

// Fields adds aligned lines of a label and a value, given in turn. A pair with an empty value is left out. A value that is
// too long for the terminal continues below itself.
func (p *Page) Fields(pairs ...string) {
	var labels, values []string
	width := 0
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] == "" {
			continue
		}
		text := strings.TrimLeft(pair[0], " ")
		label := strings.Repeat(" ", len(pair[0])-len(text)) + term.Line(text) // keeps an indent
		width = max(width, runewidth.StringWidth(label))
		labels, values = append(labels, label), append(values, pair[1])
	}
	for i, label := range labels {
		p.Line("%s  %s", p.Faint(runewidth.FillRight(label, width)), Styled(p.column(values[i], width+2)))
	}
}

// Cut returns text as one line, cut to the given number of columns.
func Cut(text string, columns int) string { return runewidth.Truncate(term.Line(text), columns, "…") }

// minColumn is the smallest width of a column of words.
const minColumn = 12

// column breaks text between words for a column that starts at left and ends at the edge of the terminal.
func (p *Page) column(text string, left int) string {
	text = term.Line(text)
	if p.width()-left < minColumn {
		return text
	}
	return wrap(strings.Repeat(" ", left)+text, p.width(), left)[left:]
}

// Table adds rows below a header. Every column but the last is as wide as its widest cell, because ids must be whole. The last
// one is cut to the width of the terminal, or left out if less than minColumn is left for it.
func (p *Page) Table(header []string, rows [][]string) {
	p.table(header, rows, func(cell string, left int) string {
		if left > 0 && p.width()-left < minColumn {
			return ""
		}
		return runewidth.Truncate(cell, max(p.width()-left, minColumn), "…")
	})
}

// Descriptions is Table with a last column that is not cut: it continues below itself.
func (p *Page) Descriptions(header []string, rows [][]string) { p.table(header, rows, p.column) }

// table adds rows. fit returns the last cell of a row, which starts at the column left, for the width of the terminal.
func (p *Page) table(header []string, rows [][]string, fit func(cell string, left int) string) {
	last := len(header) - 1
	clean := make([][]string, len(rows))
	for r, row := range rows {
		for _, cell := range row {
			clean[r] = append(clean[r], term.Line(cell))
		}
	}
	left := 0
	widths := make([]int, last)
	for i := range widths {
		widths[i] = runewidth.StringWidth(header[i])
		for _, row := range clean {
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
		left += widths[i] + 2
	}
	line := func(cells []string) string {
		var b strings.Builder
		for i, width := range widths {
			b.WriteString(runewidth.FillRight(cells[i], width+2))
		}
		b.WriteString(fit(cells[last], left))
		return strings.TrimRight(b.String(), " ")
	}
	p.Line("%s", p.Faint(line(header)))
	for _, row := range clean {
		p.Line("%s", Styled(line(row)))
	}
}
