package output

import (
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/term"
)

// Marked adds a line that starts with a word in a colour and a label, filled to width columns, and ends in a text that
// goes on below itself.
func (p *Page) Marked(mark Styled, label string, width int, text string) {
	head := string(mark) + "  " + runewidth.FillRight(term.Line(label), width) + "  "
	p.Line("%s%s", Styled(head), Styled(p.column(text, width+markWidth+4)))
}

// Below adds what belongs to the line that Marked added: something that can be typed.
func (p *Page) Below(width int, text Styled) {
	p.Line("%s%s", Styled(strings.Repeat(" ", width+markWidth+4)), text)
}

// markWidth is how wide the first word of Marked must be.
const markWidth = 4
