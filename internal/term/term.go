// Package term is the person's end: the three streams as one value, prompts, and the browser.
package term

import (
	"io"
	"os"
	"strconv"

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
