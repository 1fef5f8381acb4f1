package docs

import (
	"regexp"
	"strings"

	"github.com/uselamina/lamina/internal/output"
)

// link matches a link of Markdown.
const link = `!?\[([^\]]*)\]\([^)\s]*\)`

// writeMarkdown adds a guide as text for a terminal: paragraphs, lists and tables are fitted to its width, and code stays as it is.
func writeMarkdown(p *output.Page, markdown string) {
	links := regexp.MustCompile(link)
	var block []string
	flush := func() {
		writeBlock(p, block)
		block = nil
	}
	isCode := false
	for line := range strings.Lines(markdown) {
		line = strings.TrimRight(line, " \r\n")
		isFence := strings.HasPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence:
			flush()
			isCode = !isCode
		case isCode:
			p.Line("    %s", p.Command(line))
		case line == "":
			flush()
			p.Line("")
		case strings.HasPrefix(line, "#"):
			flush()
			p.Wrapped("%s", p.Bold(strings.TrimLeft(line, "# ")))
		case isItem(line):
			flush()
			block = []string{links.ReplaceAllString(line, "$1")}
		default:
			block = append(block, links.ReplaceAllString(line, "$1"))
		}
	}
	flush()
}

// isItem reports whether a line begins an item of a list.
func isItem(line string) bool {
	text := strings.TrimLeft(line, " ")
	number, _, isNumbered := strings.Cut(text, ". ")
	return strings.HasPrefix(text, "- ") || isNumbered && strings.Trim(number, "0123456789") == ""
}

// writeBlock adds a paragraph, an item of a list, or a table.
func writeBlock(p *output.Page, lines []string) {
	if len(lines) == 0 {
		return
	}
	if strings.HasPrefix(lines[0], "|") {
		writeTable(p, lines)
		return
	}
	for i := range lines {
		if i > 0 {
			lines[i] = strings.TrimSpace(lines[i])
		}
	}
	text := strings.Join(lines, " ")
	if isItem(text) {
		mark, rest, _ := strings.Cut(strings.TrimLeft(text, " "), " ")
		p.Terms([][2]string{{mark, plain(rest)}})
		return
	}
	p.Blocks([]output.Block{{Paragraph: plain(text)}})
}

// writeTable adds a table, whose last column holds sentences.
func writeTable(p *output.Page, lines []string) {
	var rows [][]string
	for i, line := range lines {
		if i != 1 { // the line below the header
			rows = append(rows, cells(line))
		}
	}
	for i := range rows {
		for len(rows[i]) < len(rows[0]) {
			rows[i] = append(rows[i], "")
		}
		rows[i] = rows[i][:len(rows[0])]
	}
	p.Descriptions(rows[0], rows[1:])
}

// cells returns the cells of a line of a table. A vertical bar in a cell is written \|.
func cells(line string) []string {
	const bar = "\x00"
	line = strings.ReplaceAll(strings.Trim(line, "| "), `\|`, bar)
	var all []string
	for cell := range strings.SplitSeq(line, "|") {
		all = append(all, plain(strings.ReplaceAll(strings.TrimSpace(cell), bar, "|")))
	}
	return all
}

// plain returns a text without the marks of bold text and of code.
func plain(text string) string { return strings.NewReplacer("**", "", "`", "").Replace(text) }
