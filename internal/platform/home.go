package platform

import (
	"net/http"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// showHome answers GET / with a page about the platform.
func (s *Server) showHome(w http.ResponseWriter, _ *http.Request) {
	page.Render(w, http.StatusOK, drawHome(s.deps.BaseURL, wire.SampleUser().Email))
}

func drawHome(baseURL, email string) g.Node {
	return page.Layout("Local platform",
		h.H1(g.Text("Lamina, on your own computer")),
		h.P(h.Class("lead"), g.Text("A local platform with the API of Lamina: sign-in, apps, runs, assets and webhooks, "+
			"to build and test against. No account, no credits, no network.")),
		h.Section(
			h.H2(g.Text("Use it")),
			h.Pre(h.Class("terminal"), h.Code(
				g.Text("export LAMINA_BASE_URL="+baseURL+"\nlamina login\nlamina apps list"))),
			h.P(h.Class("hint"), g.Text("The sign-in page opens in this browser. You are signed in here as "),
				h.Strong(g.Text(email)), g.Text(".")),
		),
		h.Section(
			h.H2(g.Text("Addresses")),
			h.Ul(
				h.Class("links"),
				h.Li(h.A(h.Href("/device"), g.Text("Sign in a device")),
					h.Span(g.Text("for "), h.Code(g.Text("lamina login --device")))),
				drawLink("/.well-known/oauth-authorization-server/cli/oauth", "Authorization server", "its metadata, RFC 8414"),
				drawLink("/dev/requests", "Received requests", "the last 10,000, as JSON"),
				drawLink("/dev/faults", "Planned faults", "for tests"),
				drawLink("/dev/keys", "Keys", "of all five services: create, list, revoke"),
				drawLink("/dev/clock", "Clock", "tests can move it ahead"),
				h.Li(h.A(h.Href("https://docs.uselamina.ai"), h.Rel("noreferrer"), g.Text("Documentation")),
					h.Span(g.Text("docs.uselamina.ai"))),
			),
		),
	)
}

func drawLink(path, name, note string) g.Node {
	return h.Li(h.A(h.Href(path), g.Text(name)), h.Span(g.Text(note)))
}
