package output

import (
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/term"
)

// Marked adds a line of a styled word of markWidth columns, a label that is filled to width columns, and a text that continues
// below itself, or below the label if there is no room for it.
func (p *Page) Marked(mark Styled, label string, width int, text string) {
	text, left := term.Line(text), width+markWidth+4
	if p.isNarrow(left) || !p.hasRoom(text, left) {
		p.Line("%s  %s", mark, label)
		p.below(text, markWidth)
		return
	}
	head := string(mark) + "  " + runewidth.FillRight(term.Line(label), width) + "  "
	p.Line("%s%s", Styled(head), Styled(p.column(text, left)))
}

// Below adds a line below the text that Marked added, such as a command to type. It is never broken, because it may be copied.
func (p *Page) Below(width int, text Styled) {
	left := width + markWidth + 4
	if p.isNarrow(left) {
		left = markWidth + 2
	}
	p.Line("%s%s", Styled(strings.Repeat(" ", left)), text)
}

// isNarrow reports whether the terminal has less than minProse columns from left on.
func (p *Page) isNarrow(left int) bool { return p.width()-left < minProse }

// markWidth is the width of the first word of Marked, in columns.
const markWidth = 4
