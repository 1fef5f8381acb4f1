// Package page writes the pages that the browser shows during a sign-in.
package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// A Page is what the browser shows at the end of a sign-in. Its texts may come from a server; html escapes them.
type Page struct {
	Good  bool
	Title string
	Text  string
	Next  string
}

const style = `
:root{color-scheme:light dark;--paper:#f6f5f2;--card:#fff;--ink:#1c1b19;--soft:#6b6862;--line:#e4e1da;--good:#1f7a4d;--bad:#b3372b}
@media (prefers-color-scheme:dark){:root{--paper:#141416;--card:#1d1d20;--ink:#f1f0ed;--soft:#a3a09a;--line:#303034;--good:#5cc995;--bad:#f08a7d}}
*{box-sizing:border-box;margin:0}
body{min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:420px;padding:40px 32px;text-align:center;background:var(--card);border:1px solid var(--line);
border-radius:16px;box-shadow:0 12px 40px rgb(0 0 0/.06)}
svg{width:56px;height:56px;margin-bottom:20px;fill:none;stroke:currentColor;stroke-width:2.5;stroke-linecap:round;stroke-linejoin:round}
.good svg{color:var(--good)}.bad svg{color:var(--bad)}
h1{font-size:22px;font-weight:650;letter-spacing:-.01em;text-wrap:balance}
p{margin-top:10px;overflow-wrap:anywhere;text-wrap:balance}
.next{margin-top:24px;padding-top:20px;border-top:1px solid var(--line);color:var(--soft);font-size:14px}
`

// The icons of the pages.
const (
	iconGood = `<svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="21"/>` +
		`<path d="M15 24.5l6.5 6.5L33.5 18"/></svg>`
	iconBad = `<svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="21"/>` +
		`<path d="M24 13.5v14M24 33.5v.5"/></svg>`
)

func (p Page) html() g.Node {
	class, icon := "bad", iconBad
	if p.Good {
		class, icon = "good", iconGood
	}
	return h.Doctype(h.HTML(
		h.Lang("en"),
		h.Head(
			h.Meta(h.Charset("utf-8")),
			h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
			h.TitleEl(g.Text(p.Title)),
			h.StyleEl(g.Raw(style)),
		),
		h.Body(
			h.Class(class),
			h.Main(
				g.Raw(icon),
				h.H1(g.Text(p.Title)),
				g.If(p.Text != "", h.P(g.Text(p.Text))),
				g.If(p.Next != "", h.P(h.Class("next"), g.Text(p.Next))),
			),
		),
	))
}

// Write sends a page with a content security policy that allows only its own style.
func Write(w http.ResponseWriter, status int, p Page) {
	var body bytes.Buffer
	_ = p.html().Render(&body) // writing to a buffer never fails
	sum := sha256.Sum256([]byte(style))
	header := w.Header()
	SetPrivacyHeaders(header)
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	header.Set("Content-Security-Policy", fmt.Sprintf(
		"default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		base64.StdEncoding.EncodeToString(sum[:])))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
	_ = http.NewResponseController(w).Flush()
}

// SetPrivacyHeaders keeps the address of a page out of caches and Referer headers, and the page out of frames.
func SetPrivacyHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}
