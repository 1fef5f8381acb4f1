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

func TestConsentPageContents(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	page := f.openConsent(f.authorizeURL(f.register("Paint & Print"), "scope", "lamina:creative:read"))
	for _, want := range []string{
		"Paint &amp; Print", "sam@example.com", "127.0.0.1:49152", "lamina:creative:read", "See your apps",
		"Sam&#39;s Atelier", "Northwind Studio", ">Approve<", ">Deny<",
	} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("got a page without %q", want)
		}
	}
	if strings.Contains(page.Body, "lamina:creative:write") {
		t.Error("got a page with a scope that was not requested")
	}
	cookie := page.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/oauth/consent"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie: got %q, want %s", cookie, want)
		}
	}
}

// A client chooses its name, so the page must not interpret it.
func TestClientNameIsOnlyText(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	for _, tt := range []struct {
		client, want string
	}{
		{`<script>alert(1)</script>`, `&lt;script&gt;alert(1)&lt;/script&gt;`},
		{`"><img src=x onerror=y>`, `&#34;&gt;&lt;img src=x onerror=y&gt;`},
		{"Lamina\u202e\x1b[2J ILC", `Lamina[2J ILC`},
		{`{{.FormToken}}`, `{{.FormToken}}`},
		{strings.Repeat("long ", 40), strings.Repeat("long ", 12) + "lon…"},
		{" \u200b ", `An app without a name`},
	} {
		t.Run(tt.client, func(t *testing.T) {
			page := f.openConsent(f.authorizeURL(f.register(tt.client)))
			if !strings.Contains(page.Body, `<bdi class="client">`+tt.want+`</bdi>`) {
				t.Errorf("consent page: got %s, want the name %s", page.Body, tt.want)
			}
			v := formOn(t, page)
			v.Set("decision", "approve")
			if res := f.PostForm("/oauth/consent", v); !strings.Contains(res.Body, `<bdi class="client">`+tt.want+`</bdi>`) {
				t.Errorf("return page: got %s, want the name %s", res.Body, tt.want)
			}
		})
	}
}

// The address comes from a client, so a link to it must not run a script.
func TestReturnPageLinks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		next, want string
	}{
		{"https://app.example.com/cb?code=a&state=b", `<a href="https://app.example.com/cb?code=a&amp;state=b">`},
		{"http://127.0.0.1:49152/cb?code=a", `<a href="http://127.0.0.1:49152/cb?code=a">`},
		{"http://[::1]:49152/cb", `<a href="http://[::1]:49152/cb">`},
		{`https://h/?a="onclick="x`, `<a href="https://h/?a=&#34;onclick=&#34;x">`},
		{"http://app.example.com/cb", `<a>`},
		{"http://localhost.example.com/cb", `<a>`},
		{"javascript:alert(1)", `<a>`},
		{"\tjavascript:alert(1)", `<a>`},
		{"JavaScript://127.0.0.1/%0aalert(1)", `<a>`},
		{"data:text/html,x", `<a>`},
		{"//app.example.com/cb", `<a>`},
		{"https://h/\x00", `<a>`},
	} {
		t.Run(tt.next, func(t *testing.T) {
			var out strings.Builder
			_ = drawReturn("An app", tt.next).Render(&out)
			if !strings.Contains(out.String(), tt.want+"go on from here</a>") {
				t.Errorf("got %s, want %s", out.String(), tt.want)
			}
		})
	}
}
