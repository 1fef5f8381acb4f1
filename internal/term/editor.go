package term

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// maxLine is the largest number of bytes of a typed line.
const maxLine = 1 << 20

// errLineTooLong means that a line has more than maxLine bytes.
var errLineTooLong = errors.New("the line is too long")

// An editor builds a line from the bytes of a terminal that neither echoes nor edits. It understands backspace, Ctrl-U, Ctrl-W,
// Ctrl-D and bracketed paste. Other escape sequences and control characters are dropped.
type editor struct {
	echo bool // return what the terminal has to show

	line    []byte
	shown   int    // how many bytes of the line were echoed
	escape  []byte // the start of an escape sequence
	pasting bool   // between the markers of a bracketed paste
	joining bool   // a line break was dropped: drop the spaces after it too
}

// The sequences with which a terminal marks pasted text.
const (
	pasteStart = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// A keyEffect is what a byte did to the line.
type keyEffect int

const (
	lineContinues keyEffect = iota
	lineEnds
	inputEnds // Ctrl-D on an empty line
)

// key handles one byte. It returns the text to show.
func (e *editor) key(b byte) (show []byte, effect keyEffect) {
	if len(e.escape) > 0 && e.inEscape(b) {
		return nil, lineContinues
	}
	switch {
	case b == 0x1b:
		e.escape = []byte{b}
	case b == '\r' || b == '\n':
		if !e.pasting {
			return nil, lineEnds
		}
		e.join()
	case e.pasting && (b < ' ' || b == 0x7f), e.joining && b == ' ':
	case b == 0x7f || b == '\b':
		return e.remove(func(line []byte) int { _, size := utf8.DecodeLastRune(line); return size }), lineContinues
	case b == 'U'&0x1f:
		return e.remove(func(line []byte) int { return len(line) }), lineContinues
	case b == 'W'&0x1f:
		return e.remove(lastWord), lineContinues
	case b == 'D'&0x1f && len(e.line) == 0:
		return nil, inputEnds
	case b >= ' ':
		e.joining = false
		e.line = append(e.line, b)
		return e.show(), lineContinues
	}
	return nil, lineContinues
}

// inEscape adds a byte to an escape sequence. It returns false if the byte does not belong to it.
func (e *editor) inEscape(b byte) bool {
	if b < ' ' || b >= 0x7f {
		e.escape = nil
		return false
	}
	e.escape = append(e.escape, b)
	isIntroducer := len(e.escape) == 2 && (b == '[' || b == 'O')
	isParameter := len(e.escape) > 2 && e.escape[1] == '[' && b < 0x40
	if isIntroducer || isParameter {
		return true
	}
	switch string(e.escape) {
	case pasteStart:
		e.pasting = true
	case pasteEnd:
		e.pasting, e.joining = false, false
	}
	e.escape = nil
	return true
}

// join drops a line break within pasted text, and the spaces around it: a terminal breaks a long address into several lines.
func (e *editor) join() {
	e.line = bytes.TrimRight(e.line, " ")
	e.shown = min(e.shown, len(e.line))
	e.joining = true
}

// show returns the visible characters that were not shown yet, except an incomplete one.
func (e *editor) show() []byte {
	if !e.echo {
		return nil
	}
	rest := e.line[e.shown:]
	if r, size := utf8.DecodeLastRune(rest); r == utf8.RuneError && size == 1 && !utf8.FullRune(lastStart(rest)) {
		return nil
	}
	e.shown = len(e.line)
	return []byte(Flat(string(rest)))
}

// lastStart returns the end of a text from the last byte that can start a character.
func lastStart(text []byte) []byte {
	for i := len(text) - 1; i >= 0; i-- {
		if utf8.RuneStart(text[i]) {
			return text[i:]
		}
	}
	return text
}

// remove removes the bytes at the end of the line that size counts, and returns what erases them on the screen.
func (e *editor) remove(size func(line []byte) int) []byte {
	cut := len(e.line) - size(e.line)
	columns := ansi.StringWidth(Flat(string(e.line[min(cut, e.shown):e.shown])))
	e.line, e.shown = e.line[:cut], min(cut, e.shown)
	if !e.echo {
		return nil
	}
	return bytes.Repeat([]byte("\b \b"), columns)
}

// lastWord returns the length of the last word with the spaces after it.
func lastWord(line []byte) int {
	text := bytes.TrimRight(line, " ")
	return len(line) - (bytes.LastIndexByte(text, ' ') + 1)
}
