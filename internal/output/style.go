package output

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"github.com/uselamina/lamina/internal/term"
)

// Styled is text that was cleaned, and is one line unless we broke it, and may have been given colours.
type Styled string

// Styles colour text for one stream, or leave it as it is where colour is not wanted. They never ask the terminal
// anything.
type Styles struct {
	color bool
	w     io.Writer
}

// Bold is for what matters most on a line.
func (s Styles) Bold(text string) Styled { return s.render(text, lipgloss.Style.Bold, "") }

// Faint is for labels and asides.
func (s Styles) Faint(text string) Styled { return s.render(text, lipgloss.Style.Faint, "") }

// Good is for success.
func (s Styles) Good(text string) Styled { return s.render(text, nil, "2") }

// Bad is for failure.
func (s Styles) Bad(text string) Styled { return s.render(text, nil, "1") }

// Busy is for what is still going on.
func (s Styles) Busy(text string) Styled { return s.render(text, nil, "3") }

// Command is for something that can be typed.
func (s Styles) Command(text string) Styled { return s.render(text, nil, "6") }

func (s Styles) render(text string, set func(lipgloss.Style, bool) lipgloss.Style, color string) Styled {
	text = term.Flat(text)
	if !s.color {
		return Styled(text)
	}
	// A profile and a background given by hand keep the renderer from querying the terminal, and from a mind of its own
	// about colour: it was decided on already.
	r := lipgloss.NewRenderer(s.w)
	r.SetColorProfile(termenv.ANSI)
	r.SetHasDarkBackground(true)
	style := r.NewStyle()
	if set != nil {
		style = set(style, true)
	}
	if color != "" {
		style = style.Foreground(lipgloss.Color(color))
	}
	return Styled(style.Render(text))
}
