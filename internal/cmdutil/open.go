package cmdutil

import (
	"cmp"

	"github.com/uselamina/lamina/internal/output"
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

// OpenOrPrint opens a page in the user's browser if mayOpen is set and stdout is a terminal, and prints its address otherwise, or where
// nothing can be opened.
func (e *Env) OpenOrPrint(page string, mayOpen bool) error {
	if mayOpen && e.Streams.OutTTY {
		why := e.CannotOpen()
		if why == "" {
			e.Open(page)
			return nil
		}
		e.Note("not opened, because %s", why)
	}
	return e.Print(map[string]string{"url": page}, func(p *output.Page) { p.Line("%s", page) })
}
