package output

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/term"
)

// A Page collects what a person will see. Text put on it is cleaned of control sequences.
type Page struct {
	Styles
	width func() int
	text  strings.Builder
}

// String returns the page.
func (p *Page) String() string { return p.text.String() }

// Line adds one line. The format is ours and may hold styles; strings among args are cleaned unless Styled.
func (p *Page) Line(format string, args ...any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = term.Clean(s)
		}
	}
	_, _ = fmt.Fprintf(&p.text, format+"\n", args...)
}

// Fields adds aligned lines of a label and a value; those with an empty value are left out.
func (p *Page) Fields(pairs ...string) {
	width := 0
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			width = max(width, len(pairs[i]))
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			p.Line("%s  %s", p.Faint(fmt.Sprintf("%-*s", width, pairs[i])), term.Line(pairs[i+1]))
		}
	}
}

// Table adds rows below a header. Every column but the last is as wide as its widest cell, and never cut: ids must
// be whole. The last one is cut to the terminal's width.
func (p *Page) Table(header []string, rows [][]string) {
	widths := make([]int, len(header))
	for i := range header {
		widths[i] = runewidth.StringWidth(header[i])
		for _, row := range rows {
			row[i] = term.Line(row[i])
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
	}
	last := len(header) - 1
	room := p.width()
	for _, w := range widths[:last] {
		room -= w + 2
	}
	p.row(header, widths, max(room, 16), p.Faint)
	for _, row := range rows {
		p.row(row, widths, max(room, 16), nil)
	}
}

func (p *Page) row(cells []string, widths []int, room int, style func(string) Styled) {
	last := len(cells) - 1
	var line strings.Builder
	for i, cell := range cells {
		if i == last {
			line.WriteString(runewidth.Truncate(cell, room, "…"))
			break
		}
		line.WriteString(runewidth.FillRight(cell, widths[i]+2))
	}
	text := strings.TrimRight(line.String(), " ")
	if style != nil {
		text = string(style(text))
	}
	p.text.WriteString(text + "\n")
}
