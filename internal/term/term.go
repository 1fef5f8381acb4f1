// Package term is the person's end: the three streams as one value, prompts, and the browser.
package term

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// Streams are where a command reads and writes, and what it may do there.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	// InTTY, OutTTY and ErrTTY say which of them are terminals.
	InTTY, OutTTY, ErrTTY bool
	// OutColor and ErrColor say where colour is wanted.
	OutColor, ErrColor bool
	// Prompts says that a person is there to be asked.
	Prompts bool
	// Width returns the terminal's columns, of Err if it is one, else of Out; 80 where neither is.
	Width func() int
}

// System returns the streams of this process, with the manners that the environment asks for: NO_COLOR, CLICOLOR,
// CLICOLOR_FORCE, TERM, CI.
func System(getenv func(string) string) *Streams {
	s := &Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTTY: isTerminal(os.Stdin), OutTTY: isTerminal(os.Stdout), ErrTTY: isTerminal(os.Stderr),
	}
	s.Width = func() int {
		for _, f := range []*os.File{os.Stderr, os.Stdout} {
			if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
				return w
			}
		}
		return 80
	}
	s.Prompts = s.InTTY && getenv("CI") == ""
	s.SetColor("auto", getenv)
	return s
}

// SetColor decides on colour: always, never, or auto, which follows the environment and the terminal: NO_COLOR, then
// CLICOLOR_FORCE, then CLICOLOR.
func (s *Streams) SetColor(when string, getenv func(string) string) {
	switch {
	case when == "always":
		s.OutColor, s.ErrColor = true, true
	case when == "never", getenv("NO_COLOR") != "":
		s.OutColor, s.ErrColor = false, false
	case isSet(getenv("CLICOLOR_FORCE")):
		s.OutColor, s.ErrColor = true, true
	default:
		able := getenv("TERM") != "dumb" && getenv("CLICOLOR") != "0"
		s.OutColor, s.ErrColor = s.OutTTY && able, s.ErrTTY && able
	}
}

// isSet reads a switch of the environment, where 0 means off.
func isSet(value string) bool {
	n, err := strconv.Atoi(value)
	return value != "" && (err != nil || n != 0)
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Clean makes text from elsewhere safe to show: escape sequences, control and bidirectional characters are removed,
// newlines and tabs are kept.
func Clean(text string) string {
	plain := true
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, ansi.Strip(text))
}

// Flat is Clean for a text that has one line and keeps its spaces: newlines and tabs become spaces.
func Flat(text string) string { return flat.Replace(Clean(text)) }

var flat = strings.NewReplacer("\n", " ", "\t", " ")

// Line is Clean for a place that has one line: every run of white space becomes one space.
func Line(text string) string { return strings.Join(strings.Fields(Clean(text)), " ") }
