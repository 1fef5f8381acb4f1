package oauth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// A consentPage asks the user to approve or deny the request of a client or, with a user code, of a device.
type consentPage struct {
	client     string // name
	host       string // of the redirect URI; empty for a device
	userCode   string // empty unless a device asks
	user       wire.User
	scopes     []scope
	workspaces []wire.Membership

	action    string // path of the form
	field     string // name of the field with the subject
	subject   string
	formToken string
}

// newConsentPage returns the page for a client that asks for scopes.
func newConsentPage(tx *wire.Tx, clientID, scopeNames string) consentPage {
	names := strings.Fields(scopeNames)
	user, memberships := wire.Memberships(tx, wire.SampleUser().ID)
	return consentPage{
		client: clientName(tx, clientID), user: user, workspaces: memberships,
		scopes: slices.DeleteFunc(supportedScopes(), func(sc scope) bool { return !slices.Contains(names, sc.name) }),
	}
}

func (p consentPage) draw() g.Node {
	title := "Approve access"
	if p.userCode != "" {
		title = "Sign in a device"
	}
	return page.Layout(title,
		h.H1(drawClient(p.client), g.Text(" wants to use your account")),
		h.P(h.Class("lead"), g.Text("You are signed in as "), h.Strong(g.Text(p.user.Email)), g.Text(".")),
		g.If(p.userCode != "", h.Section(
			h.H2(h.ID("code-label"), g.Text("Your device must show this code")),
			h.P(h.Class("code"), h.Aria("labelledby", "code-label"), g.Text(p.userCode)),
			h.P(h.Class("hint"), g.Text("If it shows another code, or if you did not ask for one, deny.")),
		)),
		h.Section(
			h.H2(g.Text("It will be able to")),
			h.Ul(h.Class("scopes"), g.Map(p.scopes, func(sc scope) g.Node {
				return h.Li(page.Tick(), h.Span(g.Text(sc.description+" "), h.Code(g.Text(sc.name))))
			})),
		),
		p.drawForm(),
		h.P(
			h.Class("fine"),
			g.If(p.host != "", g.Group{
				g.Text("Then you return to "), h.Strong(h.Class("host"), g.Text(p.host)), g.Text(". "),
			}),
			g.Text("The app gave itself its name. Approve only what you started yourself."),
		),
	)
}

func (p consentPage) drawForm() g.Node {
	choices := g.Group{}
	for i, m := range p.workspaces {
		choices = append(choices, drawWorkspace(m, i == 0))
	}
	return h.Form(
		h.Method("post"), h.Action(p.action),
		h.Input(h.Type("hidden"), h.Name(p.field), h.Value(p.subject)),
		h.Input(h.Type("hidden"), h.Name("form_token"), h.Value(p.formToken)),
		h.FieldSet(h.Legend(g.Text("In the workspace")), choices),
		h.Div(
			h.Class("buttons"),
			h.Button(h.Name("decision"), h.Value("deny"), g.Text("Deny")),
			h.Button(h.Class("primary"), h.Name("decision"), h.Value("approve"), g.Text("Approve")),
		),
	)
}

func drawWorkspace(m wire.Membership, isChosen bool) g.Node {
	return h.Label(
		h.Class("choice"),
		h.Input(h.Type("radio"), h.Name("workspace"), h.Value(m.ID), h.Required(), g.If(isChosen, h.Checked())),
		h.Span(h.Class("avatar"), h.Aria("hidden", "true"), g.Text(initial(m.Name))),
		h.Span(
			h.Class("choice-text"),
			h.Span(h.Class("choice-name"), g.Text(m.Name)), g.Text(" "), h.Span(h.Class("choice-role"), g.Text(m.Role)),
		),
	)
}

func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Host
}

// renderReturn returns the browser to a client with a page that redirects by itself: page.Policy forbids a redirect after
// a form.
func renderReturn(w http.ResponseWriter, client, next string) {
	w.Header().Set("Refresh", "0; url="+next)
	page.Render(w, http.StatusOK, drawReturn(client, next))
}

func drawReturn(client, next string) g.Node {
	return page.Layout("Returning", h.Div(
		h.Class("outcome"),
		h.H1(g.Text("Returning to "), drawClient(client)),
		h.P(h.Class("lead"), g.Text("If nothing happens, "), h.A(hrefTo(next), g.Text("go on from here")), g.Text(".")),
	))
}

// drawClient draws the name of a client, which the client chose. bdi confines its writing direction to the name.
func drawClient(name string) g.Node { return g.El("bdi", h.Class("client"), g.Text(name)) }

// hrefTo returns the attribute of a link to a redirect URI. It checks the URI again, because escaping does not make a
// javascript: URI harmless.
func hrefTo(uri string) g.Node {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLoopbackName(u)) {
		return nil
	}
	return h.Href(uri)
}

// initial returns the first letter or digit of a name.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "?"
}
