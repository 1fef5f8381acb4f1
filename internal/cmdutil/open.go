package cmdutil

import (
	"cmp"

	"github.com/uselamina/lamina/internal/term"
)

// CannotOpen returns the reason why nothing can be opened for a user here: no user takes part, there is no terminal, or no browser. It
// is "" if a page probably can be opened.
func (e *Env) CannotOpen() string {
	if why := e.unattended(); why != "" {
		return why
	}
	if !e.Streams.ErrTTY {
		return "there is no terminal"
	}
	return term.NoBrowser(e.Getenv)
}

// Open opens a page, or a file by its absolute path, in the user's browser. If that is not possible, it prints what it would open, and
// why it did not.
func (e *Env) Open(what string) {
	why := e.CannotOpen()
	if why == "" {
		e.Printer.Say("Opening %s", what)
		err := e.OpenBrowser(what)
		if err == nil {
			return
		}
		why = err.Error()
	}
	e.Printer.Verbatim("%s not opened, because %s: %s", e.Styles().Busy("note:"), cmp.Or(term.Line(why), "of an unknown failure"), what)
}
