package platform

import (
	"net/url"
	"unicode"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/uselamina/lamina/internal/api"
)

// The pages are functions and not templates, because a template calls methods by name, for which the linker has to keep
// every exported method there is (see TestLinkerMayDropMethods). What is not a constant goes through g.Text or an
// attribute, which escape it; g.Raw is only for the pictures.

// The pictures of the pages.
const (
	pictureBrand = `<svg viewBox="0 0 24 24" aria-hidden="true">` +
		`<path class="sheet-3" d="M12 12.2 21 16.6 12 21 3 16.6z"/>` +
		`<path class="sheet-2" d="M12 7.6 21 12 12 16.4 3 12z"/>` +
		`<path class="sheet-1" d="M12 3 21 7.4 12 11.8 3 7.4z"/></svg>`
	pictureTick = `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="m5 10.5 3.2 3.2L15 7"/></svg>`

	drawnDone    = `<circle cx="24" cy="24" r="23"/><path d="m15 24.5 6.2 6.2L33.5 18"/>`
	drawnDenied  = `<circle cx="24" cy="24" r="23"/><path d="m17 17 14 14m0-14L17 31"/>`
	drawnProblem = `<circle cx="24" cy="24" r="23"/><path d="M24 13.5v13m0 6.4v.2"/>`
)

// layoutHTML is what all pages have in common, around the content of the card.
func layoutHTML(title string, content ...g.Node) g.Node { return bodyHTML("", title, content) }

// wideHTML is a page with a table.
func wideHTML(title string, content ...g.Node) g.Node { return bodyHTML("wide", title, content) }

func bodyHTML(class, title string, content []g.Node) g.Node {
	return h.Doctype(h.HTML(
		h.Lang("en"),
		h.Head(
			h.Meta(h.Charset("utf-8")),
			h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
			h.Meta(h.Name("color-scheme"), h.Content("light dark")),
			h.Meta(h.Name("robots"), h.Content("noindex")),
			h.TitleEl(g.Text(title+" \u2013 Lamina")),
			h.Link(h.Rel("stylesheet"), h.Href("/pages/style.css")),
			h.Link(h.Rel("icon"), h.Href("/pages/icon.svg"), h.Type("image/svg+xml")),
		),
		h.Body(
			g.If(class != "", h.Class(class)),
			h.Header(
				h.Class("top"),
				h.A(h.Class("brand"), h.Href("/"), g.Raw(pictureBrand), g.Text("Lamina")),
				h.Span(h.Class("pill"), g.Text("Local platform")),
			),
			h.Main(h.Class("card"), g.Group(content)),
			h.Footer(h.Class("foot"),
				g.Text("Runs on this computer, with sample data. Nothing here reaches uselamina.ai.")),
		),
	))
}

func consentHTML(p consentPage) g.Node {
	title := "Approve access"
	if p.UserCode != "" {
		title = "Sign in a device"
	}
	return layoutHTML(title,
		h.H1(clientHTML(p.Client), g.Text(" wants to use your account")),
		h.P(h.Class("lead"), g.Text("You are signed in as "), h.Strong(g.Text(p.User.Email)), g.Text(".")),
		g.If(p.UserCode != "", h.Section(
			h.H2(h.ID("code-label"), g.Text("Your device must show this code")),
			h.P(h.Class("code"), h.Aria("labelledby", "code-label"), g.Text(p.UserCode)),
			h.P(h.Class("hint"), g.Text("If it shows another code, or if you did not ask for one, deny.")),
		)),
		h.Section(
			h.H2(g.Text("It will be able to")),
			h.Ul(h.Class("scopes"), g.Map(p.Scopes, func(sc scope) g.Node {
				return h.Li(g.Raw(pictureTick), h.Span(g.Text(sc.Words+" "), h.Code(g.Text(sc.Name))))
			})),
		),
		consentForm(p),
		h.P(
			h.Class("fine"),
			g.If(p.Host != "", g.Group{
				g.Text("Then you return to "), h.Strong(h.Class("host"), g.Text(p.Host)), g.Text(". "),
			}),
			g.Text("The app gave itself its name. Approve only what you started yourself."),
		),
	)
}

func consentForm(p consentPage) g.Node {
	choices := g.Group{}
	for i, m := range p.Workspaces {
		choices = append(choices, workspaceChoice(m, i == 0))
	}
	return h.Form(
		h.Method("post"), h.Action(p.Action),
		h.Input(h.Type("hidden"), h.Name(p.Field), h.Value(p.Subject)),
		h.Input(h.Type("hidden"), h.Name("form_token"), h.Value(p.FormToken)),
		h.FieldSet(h.Legend(g.Text("In the workspace")), choices),
		h.Div(
			h.Class("buttons"),
			h.Button(h.Name("decision"), h.Value("deny"), g.Text("Deny")),
			h.Button(h.Class("primary"), h.Name("decision"), h.Value("approve"), g.Text("Approve")),
		),
	)
}

func workspaceChoice(m api.Membership, chosen bool) g.Node {
	return h.Label(
		h.Class("choice"),
		h.Input(h.Type("radio"), h.Name("workspace"), h.Value(m.WorkspaceID), h.Required(), g.If(chosen, h.Checked())),
		h.Span(h.Class("avatar"), h.Aria("hidden", "true"), g.Text(initial(m.Name))),
		h.Span(
			h.Class("choice-text"),
			h.Span(h.Class("choice-name"), g.Text(m.Name)), g.Text(" "), h.Span(h.Class("choice-role"), g.Text(m.Role)),
		),
	)
}

func deviceHTML(p devicePage) g.Node {
	wrong := p.Problem != ""
	return layoutHTML("Sign in a device",
		h.H1(g.Text("Sign in a device")),
		h.P(h.Class("lead"), g.Text("Type the code that your terminal or device shows.")),
		h.Form(
			h.Method("get"), h.Action("/device"),
			h.Label(h.Class("field-label"), h.For("user_code"), g.Text("Code")),
			h.Input(
				h.Class("field"), h.ID("user_code"), h.Name("user_code"), h.Value(p.Code),
				h.Placeholder("XXXX-XXXX"), h.MaxLength("24"), h.Required(), h.AutoFocus(),
				h.AutoComplete("off"), g.Attr("autocapitalize", "characters"), g.Attr("autocorrect", "off"),
				g.Attr("spellcheck", "false"),
				g.If(wrong, g.Group{h.Aria("invalid", "true"), h.Aria("describedby", "problem")}),
			),
			g.If(wrong, h.P(h.Class("problem"), h.ID("problem"), h.Role("alert"), g.Text(p.Problem))),
			h.Div(h.Class("buttons"), h.Button(h.Class("primary"), g.Text("Continue"))),
		),
		h.P(h.Class("fine"), g.Text("Lamina never asks for a code by mail, phone or chat. "+
			"Type only one that you can see on your own screen.")),
	)
}

func messageHTML(m message) g.Node {
	drawn := drawnProblem
	switch m.Icon {
	case iconDone:
		drawn = drawnDone
	case iconDenied:
		drawn = drawnDenied
	}
	return layoutHTML(m.Title, h.Div(
		h.Class("outcome"),
		h.SVG(h.Class("badge "+m.Icon), g.Attr("viewBox", "0 0 48 48"), h.Aria("hidden", "true"), g.Raw(drawn)),
		h.H1(g.Text(m.Title)),
		h.P(h.Class("lead"), g.Text(m.Text)),
	))
}

func returnHTML(client, next string) g.Node {
	return layoutHTML("Returning", h.Div(
		h.Class("outcome"),
		h.H1(g.Text("Returning to "), clientHTML(client)),
		h.P(h.Class("lead"), g.Text("If nothing happens, "), h.A(hrefOfClient(next), g.Text("go on from here")), g.Text(".")),
	))
}

func homeHTML(baseURL, user string) g.Node {
	return layoutHTML("Local platform",
		h.H1(g.Text("Lamina, on your own computer")),
		h.P(h.Class("lead"), g.Text("A local platform with the API of Lamina: sign-in, apps, runs, assets and webhooks, "+
			"to build and test against. No account, no credits, no network.")),
		h.Section(
			h.H2(g.Text("Use it")),
			h.Pre(h.Class("terminal"), h.Code(
				g.Text("export LAMINA_BASE_URL="+baseURL+"\nlamina login\nlamina apps list"))),
			h.P(h.Class("hint"), g.Text("The sign-in page opens in this browser. You are signed in here as "),
				h.Strong(g.Text(user)), g.Text(".")),
		),
		h.Section(
			h.H2(g.Text("Where things are")),
			h.Ul(
				h.Class("links"),
				h.Li(h.A(h.Href("/device"), g.Text("Sign in a device")),
					h.Span(g.Text("for "), h.Code(g.Text("lamina login --device")))),
				linkHTML("/.well-known/oauth-authorization-server/cli/oauth", "Authorization server", "its metadata, RFC 8414"),
				linkHTML("/dev/requests", "Received requests", "the last 10,000, as JSON"),
				linkHTML("/dev/faults", "Planned faults", "what is to go wrong, for tests"),
				linkHTML("/dev/keys", "Keys", "of all five services: make, list, revoke"),
				linkHTML("/dev/clock", "Clock", "tests may move it ahead"),
				h.Li(h.A(h.Href("https://docs.uselamina.ai"), h.Rel("noreferrer"), g.Text("Documentation")),
					h.Span(g.Text("docs.uselamina.ai"))),
			),
		),
	)
}

func linkHTML(path, name, note string) g.Node {
	return h.Li(h.A(h.Href(path), g.Text(name)), h.Span(g.Text(note)))
}

// clientHTML is the name that a client gave itself. What it does to the direction of text ends with it.
func clientHTML(name string) g.Node { return g.El("bdi", h.Class("client"), g.Text(name)) }

// hrefOfClient leads to an address that a client chose, or nowhere: escaping does not make a javascript: address
// harmless, so the rule of redirect URIs is checked again where the link is made.
func hrefOfClient(uri string) g.Node {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLoopbackName(u)) {
		return nil
	}
	return h.Href(uri)
}

// initial is the letter that stands for a name where there is no picture.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "?"
}
