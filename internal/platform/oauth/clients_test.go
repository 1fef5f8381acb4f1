package oauth

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// The registration of the Node client, with its answer.
func TestRegister(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	res := f.Post("/cli/oauth/register", `{"client_name": "Lamina CLI", "client_uri": "https://github.com/uselamina/lamina-cli",
		"redirect_uris": ["http://127.0.0.1:49152/callback"], "grant_types": ["authorization_code", "refresh_token"],
		"response_types": ["code"], "token_endpoint_auth_method": "none", "client_id": "mine", "unknown": {}}`)
	got := res.Object()
	id, _ := got["client_id"].(string)
	if !strings.HasPrefix(id, "lmc_") {
		t.Errorf("client_id: got %q, want the prefix lmc_", id)
	}
	delete(got, "client_id")
	want := map[string]any{
		"client_id_issued_at": float64(f.Clock.Now().Unix()), "client_name": "Lamina CLI",
		"client_uri":    "https://github.com/uselamina/lamina-cli",
		"redirect_uris": []any{"http://127.0.0.1:49152/callback"}, "grant_types": []any{"authorization_code", "refresh_token"},
		"response_types": []any{"code"}, "token_endpoint_auth_method": "none",
		"scope": "lamina:creative:read lamina:creative:write lamina:brand:read",
	}
	if res.Status != http.StatusCreated || !reflect.DeepEqual(got, want) {
		t.Errorf("registration: got %d %v, want 201 %v", res.Status, got, want)
	}
}

func TestRegisterRefusals(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	for _, tt := range []struct {
		name, body, want string
	}{
		{"no JSON", `client_name=x`, "invalid_client_metadata"},
		{"wrong type", `{"redirect_uris": "https://a.example"}`, "invalid_client_metadata"},
		{"no redirect", `{}`, "invalid_redirect_uri"},
		{"secret", `{"redirect_uris": ["https://a.example"], "token_endpoint_auth_method": "client_secret_basic"}`, "invalid_client_metadata"},
		{"implicit", `{"redirect_uris": ["https://a.example"], "grant_types": ["implicit"]}`, "invalid_client_metadata"},
		{"only refresh", `{"redirect_uris": ["https://a.example"], "grant_types": ["refresh_token"]}`, "invalid_client_metadata"},
		{"token response", `{"redirect_uris": ["https://a.example"], "response_types": ["token"]}`, "invalid_client_metadata"},
		{"code for device", `{"grant_types": ["` + grantDevice + `"], "response_types": ["code"]}`, "invalid_client_metadata"},
		{"scope", `{"redirect_uris": ["https://a.example"], "scope": "lamina:all"}`, "invalid_client_metadata"},
		{"script as page", `{"redirect_uris": ["https://a.example"], "client_uri": "javascript:alert(1)"}`, "invalid_client_metadata"},
		{"one bad redirect", `{"redirect_uris": ["https://a.example", "http://a.example"]}`, "invalid_redirect_uri"},
		{"too many redirects", `{"redirect_uris": [` + strings.Repeat(`"https://a.example",`, 16) + `"https://a.example"]}`, "invalid_redirect_uri"},
		{"too large to be one", `{"client_name": "` + strings.Repeat("x", maxBody) + `"}`, "invalid_client_metadata"},
	} {
		t.Run(tt.name, func(t *testing.T) { wantError(t, f.Post("/cli/oauth/register", tt.body), tt.want) })
	}
	t.Run("form", func(t *testing.T) {
		wantError(t, f.PostForm("/cli/oauth/register", url.Values{"client_name": {"x"}}), "invalid_client_metadata")
	})
	t.Run("only device", func(t *testing.T) {
		if res := f.Post("/cli/oauth/register", `{"grant_types": ["`+grantDevice+`"]}`); res.Status != http.StatusCreated {
			t.Errorf("a client without redirect URI: got %d %s, want 201", res.Status, res.Body)
		}
	})
}

func TestCheckRedirectURI(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		uri  string
		want bool
	}{
		{"http://127.0.0.1/callback", true},
		{"http://127.0.0.1:1/", true},
		{"http://127.0.0.1", true},
		{"http://[::1]:8080/cb?x=1", true},
		{"http://localhost:65535/cb", true},
		{"https://app.example/cb", true},
		{"https://app.example:8443/cb?a=b", true},
		{"http://app.example/cb", false},
		{"http://127.0.0.2/cb", false},
		{"http://127.1/cb", false},
		{"http://0x7f000001/cb", false},
		{"http://2130706433/cb", false},
		{"http://LOCALHOST/cb", false},
		{"http://localhost./cb", false},
		{"http://localhost.evil.example/cb", false},
		{"http://127.0.0.1.evil.example/cb", false},
		{"http://127.0.0.1@evil.example/cb", false},
		{"http://evil.example#@127.0.0.1/", false},
		{"http://127.0.0.1\\@evil.example/", false},
		{"http://127.0.0.1:/cb", false},
		{"http://127.0.0.1:0/cb", false},
		{"http://127.0.0.1:65536/cb", false},
		{"http://127.0.0.1:80:80/cb", false},
		{"http://[::ffff:127.0.0.1]/cb", false},
		{"http://[::1%25lo]/cb", false},
		{"http://user@127.0.0.1/cb", false},
		{"https://user:word@app.example/cb", false},
		{"http://127.0.0.1/cb#", false},
		{"http://127.0.0.1/cb#x", false},
		{"http://127.0.0.1/c b", false},
		{"http://127.0.0.1/c\nb", false},
		{"http://127.0.0.1/c\tb", false},
		{"http://127.0.0.1/é", false},
		{"https://*.example/cb", false},
		{"https:///cb", false},
		{"https:app.example", false},
		{"HTTPS://app.example/", false},
		{"//127.0.0.1/cb", false},
		{"/cb", false},
		{"", false},
		{"javascript:alert(1)", false},
		{"javascript://127.0.0.1/%0aalert(1)", false},
		{"data:text/html,x", false},
		{"file:///etc/passwd", false},
		{"custom-app:/cb", false},
		{"https://app.example/" + strings.Repeat("x", maxURI), false},
	} {
		t.Run(tt.uri, func(t *testing.T) {
			if err := checkRedirectURI(tt.uri); (err == nil) != tt.want {
				t.Errorf("checkRedirectURI(%q) = %v, want a valid URI: %v", tt.uri, err, tt.want)
			}
		})
	}
}

func TestRedirectMatching(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		registered, asked string
		want              bool
	}{
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/callback", true},
		{"http://127.0.0.1:1111/callback", "http://127.0.0.1:2222/callback", true},
		{"http://127.0.0.1:1111/callback", "http://127.0.0.1/callback", true},
		{"http://[::1]/callback", "http://[::1]:49152/callback", true},
		{"http://localhost:3/cb?a=1", "http://localhost:4/cb?a=1", true},
		{"https://app.example/cb", "https://app.example/cb", true},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/callback/", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/Callback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/callback?x=1", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/%63allback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/a/../callback", false},
		{"http://127.0.0.1/callback", "http://localhost:49152/callback", false},
		{"http://127.0.0.1/callback", "http://[::1]:49152/callback", false},
		{"http://127.0.0.1/callback", "https://127.0.0.1:49152/callback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152", false},
		{"http://127.0.0.1", "http://127.0.0.1:49152/", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152@evil.example/callback", false},
		{"https://app.example/cb", "https://app.example:444/cb", false},
		{"https://127.0.0.1:1/cb", "https://127.0.0.1:2/cb", false},
		{"https://app.example/cb", "https://app.example/cb#x", false},
		{"https://app.example/cb", "https://app.example.evil.example/cb", false},
	} {
		t.Run(tt.registered+" "+tt.asked, func(t *testing.T) {
			c := &client{RedirectURIs: []string{"https://other.example/", tt.registered}}
			if got := c.redirectsTo(tt.asked); got != tt.want {
				t.Errorf("redirectsTo(%q) = %v, want %v", tt.asked, got, tt.want)
			}
		})
	}
}

// The redirect goes to the checked URI, also as a browser interprets it.
func FuzzRedirectURI(f *testing.F) {
	for _, seed := range []string{testRedirect, "https://a.example/?x", "http://127.0.0.1\\@e/", "http://[::1]:1", "http://localhost:1#"} {
		f.Add(seed)
	}
	s := &Server{Deps: wire.Deps{BaseURL: "http://127.0.0.1:1"}}
	f.Fuzz(func(t *testing.T, uri string) {
		if checkRedirectURI(uri) != nil {
			return
		}
		u, err := url.Parse(s.redirectTo(consent{RedirectURI: uri, State: "s"}, url.Values{"code": {"c"}}))
		if err != nil || u.User != nil || u.Fragment != "" || u.Query().Get("code") == "" && !strings.ContainsAny(uri, "%;&?") {
			t.Fatalf("redirect for %q: got %v, %v; want the same URI with the code", uri, u, err)
		}
		if u.Scheme != "https" && (u.Scheme != "http" || !isLoopbackName(u)) {
			t.Fatalf("redirect for %q: got %v, want https or a loopback address", uri, u)
		}
		if portless, ok := withoutPort(uri); ok && checkRedirectURI(portless) != nil {
			t.Fatalf("withoutPort(%q) = %q, want a valid redirect URI", uri, portless)
		}
	})
}
