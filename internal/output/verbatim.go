package output

import (
	"io"
	"strings"

	"github.com/uselamina/lamina/internal/term"
)

// Verbatim adds a text that keeps its line breaks, such as Markdown or indented JSON. Each line is indented.
func (p *Page) Verbatim(indent, text string) {
	for line := range strings.Lines(text) {
		p.Line("%s", strings.TrimRight(indent+line, " \r\n"))
	}
}

// Text writes a piece of a text to stdout, safe for a terminal. It keeps line breaks and adds none, so that a text can be written
// while it arrives.
func (p *Printer) Text(text string) error {
	_, err := io.WriteString(p.streams.Out, term.Clean(text))
	return err
}
