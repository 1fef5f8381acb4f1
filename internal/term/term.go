// Package term is the interface to the user: the three standard streams, prompts, and the browser.
package term

import (
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// Streams are the standard streams of a command and their properties.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	// InTTY, OutTTY and ErrTTY report which of them are terminals.
	InTTY, OutTTY, ErrTTY bool
	// OutColor and ErrColor report where color is used.
	OutColor, ErrColor bool
	// Prompts reports whether the command may ask the user.
	Prompts bool
	// Width returns the value of COLUMNS, else the number of columns of the terminal at Err, else of the one at Out, else 80.
	Width func() int
	// HasColumns means that the variable COLUMNS sets the width, also of a stream that is no terminal.
	HasColumns bool
	// Height returns the number of lines of the terminal at Out; 0 means that it is unknown.
	Height func() int

	isDumb  bool     // the terminal understands no escape sequences
	console *console // the terminal at In; set by Hold
}

// System returns the streams of this process. The environment variables NO_COLOR, CLICOLOR, CLICOLOR_FORCE and TERM decide on
// color, and COLUMNS on the width; CI turns prompts off.
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
	if columns, err := strconv.Atoi(getenv("COLUMNS")); err == nil && columns > 0 {
		s.HasColumns, s.Width = true, func() int { return columns }
	}
	s.Height = func() int {
		_, height, _ := term.GetSize(int(os.Stdout.Fd()))
		return height
	}
	s.Prompts = s.InTTY && !IsOn(getenv("CI"))
	s.isDumb = getenv("TERM") == "dumb"
	s.SetColor("auto", getenv)
	return s
}

// SetColor sets the use of color: always, never, or auto, which is decided by NO_COLOR, CLICOLOR_FORCE, TERM and CLICOLOR, in
// this order, and by which streams are terminals.
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

// ColorVariable returns the environment variable that decides on color, and the value of --color that it stands for; "" if there is
// none.
func ColorVariable(getenv func(string) string) (name, when string) {
	switch {
	case getenv("NO_COLOR") != "":
		return "NO_COLOR", "never"
	case isSet(getenv("CLICOLOR_FORCE")):
		return "CLICOLOR_FORCE", "always"
	case getenv("CLICOLOR") == "0":
		return "CLICOLOR", "never"
	}
	return "", ""
}

// IsOn reports whether the value of an environment variable turns something on: it is neither empty nor 0, false, no or off.
func IsOn(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "0", "false", "no", "off":
		return false
	}
	return true
}

// isSet reports whether CLICOLOR_FORCE turns color on: it is set and not 0.
func isSet(value string) bool {
	n, err := strconv.Atoi(value)
	return value != "" && (err != nil || n != 0)
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
