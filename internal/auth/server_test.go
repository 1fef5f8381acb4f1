package auth

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/provider"
)

func TestDiscover(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	got := f.discover() // the server sends the page of a single-page application
	if got.Discovered || got.TokenEndpoint != f.URL+"/cli/oauth/token" || got.DeviceEndpoint != "" || got.RevocationEndpoint != "" ||
		got.AuthorizationEndpoint != f.URL+"/cli/oauth/authorize" || got.RegistrationEndpoint != f.URL+"/cli/oauth/register" || got.Problem != nil {
		t.Errorf("without metadata: got %+v, want the fixed endpoints", got)
	}
	f.metadata = true
	if got := f.discover(); !got.Discovered || got.DeviceEndpoint != f.URL+"/cli/oauth/device" || !got.sendsIssuer {
		t.Errorf("with metadata: got %+v, want the endpoints of the metadata", got)
	}
}

// The metadata of Lamina's own server may be behind a redirect on the same server, and is looked up on no other one.
func TestDiscoverFollowsRedirect(t *testing.T) {
	t.Parallel()
	const address = "/.well-known/oauth-authorization-server/cli/oauth"
	tests := []struct {
		name, target string
		want         bool
	}{
		{"same server", "http://HOST/moved", true},
		{"another server", "http://localhost:1/moved", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				base := "http://" + r.Host
				switch r.URL.Path {
				case address:
					http.Redirect(w, r, strings.Replace(test.target, "HOST", r.Host, 1), http.StatusMovedPermanently)
				case "/moved":
					writeJSON(w, 200, map[string]any{"issuer": base + "/cli/oauth", "authorization_endpoint": base + "/a", "token_endpoint": base + "/t"})
				}
			}))
			defer server.Close()
			got, err := Discover(t.Context(), nil, server.URL, provider.Lamina())
			if err != nil || got.Discovered != test.want {
				t.Errorf("got %+v, %v, want metadata: %v", got, err, test.want)
			}
		})
	}
}

func TestDiscoverWithoutMetadata(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		respond    http.HandlerFunc
		hasProblem bool
	}{
		{"404", http.NotFound, false},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, false},
		{"not JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{") }, false},
		{"503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(test.respond)
			defer server.Close()
			got, err := Discover(t.Context(), nil, server.URL+"/", provider.Lamina())
			if err != nil || got.TokenEndpoint != server.URL+"/cli/oauth/token" || (got.Problem != nil) != test.hasProblem {
				t.Errorf("got %+v, %v, want the fixed endpoints, problem: %v", got, err, test.hasProblem)
			}
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		var unreachable *UnreachableError
		if _, err := Discover(t.Context(), nil, server.URL, provider.Lamina()); !errors.As(err, &unreachable) {
			t.Errorf("got %v, want an *UnreachableError", err)
		}
	})
	t.Run("http to another machine", func(t *testing.T) {
		t.Parallel()
		var refused *safeurl.Error
		if _, err := Discover(t.Context(), nil, "http://example.com", provider.Lamina()); !errors.As(err, &refused) {
			t.Errorf("got %v, want a *safeurl.Error", err)
		}
	})
}

func TestDiscoverRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, field, value string }{
		{"another issuer", "issuer", "https://evil.example/cli/oauth"},
		{"no issuer", "issuer", ""},
		{"token endpoint on another origin", "token_endpoint", "https://evil.example/token"},
		{"user name in an endpoint", "revocation_endpoint", "http://sam@HOST/r"},
		{"device endpoint over http", "device_authorization_endpoint", "http://evil.example/device"},
		{"script", "authorization_endpoint", "javascript:alert(1)"},
		{"no token endpoint", "token_endpoint", ""},
		{"no S256", "code_challenge_methods_supported", "plain"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				doc := map[string]any{
					"issuer": server.URL + "/cli/oauth", "authorization_endpoint": server.URL + "/a", "token_endpoint": server.URL + "/t",
				}
				doc[test.field] = strings.Replace(test.value, "HOST", r.Host, 1)
				if test.field == "code_challenge_methods_supported" {
					doc[test.field] = []string{test.value}
				}
				_ = json.NewEncoder(w).Encode(doc)
			}))
			defer server.Close()
			var refused *MetadataError
			if got, err := Discover(t.Context(), nil, server.URL, provider.Lamina()); !errors.As(err, &refused) {
				t.Errorf("got %+v, %v, want a *MetadataError", got, err)
			}
		})
	}
}

// FuzzMetadata checks that metadata is accepted only if all endpoints are on the origin of the issuer.
func FuzzMetadata(f *testing.F) {
	const issuer = "https://h.example/cli/oauth"
	for _, endpoint := range []string{
		issuer + "/token", "https://evil.example/token", "http://h.example/token", "//h.example", "https://h.example@evil.example/",
		"https://h.example:443/x#y",
	} {
		f.Add(issuer, endpoint, endpoint, endpoint, "S256")
	}
	f.Fuzz(func(t *testing.T, name, authorize, token, device, method string) {
		doc := metadata{Issuer: name, AuthorizationEndpoint: authorize, TokenEndpoint: token, DeviceEndpoint: device, ChallengeMethods: []string{method}}
		server, err := doc.server("https://h.example/.well-known", Server{Issuer: issuer})
		if err != nil {
			return
		}
		for _, endpoint := range []string{server.AuthorizationEndpoint, server.TokenEndpoint, server.DeviceEndpoint} {
			u, err := url.Parse(endpoint)
			if endpoint == "" && err == nil {
				continue
			}
			if err != nil || u.Scheme != "https" || u.User != nil || !strings.EqualFold(u.Hostname(), "h.example") || u.Port() != "" && u.Port() != "443" {
				t.Fatalf("accepted the endpoint %q", endpoint)
			}
		}
		if server.Issuer != issuer || method != "S256" || server.TokenEndpoint == "" {
			t.Fatalf("accepted %+v", server)
		}
	})
}

// metadataAt serves a metadata document at one path. ISSUER in its values stands for the address of the server.
func metadataAt(t *testing.T, path, issuerPath string, change map[string]any) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		doc := map[string]any{
			"issuer": "ISSUER" + issuerPath, "authorization_endpoint": "ISSUER/a", "token_endpoint": "ISSUER/t",
			"scopes_supported": []string{"profile", "offline_access", "openid"},
		}
		maps.Copy(doc, change)
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, strings.ReplaceAll(string(raw), "ISSUER", server.URL))
	})
	server.Start()
	t.Cleanup(server.Close)
	return server
}
