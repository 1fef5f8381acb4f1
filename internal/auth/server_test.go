package auth

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for raw, good := range map[string]bool{
		"https://app.uselamina.ai": true, "https://[2001:db8::1]:8443/x": true, "http://127.0.0.1:8080": true, "http://127.9.9.9": true,
		"http://[::1]:80": true, "http://localhost:3000": true, "http://LOCALHOST": true,
		"http://app.uselamina.ai": false, "http://localhost.evil.com": false, "http://127.0.0.1.evil.com": false, "http://0.0.0.0": false,
		"http://10.0.0.1": false, "https://user:pw@host": false, "https://user@host": false, "ftp://host": false, "app.uselamina.ai": false,
		"": false, "https://": false, "https://:443": false, "javascript:alert(1)": false, "http://[fe80::1%25eth0]": false, "%zz": false,
	} {
		_, err := CheckURL(raw)
		if refused := (*URLError)(nil); (err == nil) != good || err != nil && !errors.As(err, &refused) {
			t.Errorf("CheckURL(%q) = %v", raw, err)
		}
	}
	if _, err := CheckURL("http://sam:hunter2@host/?token=hunter3"); strings.Contains(err.Error(), "hunter") {
		t.Errorf("the message holds a secret: %v", err)
	}
}

func TestNormalizeBase(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"\thttps://App.UseLamina.ai//\n": "https://app.uselamina.ai", "http://127.0.0.1:1/x/": "http://127.0.0.1:1/x",
		"https://h/?a=b": "", "https://h/#f": "", "http://h": "",
	} {
		if got, err := NormalizeBase(raw); got != want || (err == nil) != (want != "") {
			t.Errorf("NormalizeBase(%q) = %q, %v", raw, got, err)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"https://a.example", "https://A.example:443/x?y", true}, {"http://127.0.0.1:80", "http://127.0.0.1/", true},
		{"https://a.example", "http://a.example", false}, {"https://a.example", "https://b.a.example", false},
		{"https://a.example", "https://a.example:8443", false}, {"https://a.example", "https://a.example.evil.com", false},
		{"", "", false}, {"https://a.example", "", false}, {"/x", "/x", false},
	} {
		if SameOrigin(c.a, c.b) != c.same {
			t.Errorf("SameOrigin(%q, %q) is not %v", c.a, c.b, c.same)
		}
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	fixed := f.discover() // the page of a single-page application
	if fixed.Discovered || fixed.TokenEndpoint != f.URL+"/cli/oauth/token" || fixed.DeviceEndpoint != "" || fixed.RevocationEndpoint != "" ||
		fixed.AuthorizationEndpoint != f.URL+"/cli/oauth/authorize" || fixed.RegistrationEndpoint != f.URL+"/cli/oauth/register" || fixed.Problem != nil {
		t.Errorf("without metadata: %+v", fixed)
	}
	f.metadata = true
	if got := f.discover(); !got.Discovered || got.DeviceEndpoint != f.URL+"/cli/oauth/device" || !got.sendsIssuer {
		t.Errorf("with metadata: %+v", got)
	}
}

func TestDiscoverFallsBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		problem bool
	}{
		"404":        {http.NotFound, false},
		"redirect":   {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, false},
		"not JSON":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{") }, false},
		"overloaded": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.answer)
			defer server.Close()
			got, err := Discover(t.Context(), nil, server.URL+"/", provider.Lamina())
			if err != nil || got.TokenEndpoint != server.URL+"/cli/oauth/token" || (got.Problem != nil) != c.problem {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		var unreachable *UnreachableError
		if _, err := Discover(t.Context(), nil, server.URL, provider.Lamina()); !errors.As(err, &unreachable) {
			t.Errorf("got %v", err)
		}
	})
	if _, err := Discover(t.Context(), nil, "http://example.com", provider.Lamina()); err == nil {
		t.Error("plain http to another machine is accepted")
	}
}

func TestDiscoverRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]map[string]any{
		"another issuer":           {"issuer": "https://evil.example/cli/oauth"},
		"no issuer":                {"issuer": ""},
		"token endpoint elsewhere": {"token_endpoint": "https://evil.example/token"},
		"user in an endpoint":      {"revocation_endpoint": "USER"},
		"device endpoint on http":  {"device_authorization_endpoint": "http://evil.example/device"},
		"authorize by script":      {"authorization_endpoint": "javascript:alert(1)"},
		"no token endpoint":        {"token_endpoint": ""},
		"no S256":                  {"code_challenge_methods_supported": []string{"plain"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				doc := map[string]any{
					"issuer": server.URL + "/cli/oauth", "authorization_endpoint": server.URL + "/a", "token_endpoint": server.URL + "/t",
				}
				maps.Copy(doc, change)
				if doc["revocation_endpoint"] == "USER" {
					doc["revocation_endpoint"] = strings.Replace(server.URL, "//", "//sam@", 1)
				}
				_ = json.NewEncoder(w).Encode(doc)
			}))
			defer server.Close()
			var refused *MetadataError
			if _, err := Discover(t.Context(), nil, server.URL, provider.Lamina()); !errors.As(err, &refused) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	client, err := Register(t.Context(), nil, f.discover(), f.provider(), "http://127.0.0.1:5/callback")
	if err != nil || f.clients[client.ID] != "http://127.0.0.1:5/callback" || client.Issuer != f.URL+"/cli/oauth" {
		t.Fatalf("%+v, %v", client, err)
	}
	for name, c := range map[string]struct {
		status int
		body   string
		want   any
	}{
		"refused":      {400, `{"error":"invalid_redirect_uri","error_description":"no\u0007"}`, new(*OAuthError)},
		"no id":        {201, `{"client_secret":"lma_x"}`, new(*ResponseError)},
		"odd id":       {201, `{"client_id":"a b"}`, new(*ResponseError)},
		"not JSON":     {200, `<html>`, new(*ResponseError)},
		"down":         {502, `bad gateway`, new(*StatusError)},
		"redirected":   {307, ``, new(*StatusError)},
		"huge":         {201, strings.Repeat("x", maxResponse+1), new(*ResponseError)},
		"rate limited": {429, `{"error":"rate"}`, new(*StatusError)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			_, err := Register(t.Context(), nil, fixedServer(server.URL, provider.Lamina().OAuth), provider.Lamina(), "http://127.0.0.1/callback")
			if !errors.As(err, c.want) || strings.Contains(err.Error(), "lma_x") || strings.ContainsRune(err.Error(), 7) {
				t.Errorf("got %T %v", err, err)
			}
		})
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for _, forms := range []bool{false, true} {
		s := newSession(t)
		s.metadata, s.forms = true, forms
		if err := Revoke(t.Context(), nil, s.provider(), s.stored()); err != nil {
			t.Fatal(err)
		}
		if len(s.revoked) != 1 || s.revoked[0] != "rt-secret-0" {
			t.Errorf("revoked %v", s.revoked)
		}
	}
	s := newSession(t)
	var missing *NotOfferedError
	if err := Revoke(t.Context(), nil, s.provider(), s.stored()); !errors.As(err, &missing) {
		t.Errorf("a service without revocation: %v", err)
	}
	if err := Revoke(t.Context(), nil, s.provider(), config.Credential{Kind: config.APIKey, Token: "lma_k"}); !errors.As(err, &missing) {
		t.Errorf("an API key: %v", err)
	}
	c := s.stored()
	c.RevocationEndpoint = "https://evil.example/revoke"
	var refused *URLError
	if err := Revoke(t.Context(), nil, s.provider(), c); !errors.As(err, &refused) {
		t.Errorf("an endpoint elsewhere: %v", err)
	}
}

func TestCheckAPIKey(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct {
		key        config.Secret
		warn, fail bool
	}{
		"lma_abc":         {"lma_abc", false, false},
		"  lma_abc\r\n":   {"lma_abc", false, false},
		"\ufefflma_abc\n": {"lma_abc", false, false},
		"sk-other":        {"sk-other", true, false},
		"":                {"", false, true},
		" \n":             {"", false, true},
		"lma_a b":         {"", false, true},
		"lma_a\nlma_b":    {"", false, true},
		"lma_\x1b[31m":    {"", false, true},
		"lma_é":           {"", false, true},
	} {
		key, warning, err := CheckAPIKey(provider.Lamina(), text)
		if key != c.key || (warning != "") != c.warn || (err != nil) != c.fail {
			t.Errorf("CheckAPIKey(%q) = %q, %q, %v", text, key.Reveal(), warning, err)
		}
		if err != nil && strings.Contains(err.Error(), "lma_") {
			t.Errorf("the error quotes the key: %v", err)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\x1b[31mb\nc\td": "a[31mb c d", "\u202eevil\u200b": "evil", "\nx\n": "x", "\xff\xfe": "", "0123456789abc": "0123456789...",
	} {
		if got := clean(in, 10); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzTokenReply(f *testing.F) {
	f.Add("application/json", []byte(`{"access_token":"a","expires_in":3600,"refresh_token":"r","token_type":"Bearer","scope":"x"}`), 200)
	f.Add("text/plain", []byte(`access_token=a&expires_in=9`), 200)
	f.Add("application/json", []byte(`{"error":"invalid_grant","error_description":"\u001b"}`), 400)
	f.Add("", []byte(`{"expires_in":{},"access_token":1e999}`), 200)
	var kind string
	var body []byte
	var status int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	f.Cleanup(server.Close)
	login := DeviceLogin{DeviceCode: "d", BaseURL: server.URL, Server: fixedServer(server.URL, provider.Lamina().OAuth)}
	f.Fuzz(func(t *testing.T, k string, b []byte, s int) {
		kind, body, status = k, b, 200+(s%400+400)%400
		if strings.ContainsAny(k, "\r\n\x00") || status == 204 || status == 304 {
			return
		}
		c, err := (&Device{Provider: provider.Lamina()}).poll(t.Context(), login)
		if err == nil && (!isToken(c.Token.Reveal()) || c.Lifetime <= 0) {
			t.Fatalf("accepted %#v out of %q", c.Token.Reveal(), b)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\r\x1b") {
			t.Fatalf("the message holds control characters: %q", err)
		}
	})
}
