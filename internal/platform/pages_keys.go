package platform

import (
	"errors"
	"net/http"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// A keysPage lists the keys of all services, makes new ones and revokes them.
type keysPage struct {
	Keys      []shownKey
	Made      shownKey // the key that was just made; it is shown once
	Wanted    wantedKey
	Problem   string // with what was wanted
	FormToken string
}

// keysAction is the path whose cookie the forms of the page carry, and keysSubject what they are about.
const (
	keysAction  = "/dev/keys"
	keysSubject = "keys"
)

var messageKeysForged = message{
	iconProblem, "Nothing was changed",
	"This did not come from the page of keys, or that page is too old. Open it again, and repeat what you did.",
}

func (s *Server) renderKeys(w http.ResponseWriter, r *http.Request, status int, p keysPage) {
	p.Keys = s.keys()
	p.FormToken = s.issueFormToken(w, r, keysAction, keysSubject)
	render(w, status, keysHTML(p))
}

// isKeysForm tells the browser where a form did not come from the page of keys.
func (s *Server) isKeysForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxOAuthBody)
	if s.isOurForm(r, keysAction, keysSubject) {
		return true
	}
	renderMessage(w, http.StatusForbidden, messageKeysForged)
	return false
}

func (s *Server) makeKeyOnPage(w http.ResponseWriter, r *http.Request) error {
	if !s.isKeysForm(w, r) {
		return nil
	}
	service, class, _ := strings.Cut(r.PostFormValue("service"), " ")
	want := wantedKey{Service: service, Class: class, Name: r.PostFormValue("name"), Owner: strings.TrimSpace(r.PostFormValue("owner"))}
	made, err := s.newKey(want)
	var refused *apiError
	switch {
	case errors.As(err, &refused):
		s.renderKeys(w, r, refused.status, keysPage{Wanted: want, Problem: refused.message})
	case err != nil:
		s.log.Error("a key could not be saved", "request", requestID(r.Context()), "error", err)
		renderMessage(w, http.StatusInternalServerError, messageNotSaved)
	default:
		s.renderKeys(w, r, http.StatusOK, keysPage{Made: made})
	}
	return nil
}

func (s *Server) revokeKeyOnPage(w http.ResponseWriter, r *http.Request) error {
	if !s.isKeysForm(w, r) {
		return nil
	}
	if _, err := s.withdraw(r.PostFormValue("id")); err != nil {
		s.log.Error("a key could not be revoked", "request", requestID(r.Context()), "error", err)
		renderMessage(w, http.StatusInternalServerError, messageNotSaved)
		return nil
	}
	http.Redirect(w, r, keysAction, http.StatusSeeOther)
	return nil
}

func keysHTML(p keysPage) g.Node {
	return wideHTML("Keys",
		h.H1(g.Text("Keys of the five services")),
		h.P(h.Class("lead"), g.Text("Keys of this platform work here and nowhere else. It keeps only their hashes, so a key is shown once: when it is made.")),
		g.If(p.Made.Key != "", madeKeyHTML(p.Made)),
		newKeyForm(p),
		keysTable(p),
		h.P(h.Class("fine"), g.Text("The same for programs: "), h.Code(g.Text("GET")), g.Text(" and "), h.Code(g.Text("POST /dev/keys")),
			g.Text(", "), h.Code(g.Text("DELETE /dev/keys/{id}")), g.Text(".")),
	)
}

func madeKeyHTML(k shownKey) g.Node {
	ks, _ := keyServiceOf(k.Service)
	return h.Section(
		h.H2(h.ID("made"), g.Text("Your new key of "+ks.title+". Copy it now: it is not shown again")),
		h.P(h.Class("secret"), h.Aria("labelledby", "made"), h.TabIndex("0"), h.AutoFocus(), g.Text(k.Key)),
	)
}

func newKeyForm(p keysPage) g.Node {
	choices := g.Group{}
	for _, ks := range keyServices() {
		if ks.classes() == nil {
			choices = append(choices, h.Option(h.Value(ks.name), g.If(p.Wanted.Service == ks.name, h.Selected()), g.Text(ks.title)))
		}
		for _, class := range ks.classes() {
			chosen := p.Wanted.Service == ks.name && p.Wanted.Class == class
			choices = append(choices, h.Option(h.Value(ks.name+" "+class), g.If(chosen, h.Selected()), g.Text(ks.title+", "+class)))
		}
	}
	wrong := p.Problem != ""
	return h.Form(
		h.Class("new-key"), h.Method("post"), h.Action("/dev/keys/make"),
		h.Input(h.Type("hidden"), h.Name("form_token"), h.Value(p.FormToken)),
		h.Div(h.Label(h.Class("field-label"), h.For("service"), g.Text("Service")), h.Select(h.ID("service"), h.Name("service"), choices)),
		h.Div(h.Label(h.Class("field-label"), h.For("name"), g.Text("Name")),
			h.Input(h.ID("name"), h.Name("name"), h.Value(p.Wanted.Name), h.MaxLength("80"), h.AutoComplete("off"), h.Placeholder("CI"))),
		h.Div(h.Label(h.Class("field-label"), h.For("owner"), g.Text("Belongs to")),
			h.Input(h.ID("owner"), h.Name("owner"), h.Value(p.Wanted.Owner), h.MaxLength("64"), h.AutoComplete("off"),
				h.Placeholder("the sample one"), g.If(wrong, g.Group{h.Aria("invalid", "true"), h.Aria("describedby", "problem")}))),
		h.Button(h.Class("primary"), g.Text("Make a key")),
		g.If(wrong, h.P(h.Class("problem"), h.ID("problem"), h.Role("alert"), g.Text(p.Problem))),
	)
}

func keysTable(p keysPage) g.Node {
	rows := g.Group{}
	for i := len(p.Keys) - 1; i >= 0; i-- { // the newest first
		rows = append(rows, keyRow(p.Keys[i], p.FormToken))
	}
	heads := g.Group{}
	for _, name := range []string{"Service", "Name", "Class", "Belongs to", "Ends in", "Made", "State"} {
		heads = append(heads, h.Th(h.Scope("col"), g.Text(name)))
	}
	return h.Section(
		h.H2(h.ID("keys"), g.Text("What there is, the newest first")),
		h.Table(h.Class("keys"), h.Aria("labelledby", "keys"), h.THead(h.Tr(heads)), h.TBody(rows)),
	)
}

func keyRow(k shownKey, formToken string) g.Node {
	ks, _ := keyServiceOf(k.Service)
	cell := func(label string, content ...g.Node) g.Node {
		return h.Td(h.Data("label", label), g.Group(content))
	}
	made := h.Time(h.DateTime(k.CreatedAt.Format("2006-01-02T15:04:05Z07:00")), g.Text(k.CreatedAt.UTC().Format("2 Jan 2006, 15:04 UTC")))
	state := h.Form(
		h.Method("post"), h.Action("/dev/keys/revoke"),
		h.Input(h.Type("hidden"), h.Name("form_token"), h.Value(formToken)),
		h.Input(h.Type("hidden"), h.Name("id"), h.Value(k.ID)),
		h.Button(h.Class("small"), h.Aria("label", "Revoke the key of "+ks.title+" that ends in "+k.Hint), g.Text("Revoke")),
	)
	if k.RevokedAt != nil {
		state = h.Span(h.Class("over"), g.Text("revoked"))
	}
	class := k.Class
	if class == "" {
		class = "\u2013"
	}
	return h.Tr(
		g.If(k.RevokedAt != nil, h.Class("revoked")),
		h.Th(h.Scope("row"), g.Text(ks.title)),
		cell("Name", g.El("bdi", g.Text(k.Name))), cell("Class", g.Text(class)), cell("Belongs to", h.Code(g.Text(k.Owner))),
		cell("Ends in", h.Code(g.Text("\u2026"+k.Hint))), cell("Made", made), cell("State", state),
	)
}
