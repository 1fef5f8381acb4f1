// Package overview serves the pages about the local platform: what it has and does, for a user who looks instead of asking the API. They
// show every workspace, therefore they need the token of the controls, if there is one (see control.Protect).
package overview

import (
	"net/http"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/control"
	"github.com/uselamina/lamina/internal/platform/lamina"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// How many of each the pages show.
const (
	mostRuns       = 20
	mostDeliveries = 10
	mostRequests   = 25
	mostFaults     = 20
)

// A Server serves the pages.
type Server struct {
	wire.Deps
	lamina   *lamina.Server
	controls *control.Server
	handler  http.Handler
}

// New returns the pages: /, /apps/{id}, /runs/{id} and /settings.
func New(deps wire.Deps, api *lamina.Server, controls *control.Server) *Server {
	s := &Server{Deps: deps, lamina: api, controls: controls}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showHome)
	mux.HandleFunc("GET /apps/{id}", s.showApp)
	mux.HandleFunc("GET /runs/{id}", s.showRun)
	mux.HandleFunc("GET /settings", s.showAccount)
	s.handler = mux
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// showHome answers with what happens on the platform.
func (s *Server) showHome(w http.ResponseWriter, r *http.Request) {
	page.RenderLive(w, r, http.StatusOK, page.LiveLayout("Local platform",
		h.H1(g.Text("Lamina, on your own computer")),
		h.P(h.Class("lead"), g.Text("A local platform with the API of Lamina, to build and test against. No account, no credits, no network.")),
		s.drawRuns("runs", "Runs", s.lamina.NewestRuns("", mostRuns)),
		drawDeliveries(s.lamina.NewestDeliveries("", mostDeliveries)),
		s.drawRequests(),
		s.drawFaults(),
		drawApps(),
		h.Section(
			h.H2(g.Text("Use it in a terminal")),
			h.Pre(h.Class("terminal"), h.Code(g.Text("export LAMINA_BASE_URL="+s.BaseURL+"\nlamina login\nlamina run poster --input text=Hello --wait"))),
			h.P(h.Class("hint"), g.Text("The sign-in page opens in this browser. You are signed in here as "),
				h.Strong(g.Text(wire.SampleUser().Email)), g.Text(".")),
		),
		h.Section(
			h.H2(g.Text("Addresses")),
			h.Ul(h.Class("links"),
				drawLink("/settings", "Account", "workspaces and credits"),
				drawLink("/dev/keys", "Keys", "of all five services: create, list, revoke"),
				drawLink("/device", "Sign in a device", "for lamina login --device"),
				drawLink("/dev/requests", "Received requests", "the last 10,000, as JSON"),
				drawLink("/dev/faults", "Planned faults", "as JSON"),
				drawLink("/dev/clock", "Clock", "tests can move it ahead"),
				drawLink("/.well-known/oauth-authorization-server/cli/oauth", "Authorization server", "its metadata, RFC 8414"),
			),
		),
	))
}

// showApp answers with an app and its runs.
func (s *Server) showApp(w http.ResponseWriter, r *http.Request) {
	app, ok := apps.Find(r.PathValue("id"))
	if !ok {
		page.RenderMessage(w, http.StatusNotFound, notFound("app"))
		return
	}
	page.RenderLive(w, r, http.StatusOK, page.LiveLayout(app.Name,
		h.H1(g.Text(app.Name)),
		h.P(h.Class("lead"), g.Text(app.Description)),
		drawInputs(app),
		drawOutputsOf(app),
		s.drawRuns("runs", "Runs of this app", s.lamina.NewestRuns(app.ID, mostRuns)),
		drawBack(),
	))
}

// showRun answers with a run and its outputs.
func (s *Server) showRun(w http.ResponseWriter, r *http.Request) {
	run, ok := s.lamina.RunByID(r.PathValue("id"))
	if !ok {
		page.RenderMessage(w, http.StatusNotFound, notFound("run"))
		return
	}
	page.RenderLive(w, r, http.StatusOK, page.LiveLayout("Run of "+nameOf(run),
		h.H1(g.Text("Run of "), drawAppName(run)),
		h.P(h.Class("lead"), h.Code(g.Text(run.RunID))),
		h.Section(page.Live("state"), drawState(run)),
		s.drawOutputs(run),
		drawGiven(run),
		drawDeliveries(s.lamina.NewestDeliveries(run.RunID, mostDeliveries)),
		drawBack(),
	))
}

// showAccount answers with the account. The page of keys is where the service has its keys, too.
func (s *Server) showAccount(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("tab") == "api" {
		http.Redirect(w, r, "/dev/keys", http.StatusSeeOther)
		return
	}
	var user wire.User
	var memberships []wire.Membership
	s.Store.View(func(tx *wire.Tx) { user, memberships = wire.Memberships(tx, wire.SampleUser().ID) })
	rows := g.Group{}
	for _, m := range memberships {
		balance, spent := s.lamina.Credits(m.ID)
		rows = append(rows, h.Tr(
			h.Th(h.Scope("row"), g.Text(m.Name)),
			cell("Id", h.Code(g.Text(m.ID))), cell("Role", g.Text(m.Role)), cell("Credits", g.Text(number(balance))), cell("Spent", g.Text(number(spent))),
		))
	}
	page.RenderLive(w, r, http.StatusOK, page.LiveLayout("Account",
		h.H1(g.Text("Account")),
		h.P(h.Class("lead"), g.Text(user.Email)),
		table("workspaces", "Workspaces", []string{"Name", "Id", "Role", "Credits", "Spent"}, rows),
		h.P(h.Class("fine"), h.A(h.Href("/dev/keys"), g.Text("Keys of the five services"))),
		drawBack(),
	))
}

func notFound(what string) page.Message {
	return page.Message{Icon: page.IconProblem, Title: "There is no such " + what, Text: "It may belong to a platform that ran before, without --data."}
}

func drawLink(path, name, note string) g.Node {
	return h.Li(h.A(h.Href(path), g.Text(name)), h.Span(g.Text(note)))
}

func drawBack() g.Node {
	return h.P(h.Class("fine"), h.A(h.Href("/"), g.Text("Everything on this platform")))
}
