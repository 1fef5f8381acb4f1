package oauth

import (
	"net/url"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	consent := f.openConsent(f.authorizeURL(id))
	v := formOn(t, consent)
	v.Set("decision", "deny")
	device := f.PostForm("/cli/oauth/device_authorization", url.Values{"client_id": {id}}).Object()
	for _, tt := range []struct {
		name string
		page wiretest.Reply
	}{
		{"consent", consent},
		{"return", f.PostForm("/oauth/consent", v)},
		{"error", f.Get("/cli/oauth/authorize")},
		{"device", f.Get("/device")},
		{"device grant", f.Get(device["verification_uri_complete"].(string))},
		{"wrong code", f.Get("/device?user_code=BCDF-GHJK")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.page.T = t
			tt.page.WantPage()
		})
	}
}

func TestConsentPageTellsWhatMatters(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	page := f.openConsent(f.authorizeURL(f.register("Paint & Print"), "scope", "lamina:creative:read"))
	for _, want := range []string{
		"Paint &amp; Print", "sam@example.com", "127.0.0.1:49152", "lamina:creative:read", "See your apps",
		"Sam&#39;s Atelier", "Northwind Studio", ">Approve<", ">Deny<",
	} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.Body, "lamina:creative:write") {
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
	f := newRig(t, Options{})
	for name, want := range map[string]string{
		`<script>alert(1)</script>`: `&lt;script&gt;alert(1)&lt;/script&gt;`,
		`"><img src=x onerror=y>`:   `&#34;&gt;&lt;img src=x onerror=y&gt;`,
		"Lamina\u202e\x1b[2J ILC":   `Lamina[2J ILC`,
		`{{.FormToken}}`:            `{{.FormToken}}`,
		strings.Repeat("long ", 40): strings.Repeat("long ", 12) + "lon…",
		" \u200b ":                  `An app without a name`,
	} {
		page := f.openConsent(f.authorizeURL(f.register(name)))
		if !strings.Contains(page.Body, `<bdi class="client">`+want+`</bdi>`) {
			t.Errorf("%q: %s", name, page.Body)
		}
		v := formOn(t, page)
		v.Set("decision", "approve")
		if res := f.PostForm("/oauth/consent", v); !strings.Contains(res.Body, `<bdi class="client">`+want+`</bdi>`) {
			t.Errorf("%q: %s", name, res.Body)
		}
	}
}
