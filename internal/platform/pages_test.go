package platform

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	id := f.register("x")
	consent := f.openConsent(f.authorizeURL(id))
	v := formOn(t, consent)
	v.Set("decision", "deny")
	device := f.form("/cli/oauth/device_authorization", url.Values{"client_id": {id}}).json(t)
	keys, _ := f.keysForm()
	for name, page := range map[string]httpReply{
		"home":         f.get("/"),
		"consent":      consent,
		"return":       f.form("/oauth/consent", v),
		"error":        f.get("/cli/oauth/authorize"),
		"device":       f.get("/device"),
		"device grant": f.get(device["verification_uri_complete"].(string)),
		"wrong code":   f.get("/device?user_code=BCDF-GHJK"),
		"keys":         keys,
	} {
		for header, want := range map[string]string{
			"Content-Type":            "text/html; charset=utf-8",
			"X-Frame-Options":         "DENY",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"Cache-Control":           "no-store",
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		} {
			if got := page.Header.Get(header); got != want {
				t.Errorf("%s: %s = %q, want %q", name, header, got, want)
			}
		}
		for _, forbidden := range []string{"<script", "<style", " style=", " onclick=", "ZgotmplZ"} {
			if strings.Contains(page.body, forbidden) {
				t.Errorf("%s: the page has %q", name, forbidden)
			}
		}
	}
	for path, contentType := range map[string]string{"/pages/style.css": "text/css; charset=utf-8", "/pages/icon.svg": "image/svg+xml"} {
		if res := f.get(path); res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != contentType || res.body == "" {
			t.Errorf("%s: %d %q", path, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/pages/consent.html", "/pages/", "/templates/layout.html"} {
		if res := f.get(path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestConsentPageTellsWhatMatters(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	page := f.openConsent(f.authorizeURL(f.register("Paint & Print"), "scope", "lamina:creative:read"))
	for _, want := range []string{
		"Paint &amp; Print", "sam@example.com", "127.0.0.1:49152", "lamina:creative:read", "See your apps",
		"Sam&#39;s Atelier", "Northwind Studio", ">Approve<", ">Deny<",
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.body, "lamina:creative:write") {
		t.Error("the page names a scope that was not asked for")
	}
	cookie := page.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/oauth/consent"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie %q lacks %s", cookie, want)
		}
	}
}

// A client chooses its name, so the name must not be able to do anything.
func TestClientNameIsOnlyText(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	for name, want := range map[string]string{
		`<script>alert(1)</script>`: `&lt;script&gt;alert(1)&lt;/script&gt;`,
		`"><img src=x onerror=y>`:   `&#34;&gt;&lt;img src=x onerror=y&gt;`,
		"Lamina\u202e\x1b[2J ILC":   `Lamina[2J ILC`,
		`{{.FormToken}}`:            `{{.FormToken}}`,
		strings.Repeat("long ", 40): strings.Repeat("long ", 12) + "lon…",
		" \u200b ":                  `An app without a name`,
	} {
		page := f.openConsent(f.authorizeURL(f.register(name)))
		if !strings.Contains(page.body, `<bdi class="client">`+want+`</bdi>`) {
			t.Errorf("%q: %s", name, page.body)
		}
		v := formOn(t, page)
		v.Set("decision", "approve")
		if res := f.form("/oauth/consent", v); !strings.Contains(res.body, `<bdi class="client">`+want+`</bdi>`) {
			t.Errorf("%q: %s", name, res.body)
		}
	}
}
