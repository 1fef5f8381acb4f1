package output

import (
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/term"
)

// Marked adds a line of a styled word of markWidth columns, a label that is filled to width columns, and a text that continues
// below itself.
func (p *Page) Marked(mark Styled, label string, width int, text string) {
	head := string(mark) + "  " + runewidth.FillRight(term.Line(label), width) + "  "
	p.Line("%s%s", Styled(head), Styled(p.column(text, width+markWidth+4)))
}

// Below adds a line below the text that Marked added, such as a command to type.
func (p *Page) Below(width int, text Styled) {
	p.Line("%s%s", Styled(strings.Repeat(" ", width+markWidth+4)), text)
}

// markWidth is the width of the first word of Marked, in columns.
const markWidth = 4
