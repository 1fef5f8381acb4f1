// Package page draws what the HTML pages of the local platform have in common: the layout, messages and the tokens of
// forms.
//
// Pages are functions and not templates, because a template calls methods by name, and the linker then has to keep
// every exported method of the program (see TestLinkerMayDropMethods). What is not a constant goes through g.Text or
// an attribute, which escape it. g.Raw is only for the pictures.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

//go:embed static/style.css static/icon.svg static/live.js
var files embed.FS

// Policy is the Content-Security-Policy of every page. It allows the page its own style sheet and icon, and forms that
// are sent to this server. The answer to a form is never a redirect to a client: Chromium applies form-action to every
// redirect after a form, and would stop a client that sends the browser on from its callback.
const Policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; " +
	"frame-ancestors 'none'"

// livePolicy is the policy of a page that is kept up to date: it also allows the script of the pages, its requests, and media.
const livePolicy = Policy + "; script-src 'self'; connect-src 'self'; media-src 'self'"

// The pictures of the pages.
const (
	pictureBrand = `<svg viewBox="0 0 24 24" aria-hidden="true">` +
		`<path class="sheet-3" d="M12 12.2 21 16.6 12 21 3 16.6z"/>` +
		`<path class="sheet-2" d="M12 7.6 21 12 12 16.4 3 12z"/>` +
		`<path class="sheet-1" d="M12 3 21 7.4 12 11.8 3 7.4z"/></svg>`
	pictureTick = `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="m5 10.5 3.2 3.2L15 7"/></svg>`
)

// Tick draws a check mark.
func Tick() g.Node { return g.Raw(pictureTick) }

// Layout draws a page around the content of its card.
func Layout(title string, content ...g.Node) g.Node { return layout("", title, nil, content) }

// WideLayout draws a page that has a table.
func WideLayout(title string, content ...g.Node) g.Node { return layout("wide", title, nil, content) }

// LiveLayout draws a page for RenderLive: its script replaces the elements of Live when they have changed. Without scripts, the browser
// loads the page again every five seconds.
func LiveLayout(title string, content ...g.Node) g.Node {
	head := g.Group{
		h.Script(h.Src("/pages/live.js"), h.Defer()),
		h.NoScript(h.Meta(g.Attr("http-equiv", "refresh"), h.Content("5"))),
	}
	stopped := h.P(h.ID("stopped"), h.Class("problem"), h.Role("alert"), g.Attr("hidden"), g.Text("The platform does not respond: it has stopped."))
	return layout("wide", title, head, append([]g.Node{stopped}, content...))
}

// Live marks a part of a page, by an id, that its script keeps up to date.
func Live(id string) g.Node { return g.Group{h.ID(id), h.Data("live", "")} }

func layout(class, title string, head g.Node, content []g.Node) g.Node {
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
			head,
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

// Render answers with a page. Caches do not store it, other pages cannot frame it, and links on it send no Referer.
func Render(w http.ResponseWriter, status int, page g.Node) {
	setHeader(w.Header(), Policy)
	w.WriteHeader(status)
	_ = page.Render(w) // fails only if the browser has disconnected
}

// RenderLive answers with a page of LiveLayout, or with 304 if the browser has it already.
func RenderLive(w http.ResponseWriter, r *http.Request, status int, page g.Node) {
	var text bytes.Buffer
	_ = page.Render(&text) // a buffer takes everything
	digest := sha256.Sum256(text.Bytes())
	tag := `"` + hex.EncodeToString(digest[:16]) + `"`
	setHeader(w.Header(), livePolicy)
	w.Header().Set("ETag", tag)
	if status == http.StatusOK && r.Header.Get("If-None-Match") == tag {
		status = http.StatusNotModified
		text.Reset()
	}
	w.WriteHeader(status)
	_, _ = text.WriteTo(w)
}

func setHeader(header http.Header, policy string) {
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
}

// ServeFile serves the style sheet, the icon or the script of the pages.
func ServeFile(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, files, "static/"+path.Base(r.URL.Path))
}
