package page

import (
	"net/http"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// A Message is a page that states an outcome.
type Message struct{ Icon, Title, Text string }

// The icons of a message.
const (
	IconDone    = "done"
	IconDenied  = "denied"
	IconProblem = "problem"
)

const (
	drawnDone    = `<circle cx="24" cy="24" r="23"/><path d="m15 24.5 6.2 6.2L33.5 18"/>`
	drawnDenied  = `<circle cx="24" cy="24" r="23"/><path d="m17 17 14 14m0-14L17 31"/>`
	drawnProblem = `<circle cx="24" cy="24" r="23"/><path d="M24 13.5v13m0 6.4v.2"/>`
)

// NotSaved returns the message for a state that could not be written.
func NotSaved() Message {
	return Message{
		IconProblem, "That could not be saved",
		"The platform could not write its state. Look at its output, then try again.",
	}
}

// RenderMessage answers with a message.
func RenderMessage(w http.ResponseWriter, status int, m Message) { Render(w, status, m.draw()) }

func (m Message) draw() g.Node {
	drawn := drawnProblem
	switch m.Icon {
	case IconDone:
		drawn = drawnDone
	case IconDenied:
		drawn = drawnDenied
	}
	return Layout(m.Title, h.Div(
		h.Class("outcome"),
		h.SVG(h.Class("badge "+m.Icon), g.Attr("viewBox", "0 0 48 48"), h.Aria("hidden", "true"), g.Raw(drawn)),
		h.H1(g.Text(m.Title)),
		h.P(h.Class("lead"), g.Text(m.Text)),
	))
}
