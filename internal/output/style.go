package output

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"github.com/uselamina/lamina/internal/term"
)

// Styled is text that is safe for a terminal: it was cleaned, and then broken into lines or colored by this program.
type Styled string

// Styles add color to text for one stream, or only clean it if the stream has no color. They never query the terminal.
type Styles struct {
	color bool
	w     io.Writer
}

// Bold is for the most important part of a line.
func (s Styles) Bold(text string) Styled { return s.render(text, lipgloss.Style.Bold, "") }

// Faint is for labels and secondary information.
func (s Styles) Faint(text string) Styled { return s.render(text, lipgloss.Style.Faint, "") }

// Good is for success.
func (s Styles) Good(text string) Styled { return s.render(text, nil, "2") }

// Bad is for failure.
func (s Styles) Bad(text string) Styled { return s.render(text, nil, "1") }

// Busy is for work in progress, and for notes.
func (s Styles) Busy(text string) Styled { return s.render(text, nil, "3") }

// Command is for a command to type.
func (s Styles) Command(text string) Styled { return s.render(text, nil, "6") }

func (s Styles) render(text string, set func(lipgloss.Style, bool) lipgloss.Style, color string) Styled {
	text = term.Flat(text)
	if !s.color {
		return Styled(text)
	}
	// With an explicit profile and background the renderer neither queries the terminal nor decides on color by itself.
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
