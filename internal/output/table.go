package output

import (
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/term"
)

// A Table is a list of records. No form of it leaves out or cuts a value, except that a long Prose ends with an ellipsis if MaxLines is
// set.
type Table struct {
	Header []string
	Rows   [][]string
	// Prose is the index of the column of sentences, which may be broken between words; 0 means that there is none, because the
	// first column is a name.
	Prose int
	// MaxLines is the number of lines of a cell in the column of sentences; 0 means any.
	MaxLines int
}

// minProse is the smallest width of the column of sentences, unless all sentences are shorter.
const minProse = 30

// Table adds a table without a column of sentences.
func (p *Page) Table(header []string, rows [][]string) { p.List(Table{Header: header, Rows: rows}) }

// Descriptions adds a table whose last column holds sentences, which are shown whole.
func (p *Page) Descriptions(header []string, rows [][]string) {
	p.List(Table{Header: header, Rows: rows, Prose: len(header) - 1})
}

// List adds a table in the first form that fits the terminal: one line for each record, with sentences that continue below
// themselves; the sentences below the other values; or one value on each line, with a blank line between records. A file has
// room for the first form.
func (p *Page) List(t Table) {
	t = t.clean()
	widths := t.widths()
	if lineWidth(widths) > p.width() {
		t = t.withoutEmptyColumns()
		widths = t.widths()
	}
	if t.Prose > 0 {
		room := p.width() - t.without(t.Prose).lineWidth() - gap
		if room >= min(minProse, widths[t.Prose]) && t.longestWord() <= room {
			widths[t.Prose] = min(widths[t.Prose], room)
		}
	}
	switch {
	case lineWidth(widths) <= p.width():
		p.lines(t, widths)
	case t.Prose > 0 && t.without(t.Prose).lineWidth() <= p.width() && t.longestWord()+2 <= p.width():
		p.proseBelow(t)
	default:
		p.records(t)
	}
}

// gap is the number of columns between two cells.
const gap = 2

func lineWidth(widths []int) int {
	sum := -gap
	for _, w := range widths {
		sum += w + gap
	}
	return max(sum, 0)
}

func (t Table) lineWidth() int { return lineWidth(t.widths()) }

// clean returns the table with cells that are safe for a terminal and on one line.
func (t Table) clean() Table {
	rows := make([][]string, len(t.Rows))
	for r, row := range t.Rows {
		for _, cell := range row {
			rows[r] = append(rows[r], term.Line(cell))
		}
	}
	t.Rows = rows
	return t
}

// withoutEmptyColumns returns the table without the columns that hold no value.
func (t Table) withoutEmptyColumns() Table {
	for c := len(t.Header) - 1; c > 0 && len(t.Rows) > 0; c-- {
		if slices.ContainsFunc(t.Rows, func(row []string) bool { return row[c] != "" }) {
			continue
		}
		t = t.without(c)
	}
	return t
}

// without returns the table without a column.
func (t Table) without(column int) Table {
	t.Header = slices.Delete(slices.Clone(t.Header), column, column+1)
	rows := make([][]string, len(t.Rows))
	for r, row := range t.Rows {
		rows[r] = slices.Delete(slices.Clone(row), column, column+1)
	}
	t.Rows = rows
	switch {
	case t.Prose == column:
		t.Prose = 0
	case t.Prose > column:
		t.Prose--
	}
	return t
}

// widths returns the width of each column.
func (t Table) widths() []int {
	widths := make([]int, len(t.Header))
	for i := range widths {
		widths[i] = runewidth.StringWidth(t.Header[i])
		for _, row := range t.Rows {
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
	}
	return widths
}

// longestWord returns the width of the longest word of the column of sentences.
func (t Table) longestWord() int {
	longest := longestWord(t.Header[t.Prose])
	for _, row := range t.Rows {
		longest = max(longest, longestWord(row[t.Prose]))
	}
	return longest
}

// sentences breaks a cell of the column of sentences into lines of the given width.
func (t Table) sentences(cell string, width int) []string {
	lines := strings.Split(wrap(cell, width, 0), "\n")
	if t.MaxLines > 0 && len(lines) > t.MaxLines {
		rest := strings.Join(lines[t.MaxLines-1:], " ")
		lines = append(lines[:t.MaxLines-1], Cut(rest, width))
	}
	return lines
}

// lines adds a table with one line for each record, and more for sentences that are wider than their column.
func (p *Page) lines(t Table, widths []int) {
	write := func(cells []string, style func(string) Styled) {
		sentences := []string{""}
		if t.Prose > 0 {
			sentences = t.sentences(cells[t.Prose], widths[t.Prose])
		}
		for n, sentence := range sentences {
			var b strings.Builder
			for c, width := range widths {
				text := cells[c]
				switch {
				case c == t.Prose && c > 0:
					text = sentence
				case n > 0:
					text = ""
				}
				b.WriteString(runewidth.FillRight(text, width+gap))
			}
			p.Line("%s", style(strings.TrimRight(b.String(), " ")))
		}
	}
	write(t.Header, p.Faint)
	for _, row := range t.Rows {
		write(row, func(line string) Styled { return Styled(line) })
	}
}

// proseBelow adds a table whose sentences are below the other cells of their record.
func (p *Page) proseBelow(t Table) {
	rest := t.without(t.Prose)
	widths := rest.widths()
	write := func(cells []string, sentence string, style func(string) Styled) {
		var b strings.Builder
		for c, width := range widths {
			b.WriteString(runewidth.FillRight(cells[c], width+gap))
		}
		p.Line("%s", style(strings.TrimRight(b.String(), " ")))
		if sentence == "" {
			return
		}
		for _, line := range t.sentences(sentence, p.width()-2) {
			p.Line("  %s", style(line))
		}
	}
	write(rest.Header, t.Header[t.Prose], p.Faint)
	for r, row := range rest.Rows {
		write(row, t.Rows[r][t.Prose], func(line string) Styled { return Styled(line) })
	}
}

// records adds the values of a table one below the other. A cell without a header belongs to the next one.
func (p *Page) records(t Table) {
	if len(t.Rows) == 0 {
		for _, label := range t.Header {
			p.Line("%s", p.Faint(label))
		}
	}
	width := 0
	for _, label := range t.Header {
		width = max(width, runewidth.StringWidth(label))
	}
	for r, row := range t.Rows {
		if r > 0 {
			p.Line("")
		}
		var pairs []string
		mark := ""
		for c, label := range t.Header {
			if label == "" && c < len(row)-1 {
				mark = row[c] + " "
				continue
			}
			pairs = append(pairs, label, strings.TrimSpace(mark+row[c]))
			mark = ""
		}
		p.fields(width, pairs...)
	}
}
