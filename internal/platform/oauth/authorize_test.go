package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Without a known client and a registered redirect URI, the error is shown on a page.
func TestAuthorizeRefusesOnPage(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	id := f.register("x")
	for _, tt := range []struct {
		name, path string
	}{
		{"no client", f.authorizeURL(id, "client_id", "")},
		{"unknown client", f.authorizeURL("lmc_x")},
		{"two clients", f.authorizeURL(id) + "&client_id=" + id},
		{"no redirect", f.authorizeURL(id, "redirect_uri", "")},
		{"other redirect", f.authorizeURL(id, "redirect_uri", "http://127.0.0.1:49152/other")},
		{"foreign redirect", f.authorizeURL(id, "redirect_uri", "https://evil.example/callback")},
		{"script as redirect", f.authorizeURL(id, "redirect_uri", "javascript:alert(1)//127.0.0.1/callback")},
		{"fragment", f.authorizeURL(id, "redirect_uri", testRedirect+"#x")},
		{"two redirects", f.authorizeURL(id) + "&redirect_uri=" + url.QueryEscape(testRedirect)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := f.Get(tt.path)
			if res.Status != http.StatusBadRequest || res.Header.Get("Location") != "" || res.Header.Get("Refresh") != "" {
				t.Errorf("got %d, Location %q, Refresh %q; want 400 and neither", res.Status, res.Header.Get("Location"), res.Header.Get("Refresh"))
			}
			if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
				t.Errorf("Content-Type: got %q, want text/html", res.Header.Get("Content-Type"))
			}
		})
	}
}

func TestAuthorizeRefusesOnRedirect(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	id := f.register("x")
	deviceOnly := f.Post("/cli/oauth/register", `{"grant_types": ["`+grantDevice+`"], "redirect_uris": ["http://127.0.0.1/callback"]}`).
		Object()["client_id"].(string)
	narrow := f.Post("/cli/oauth/register", `{"redirect_uris": ["http://127.0.0.1/callback"], "scope": "lamina:brand:read"}`).
		Object()["client_id"].(string)
	for _, tt := range []struct {
		name, path, want string
	}{
		{"no response type", f.authorizeURL(id, "response_type", ""), "invalid_request"},
		{"token", f.authorizeURL(id, "response_type", "token"), "unsupported_response_type"},
		{"no challenge", f.authorizeURL(id, "code_challenge", ""), "invalid_request"},
		{"no method", f.authorizeURL(id, "code_challenge_method", ""), "invalid_request"},
		{"plain", f.authorizeURL(id, "code_challenge_method", "plain"), "invalid_request"},
		{"padded challenge", f.authorizeURL(id, "code_challenge", testChallenge+"="), "invalid_request"},
		{"scope", f.authorizeURL(id, "scope", "lamina:creative:read lamina:admin"), "invalid_scope"},
		{"scope not ours", f.authorizeURL(narrow, "scope", "lamina:creative:read"), "invalid_scope"},
		{"twice", f.authorizeURL(id) + "&scope=lamina:brand:read&scope=lamina:brand:read", "invalid_request"},
		{"not for codes", f.authorizeURL(deviceOnly), "unauthorized_client"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := f.Get(tt.path)
			target, _ := url.Parse(res.Header.Get("Location"))
			q := target.Query()
			if res.Status != http.StatusSeeOther || !strings.HasPrefix(target.String(), testRedirect+"?") {
				t.Errorf("got %d to %v, want 303 to %s", res.Status, target, testRedirect)
			}
			if q.Get("error") != tt.want || q.Get("iss") != f.URL+"/cli/oauth" || q.Get("state") != "a state+/=" || q.Has("code") {
				t.Errorf("got %v, want the error %s, iss and state", q, tt.want)
			}
			if tt.want == "invalid_scope" && tt.name == "scope" && q.Get("error_description") != "Unsupported MCP OAuth scope" {
				t.Errorf("error_description: got %q, want Unsupported MCP OAuth scope", q.Get("error_description"))
			}
		})
	}
}

func TestRedirectKeepsQuery(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	id := f.register("x", "http://127.0.0.1/cb?b=2&a=%20")
	res := f.Get(f.authorizeURL(id, "redirect_uri", "http://127.0.0.1:9/cb?b=2&a=%20", "state", ""))
	if got := res.Header.Get("Location"); !strings.HasPrefix(got, "http://127.0.0.1:9/cb?b=2&a=%20&code=") || strings.Contains(got, "state") {
		t.Errorf("Location: got %q, want the query of the redirect URI, a code and no state", got)
	}
}

func TestAutoApprove(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	id := f.register("x")
	res := f.Get(f.authorizeURL(id))
	target, _ := url.Parse(res.Header.Get("Location"))
	if res.Status != http.StatusSeeOther || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("authorize: got %d, %v; want 303 and no-store", res.Status, res.Header)
	}
	access, _ := f.tokens(f.exchange(id, target.Query().Get("code")))
	if who, _ := f.s.Authenticate(access); who.WorkspaceID != "wsp_atelier" {
		t.Errorf("workspace of the token: got %+v, want wsp_atelier", who)
	}
}

func TestDeny(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	page := f.openConsent(f.authorizeURL(f.register("x")))
	for range 2 { // a second click has the same result
		back := f.answer(page, "decision", "deny", "workspace", "")
		if back.Get("error") != "access_denied" || back.Get("iss") != f.URL+"/cli/oauth" || back.Get("state") != "a state+/=" {
			t.Errorf("redirect: got %v, want access_denied, iss and state", back)
		}
	}
	v := formOn(t, page)
	v.Set("decision", "approve")
	if res := f.PostForm("/oauth/consent", v); res.Status != http.StatusBadRequest || res.Header.Get("Refresh") != "" {
		t.Errorf("approving a denied request: got %d, want 400", res.Status)
	}
}

// The browser shows the answer to the second click, so the code of that answer has to work.
func TestApproveTwice(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	page := f.openConsent(f.authorizeURL(id))
	first := f.answer(page, "decision", "approve").Get("code")
	second := f.answer(page, "decision", "approve", "workspace", "wsp_northwind").Get("code")
	wantError(t, f.exchange(id, first), "invalid_grant")
	access, _ := f.tokens(f.exchange(id, second))
	if who, _ := f.s.Authenticate(access); who.WorkspaceID != "wsp_northwind" {
		t.Errorf("workspace of the token: got %+v, want wsp_northwind", who)
	}
	v := formOn(t, page)
	v.Set("decision", "approve")
	if res := f.PostForm("/oauth/consent", v); res.Status != http.StatusBadRequest || res.Header.Get("Refresh") != "" {
		t.Errorf("a decision after the code was used: got %d, want 400", res.Status)
	}
	f.wantAccepted(access, true)
}

func TestConsentRefusals(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	page := f.openConsent(f.authorizeURL(id))
	other := formOn(t, f.openConsent(f.authorizeURL(id)))
	for _, tt := range []struct {
		name        string
		changes     []string
		header      [2]string
		withCookies bool
		want        int
	}{
		{"no token", []string{"form_token", ""}, [2]string{}, true, 403},
		{"wrong token", []string{"form_token", strings.Repeat("0", 64)}, [2]string{}, true, 403},
		{"token of another", []string{"form_token", other.Get("form_token")}, [2]string{}, true, 403},
		{"other request", []string{"request", other.Get("request")}, [2]string{}, true, 403},
		{"no cookie", nil, [2]string{}, false, 403},
		{"cross-site origin", nil, [2]string{"Origin", "https://evil.example"}, true, 403},
		{"other port", nil, [2]string{"Origin", "http://127.0.0.1:1"}, true, 403},
		{"opaque origin", nil, [2]string{"Origin", "null"}, true, 403},
		{"cross-site fetch", nil, [2]string{"Sec-Fetch-Site", "cross-site"}, true, 403},
		{"same-site fetch", nil, [2]string{"Sec-Fetch-Site", "same-site"}, true, 403},
		{"no decision", []string{"decision", ""}, [2]string{}, true, 400},
		{"no workspace", []string{"workspace", ""}, [2]string{}, true, 400},
		{"foreign workspace", []string{"workspace", "wsp_other"}, [2]string{}, true, 400},
		{"the page's own (1)", nil, [2]string{"Sec-Fetch-Site", "same-origin"}, true, 200},
		{"the page's own (2)", nil, [2]string{"Origin", f.URL}, true, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := formOn(t, page)
			v.Set("decision", "approve")
			change(v, tt.changes)
			req := f.Request("POST", "/oauth/consent", "application/x-www-form-urlencoded", v.Encode())
			if tt.header[0] != "" {
				req.Header.Set(tt.header[0], tt.header[1])
			}
			visitor := *f
			if !tt.withCookies {
				visitor.Rig = f.WithBrowser()
			}
			if res := visitor.Do(req); res.Status != tt.want || (res.Header.Get("Refresh") != "") != (tt.want == 200) {
				t.Errorf("got %d, Refresh %q; want %d", res.Status, res.Header.Get("Refresh"), tt.want)
			}
		})
	}
}

func TestConsentExpires(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	page := f.openConsent(f.authorizeURL(f.register("x")))
	f.Clock.Advance(10 * time.Minute)
	v := formOn(t, page)
	v.Set("decision", "approve")
	if res := f.PostForm("/oauth/consent", v); res.Status != http.StatusBadRequest || res.Header.Get("Refresh") != "" {
		t.Errorf("a late decision: got %d, want 400", res.Status)
	}
	if res := f.Get("/oauth/consent?request=" + v.Get("request")); res.Status != http.StatusBadRequest {
		t.Errorf("a late page: got %d, want 400", res.Status)
	}
	if res := f.Get("/oauth/consent?request=unknown"); res.Status != http.StatusBadRequest {
		t.Errorf("an unknown request: got %d, want 400", res.Status)
	}
}
