package output

import (
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/term"
)

// proseWidth is the largest width of a paragraph, in columns: longer lines are hard to read.
const proseWidth = 100

// A Block is a part of a text: a paragraph, a list or code. Only one of its fields is set.
type Block struct {
	Paragraph string
	List      [][2]string // terms with their descriptions; the term of a plain item is "-"
	Code      []string    // lines to copy as they are
}

// Blocks splits a text at its blank lines. A block that begins with "- " is a list. A block whose lines are all indented by two
// spaces is a list of terms, if each line has a term and a description with at least two spaces between them; else it is code, and
// its blank lines are part of it. Any other block is a paragraph, whose line breaks are spaces.
func Blocks(text string) []Block {
	var blocks []Block
	for _, part := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		b := parseBlock(strings.Split(part, "\n"))
		if last := len(blocks) - 1; last >= 0 && b.Code != nil && blocks[last].Code != nil {
			blocks[last].Code = append(append(blocks[last].Code, ""), b.Code...)
			continue
		}
		blocks = append(blocks, b)
	}
	return blocks
}

func parseBlock(lines []string) Block {
	var b Block
	if strings.HasPrefix(lines[0], "- ") {
		for _, line := range lines {
			if item, isItem := strings.CutPrefix(line, "- "); isItem {
				b.List = append(b.List, [2]string{"-", item})
			} else {
				b.List[len(b.List)-1][1] += " " + strings.TrimSpace(line)
			}
		}
		return b
	}
	isList := true
	for _, line := range lines {
		line, isIndented := strings.CutPrefix(line, "  ")
		if !isIndented {
			return Block{Paragraph: strings.Join(lines, " ")}
		}
		name, description, hasTerm := strings.Cut(line, "  ")
		if isList = isList && hasTerm && name != ""; isList {
			b.List = append(b.List, [2]string{name, strings.TrimSpace(description)})
		}
		b.Code = append(b.Code, line)
	}
	if isList {
		return Block{List: b.List}
	}
	return Block{Code: b.Code}
}

// Lines returns a paragraph as lines of at most proseWidth columns.
func (b Block) Lines() string { return wrap(term.Line(b.Paragraph), proseWidth, 0) }

// Paragraphs adds the blocks of a text. Paragraphs and lists are broken between words at the width of the terminal or at
// proseWidth. Code is neither broken nor indented, so that it can be copied.
func (p *Page) Paragraphs(text string) { p.Blocks(Blocks(text)) }

// Blocks adds blocks as Paragraphs does.
func (p *Page) Blocks(blocks []Block) {
	for i, b := range blocks {
		if i > 0 {
			p.Line("")
		}
		p.block(b)
	}
}

func (p *Page) block(b Block) {
	for _, line := range b.Code {
		p.Line("%s", p.Command(line))
	}
	p.Terms(b.List)
	if b.Paragraph != "" {
		p.Line("%s", Styled(wrap(term.Line(b.Paragraph), min(p.width(), proseWidth), 0)))
	}
}

// minDescription is the smallest width of the descriptions of a list beside its terms, in columns.
const minDescription = 32

// Terms adds a list: terms, and beside them their descriptions. Where these have little room, each stands below its term.
func (p *Page) Terms(list [][2]string) {
	width := 0
	for _, item := range list {
		width = max(width, runewidth.StringWidth(term.Flat(item[0])))
	}
	isNarrow := width > 1 && p.width()-width-4 < min(minDescription, p.width()/2)
	for _, item := range list {
		label := term.Flat(item[0])
		if isNarrow {
			p.Line("  %s\n      %s", p.Faint(label), Styled(p.column(item[1], 6)))
			continue
		}
		p.Line("  %s  %s", p.Faint(runewidth.FillRight(label, width)), Styled(p.column(item[1], width+4)))
	}
}
