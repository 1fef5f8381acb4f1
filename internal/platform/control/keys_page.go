package control

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// A keysPage is the page on which a user lists, creates and revokes the keys of all services.
type keysPage struct {
	types     []wire.KeyType
	keys      []wire.Key
	created   createdKey // shown once
	request   keyRequest // the refused request
	problem   string     // of the refused request
	formToken string
}

// The action and the subject of the forms on the page (see page.Forms).
const (
	keysAction  = "/dev/keys"
	keysSubject = "keys"
)

func keysForged() page.Message {
	return page.Message{
		Icon: page.IconProblem, Title: "Nothing was changed",
		Text: "The form did not come from the page of keys, or the page is too old. Open the page again and repeat the change.",
	}
}

func (s *Server) renderKeys(w http.ResponseWriter, r *http.Request, status int, p keysPage) {
	p.types, p.keys = s.Keys.Types(), s.Keys.List()
	p.formToken = s.forms.IssueToken(w, r, keysAction, keysSubject)
	page.Render(w, status, p.draw())
}

// isKeysForm reports whether a form came from the page of keys. If not, it answers.
func (s *Server) isKeysForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, page.MaxForm)
	if s.forms.IsValid(r, keysAction, keysSubject) {
		return true
	}
	page.RenderMessage(w, http.StatusForbidden, keysForged())
	return false
}

func (s *Server) createKeyOnPage(w http.ResponseWriter, r *http.Request) error {
	if !s.isKeysForm(w, r) {
		return nil
	}
	service, class, _ := strings.Cut(r.PostFormValue("service"), " ")
	req := keyRequest{Service: service, Class: class, Name: r.PostFormValue("name"), Owner: strings.TrimSpace(r.PostFormValue("owner"))}
	created, err := s.newKey(req)
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
		s.renderKeys(w, r, refused.Status, keysPage{request: req, problem: refused.Message})
	case err != nil:
		s.Log.Error("a key could not be saved", "request", wire.RequestID(r.Context()), "error", err)
		page.RenderMessage(w, http.StatusInternalServerError, page.NotSaved())
	default:
		s.renderKeys(w, r, http.StatusOK, keysPage{created: created})
	}
	return nil
}

func (s *Server) revokeKeyOnPage(w http.ResponseWriter, r *http.Request) error {
	if !s.isKeysForm(w, r) {
		return nil
	}
	if _, err := s.Keys.Revoke(r.PostFormValue("id")); err != nil {
		s.Log.Error("a key could not be revoked", "request", wire.RequestID(r.Context()), "error", err)
		page.RenderMessage(w, http.StatusInternalServerError, page.NotSaved())
		return nil
	}
	http.Redirect(w, r, keysAction, http.StatusSeeOther)
	return nil
}

func (p keysPage) draw() g.Node {
	return page.WideLayout("Keys",
		h.H1(g.Text("Keys of the five services")),
		h.P(h.Class("lead"), g.Text("The keys work only on this platform. It stores only their hashes, so a key is shown once: when it is created.")),
		g.If(p.created.Secret != "", p.drawCreated()),
		p.drawForm(),
		p.drawTable(),
		h.P(h.Class("fine"), g.Text("The same for programs: "), h.Code(g.Text("GET")), g.Text(" and "), h.Code(g.Text("POST /dev/keys")),
			g.Text(", "), h.Code(g.Text("DELETE /dev/keys/{id}")), g.Text(".")),
	)
}

func (p keysPage) drawCreated() g.Node {
	return h.Section(
		h.H2(h.ID("made"), g.Text("Your new key of "+p.title(p.created.Service)+". Copy it now: it is not shown again")),
		h.P(h.Class("secret"), h.Aria("labelledby", "made"), h.TabIndex("0"), h.AutoFocus(), g.Text(p.created.Secret)),
	)
}

// title returns the name of a service for users.
func (p keysPage) title(service string) string {
	for _, kt := range p.types {
		if kt.Service == service {
			return kt.Title
		}
	}
	return service
}

// drawChoices draws one choice for each service or, for a service with classes, for each class.
func (p keysPage) drawChoices() g.Node {
	choices := g.Group{}
	for _, kt := range p.types {
		isChosen := p.request.Service == kt.Service
		if kt.Classes() == nil {
			choices = append(choices, h.Option(h.Value(kt.Service), g.If(isChosen, h.Selected()), g.Text(kt.Title)))
		}
		for _, class := range kt.Classes() {
			choices = append(choices, h.Option(h.Value(kt.Service+" "+class), g.If(isChosen && p.request.Class == class, h.Selected()),
				g.Text(kt.Title+", "+class)))
		}
	}
	return choices
}

func (p keysPage) drawForm() g.Node {
	isWrong := p.problem != ""
	return h.Form(
		h.Class("new-key"), h.Method("post"), h.Action("/dev/keys/make"),
		h.Input(h.Type("hidden"), h.Name("form_token"), h.Value(p.formToken)),
		h.Div(h.Label(h.Class("field-label"), h.For("service"), g.Text("Service")), h.Select(h.ID("service"), h.Name("service"), p.drawChoices())),
		h.Div(h.Label(h.Class("field-label"), h.For("name"), g.Text("Name")),
			h.Input(h.ID("name"), h.Name("name"), h.Value(p.request.Name), h.MaxLength("80"), h.AutoComplete("off"), h.Placeholder("CI"))),
		h.Div(h.Label(h.Class("field-label"), h.For("owner"), g.Text("Belongs to")),
			h.Input(h.ID("owner"), h.Name("owner"), h.Value(p.request.Owner), h.MaxLength("64"), h.AutoComplete("off"),
				h.Placeholder("the sample one"), g.If(isWrong, g.Group{h.Aria("invalid", "true"), h.Aria("describedby", "problem")}))),
		h.Button(h.Class("primary"), g.Text("Make a key")),
		g.If(isWrong, h.P(h.Class("problem"), h.ID("problem"), h.Role("alert"), g.Text(p.problem))),
	)
}

func (p keysPage) drawTable() g.Node {
	rows := g.Group{}
	for _, k := range slices.Backward(p.keys) {
		rows = append(rows, p.drawRow(k))
	}
	heads := g.Group{}
	for _, name := range []string{"Service", "Name", "Class", "Belongs to", "Ends in", "Made", "State"} {
		heads = append(heads, h.Th(h.Scope("col"), g.Text(name)))
	}
	return h.Section(
		h.H2(h.ID("keys"), g.Text("Keys, newest first")),
		h.Table(h.Class("keys"), h.Aria("labelledby", "keys"), h.THead(h.Tr(heads)), h.TBody(rows)),
	)
}

func (p keysPage) drawRow(k wire.Key) g.Node {
	title := p.title(k.Service)
	cell := func(label string, content ...g.Node) g.Node {
		return h.Td(h.Data("label", label), g.Group(content))
	}
	made := h.Time(h.DateTime(k.CreatedAt.Format("2006-01-02T15:04:05Z07:00")), g.Text(k.CreatedAt.Local().Format("2 Jan 2006, 15:04 MST")))
	state := h.Form(
		h.Method("post"), h.Action("/dev/keys/revoke"),
		h.Input(h.Type("hidden"), h.Name("form_token"), h.Value(p.formToken)),
		h.Input(h.Type("hidden"), h.Name("id"), h.Value(k.ID)),
		h.Button(h.Class("small"), h.Aria("label", "Revoke the key of "+title+" that ends in "+k.Hint), g.Text("Revoke")),
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
		h.Th(h.Scope("row"), g.Text(title)),
		cell("Name", g.El("bdi", g.Text(k.Name))), cell("Class", g.Text(class)), cell("Belongs to", h.Code(g.Text(k.Owner))),
		cell("Ends in", h.Code(g.Text("\u2026"+k.Hint))), cell("Made", made), cell("State", state),
	)
}
