package output

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// commandIndent is the indent of a command in a page, in columns. The rest of a broken command is indented twice as far.
const commandIndent = 2

// ShellCommand adds a command line of a shell. Where it is wider than the terminal, it is broken at blanks outside of quotes, with a
// backslash at the end of each line, so that it can be copied.
func (p *Page) ShellCommand(command string) {
	width := p.width() - commandIndent
	for i, line := range breakCommand(command, width) {
		p.Line("%s%s", strings.Repeat(" ", commandIndent*(min(i, 1)+1)), p.Command(line))
	}
}

// Synopsis adds a line of usage, which is broken between words where it is wider than the terminal.
func (p *Page) Synopsis(usage string) {
	indent := strings.Repeat(" ", commandIndent)
	for line := range strings.SplitSeq(wrap(indent+usage, p.width(), 2*commandIndent), "\n") {
		text := strings.TrimLeft(line, " ")
		p.Line("%s%s", line[:len(line)-len(text)], p.Command(text))
	}
}

// breakCommand breaks a command line into lines of at most width columns, if its words permit it. All but the last one end with a
// backslash; all but the first one will be indented by commandIndent. A flag goes to the line of its value.
func breakCommand(command string, width int) []string {
	if ansi.StringWidth(command) <= width {
		return []string{command}
	}
	var lines, line []string
	words := shellWords(command)
	for i, word := range words {
		room := width - commandIndent*min(len(lines), 1)
		if i < len(words)-1 {
			room -= len(` \`)
		}
		if len(line) > 0 && columns(append(line, word)...) > room {
			last := len(line) - 1
			if last == 0 || line[last][0] != '-' || columns(line[last], word) > room-commandIndent {
				last++
			}
			lines = append(lines, strings.Join(line[:last], " ")+` \`)
			line = line[last:]
		}
		line = append(line, word)
	}
	return append(lines, strings.Join(line, " "))
}

// columns returns the width of words with a blank between them.
func columns(words ...string) int { return ansi.StringWidth(strings.Join(words, " ")) }

// shellWords splits a command line at blanks outside of quotes. A comment is one word, because a backslash does not continue it.
func shellWords(command string) []string {
	var words []string
	start := 0
	var quote rune
	isEscaped := false
	for i, r := range command {
		switch {
		case isEscaped:
			isEscaped = false
		case r == '\\' && quote != '\'':
			isEscaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case r == '#' && i == start:
			return append(words, command[start:])
		case r == ' ':
			if i > start {
				words = append(words, command[start:i])
			}
			start = i + 1
		}
	}
	if start < len(command) {
		words = append(words, command[start:])
	}
	return words
}
