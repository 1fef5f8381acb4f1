package output

import (
	"fmt"
	"reflect"
	"slices"
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

// Line adds one line. The format is ours and may hold styles; strings of any type and errors among args are cleaned
// unless Styled.
func (p *Page) Line(format string, args ...any) {
	clean := make([]any, len(args))
	for i, arg := range args {
		clean[i] = arg
		switch a := arg.(type) {
		case Styled:
		case error:
			clean[i] = term.Clean(a.Error())
		default:
			if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
				clean[i] = term.Clean(v.String())
			}
		}
	}
	_, _ = fmt.Fprintf(&p.text, format+"\n", clean...)
}

// Fields adds aligned lines of a label and a value; those with an empty value are left out.
func (p *Page) Fields(pairs ...string) {
	width := 0
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			width = max(width, len(pair[0]))
		}
	}
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			p.Line("%s  %s", p.Faint(fmt.Sprintf("%-*s", width, pair[0])), term.Line(pair[1]))
		}
	}
}

// Table adds rows below a header. Every column but the last is as wide as its widest cell, and never cut: ids must
// be whole. The last one is cut to the terminal's width.
func (p *Page) Table(header []string, rows [][]string) {
	widths := make([]int, len(header))
	for i := range header {
		widths[i] = runewidth.StringWidth(header[i])
	}
	clean := make([][]string, len(rows))
	for r, row := range rows {
		clean[r] = make([]string, len(header))
		for i := range header {
			clean[r][i] = term.Line(row[i])
			widths[i] = max(widths[i], runewidth.StringWidth(clean[r][i]))
		}
	}
	last := len(header) - 1
	room := p.width()
	for _, w := range widths[:last] {
		room -= w + 2
	}
	p.row(header, widths, max(room, 16), p.Faint)
	for _, row := range clean {
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
