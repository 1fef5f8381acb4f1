package term

import (
	"os"
	"runtime"
	"strings"
)

// A browserCommand is one command of BROWSER.
type browserCommand struct {
	raw   string // as written, without the space around it
	words []string
}

// withURL returns the command line that opens a URL. %s stands for the URL; without it, the URL is the last argument. The URL is
// never split or interpreted.
func (c browserCommand) withURL(url string) []string {
	var line []string
	hasURL := false
	for i, word := range c.words {
		if i > 0 {
			hasURL = hasURL || strings.Contains(strings.ReplaceAll(word, "%%", ""), "%s")
			word = strings.NewReplacer("%%", "%", "%s", url).Replace(word)
		}
		line = append(line, word)
	}
	if !hasURL {
		line = append(line, url)
	}
	return line
}

// browserCommands parses BROWSER: commands to try in order, separated like the folders of PATH, each split into words like a shell
// does it, without expansions. An & at the end of a command is dropped: every browser runs in the background.
func browserCommands(text string) []browserCommand {
	var commands []browserCommand
	for _, c := range splitCommands(text, os.PathListSeparator, runtime.GOOS != "windows") {
		if last := len(c.words) - 1; last > 0 && c.words[last] == "&" {
			c.words = c.words[:last]
		}
		if len(c.words) > 0 {
			commands = append(commands, c)
		}
	}
	return commands
}

// splitCommands splits a list of commands, and each command into words. Quotes keep separators and spaces; a backslash keeps the
// next character, if escapes is set, but not within single quotes. A quote that is not closed ends with the text.
func splitCommands(text string, separator rune, escapes bool) []browserCommand {
	var commands []browserCommand
	var words []string
	var word, raw strings.Builder
	var quote rune
	inWord, isEscaped := false, false
	endWord := func() {
		if inWord {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	endCommand := func() {
		endWord()
		commands = append(commands, browserCommand{strings.TrimSpace(raw.String()), words})
		words = nil
		raw.Reset()
	}
	for _, r := range text {
		if quote == 0 && !isEscaped && r == separator {
			endCommand()
			continue
		}
		raw.WriteRune(r)
		switch {
		case isEscaped:
			word.WriteRune(r)
			isEscaped = false
		case escapes && r == '\\' && quote != '\'':
			isEscaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n'):
			endWord()
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	endCommand()
	return commands
}
