package auth

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

func TestDiscoverIssuer(t *testing.T) {
	t.Parallel()
	const oauth, openID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	tests := []struct{ name, path, issuer, typed string }{
		{"RFC 8414", oauth, "", ""},
		{"RFC 8414 with a path", oauth + "/tenant", "/tenant", "/tenant"},
		{"OpenID", openID, "", ""},
		{"OpenID with a path", "/tenant" + openID, "/tenant", "/tenant"},
		{"OpenID, well-known part first", openID + "/tenant", "/tenant", "/tenant"},
		{"RFC 8414, well-known part last", "/tenant" + oauth, "/tenant", "/tenant"},
		{"slash at the end of the issuer", openID, "/", ""},
		{"slash at the end of the user's text", openID, "", "/"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := metadataAt(t, test.path, test.issuer, nil)
			got, err := DiscoverIssuer(t.Context(), nil, server.URL+test.typed)
			if err != nil || got.Issuer != server.URL+test.issuer || got.TokenEndpoint != server.URL+"/t" || !got.ThirdParty {
				t.Fatalf("got %+v, %v, want issuer %s", got, err, server.URL+test.issuer)
			}
			if got, want := got.DefaultScopes(), []string{"openid", "offline_access"}; !slices.Equal(got, want) {
				t.Errorf("got scopes %v, want %v", got, want)
			}
		})
	}
	t.Run("endpoint on another host", func(t *testing.T) {
		t.Parallel()
		const endpoint = "https://token.example/t"
		server := metadataAt(t, openID, "", map[string]any{"token_endpoint": endpoint})
		if got, err := DiscoverIssuer(t.Context(), nil, server.URL); err != nil || got.TokenEndpoint != endpoint {
			t.Errorf("got %+v, %v, want token endpoint %s", got, err, endpoint)
		}
	})
}

func TestDiscoverIssuerRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change map[string]any
	}{
		{"another issuer", map[string]any{"issuer": "https://evil.example"}},
		{"issuer with another path", map[string]any{"issuer": "ISSUER/tenant"}},
		{"no issuer", map[string]any{"issuer": ""}},
		{"endpoint over http", map[string]any{"token_endpoint": "http://token.example/t"}},
		{"endpoint with a password", map[string]any{"revocation_endpoint": "https://sam:pw@token.example/t"}},
		{"no token endpoint", map[string]any{"token_endpoint": ""}},
		{"script", map[string]any{"authorization_endpoint": "javascript:alert(1)"}},
		{"no S256", map[string]any{"code_challenge_methods_supported": []string{"plain"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := metadataAt(t, "/.well-known/openid-configuration", "", test.change)
			var refused *MetadataError
			if got, err := DiscoverIssuer(t.Context(), nil, server.URL); !errors.As(err, &refused) {
				t.Errorf("got %+v, %v, want a *MetadataError", got, err)
			}
		})
	}
}

func TestDiscoverIssuerErrors(t *testing.T) {
	t.Parallel()
	serve := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	tests := []struct {
		name, issuer string
		want         any
	}{
		{"no metadata", serve(http.StatusOK, "<html>"), new(*NotOfferedError)},
		{"502", serve(http.StatusBadGateway, ""), new(*StatusError)},
		{"http", "http://id.example", new(*safeurl.Error)},
		{"query", "https://id.example?x=y", new(*safeurl.Error)},
		{"user name", "https://sam@id.example", new(*safeurl.Error)},
		{"no scheme", "id.example", new(*safeurl.Error)},
		{"empty", "", new(*safeurl.Error)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := DiscoverIssuer(t.Context(), nil, test.issuer); !errors.As(err, test.want) {
				t.Errorf("got %T %v, want %T", err, err, test.want)
			}
		})
	}
}

// The metadata of an https issuer must not name an endpoint that is reached without TLS.
func TestEndpointOfHTTPSIssuer(t *testing.T) {
	t.Parallel()
	server := Server{Issuer: "https://id.example", ThirdParty: true}
	tests := []struct {
		endpoint string
		want     bool
	}{
		{"https://token.example/t", true},
		{"http://127.0.0.1:1/t", false},
		{"http://localhost/t", false},
		{"https://token.example/t#x", false},
	}
	for _, test := range tests {
		if got := server.allows(test.endpoint); got != test.want {
			t.Errorf("allows(%q) = %v, want %v", test.endpoint, got, test.want)
		}
	}
}

// A tokenServer is a token endpoint on another origin than the issuer, as OpenID providers have it. It accepts only forms.
type tokenServer struct {
	*httptest.Server
	forms chan url.Values
}

func newTokenServer(t *testing.T) *tokenServer {
	t.Helper()
	s := &tokenServer{forms: make(chan url.Values, 8)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		_ = r.ParseForm()
		s.forms <- r.PostForm
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"at-2","refresh_token":"rt-2","token_type":"bearer","expires_in":600}`)
	}))
	t.Cleanup(s.Close)
	return s
}

// foreignSession returns a session with an expired access token at a third-party server.
func foreignSession(t *testing.T, tokens *tokenServer) *Session {
	t.Helper()
	store := &config.Store{Dir: t.TempDir()}
	began := time.Now().Add(-time.Hour)
	c := config.Credential{
		Kind: config.OAuth, Token: "at-1", RefreshToken: "rt-1", BaseURL: "https://api.example", Issuer: "https://id.example", ClientID: "c",
		TokenEndpoint: tokens.URL + "/t", RevocationEndpoint: tokens.URL + "/r", ThirdParty: true, ObtainedAt: began, Lifetime: time.Minute,
	}
	err := store.Update(t.Context(), func(d *config.Document) error {
		d.SetProfile(config.Profile{Name: config.DefaultProfile, Credential: c})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Session{Store: store, Provider: provider.Lamina()}
}

func TestThirdPartySessionUsesItsRecord(t *testing.T) {
	t.Parallel()
	tokens := newTokenServer(t)
	s := foreignSession(t, tokens)
	token, err := s.Token(t.Context())
	if err != nil || token != "at-2" {
		t.Fatalf("got token %q, %v, want at-2", token.Reveal(), err)
	}
	if form := <-tokens.forms; form.Get("refresh_token") != "rt-1" || form.Get("client_id") != "c" {
		t.Errorf("got refresh request %v, want refresh token rt-1 of client c", form)
	}
	c, err := s.load()
	if err != nil || !c.ThirdParty || c.RefreshToken != "rt-2" || !c.RefreshExpiresAt.IsZero() {
		t.Errorf("stored %+v, %v, want refresh token rt-2 without an expiry", c, err)
	}
	if err := Revoke(t.Context(), nil, provider.Lamina(), c); err != nil {
		t.Fatal(err)
	}
	if form := <-tokens.forms; form.Get("token") != "rt-2" {
		t.Errorf("got revocation request %v, want token rt-2", form)
	}
	c.RevocationEndpoint = ""
	var none *NotOfferedError
	if err := Revoke(t.Context(), nil, provider.Lamina(), c); !errors.As(err, &none) {
		t.Errorf("without a revocation endpoint: got %v, want a *NotOfferedError", err)
	}
}

// A refresh token is sent to the server that issued it, or to none: whatever is edited, removed or written by the Node client.
func TestRefreshTokenStaysAtItsServer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before string // a text of the stored record,
		after  string //   and what it becomes
		isSent bool
	}{
		{"expiry edited", `"obtainedAt": "20`, `"obtainedAt": "19`, true},
		{"access token edited", `"at-1"`, `"at-0"`, true},
		{"refresh token edited", `"rt-1"`, `"rt-0"`, true},
		{"scope edited", `"kind": "oauth"`, `"kind": "oauth", "scope": "x"`, true},
		{"no protocol", `"protocol"`, `"protocole"`, false},
		{"no issuer", `"issuer"`, `"issue"`, false},
		{"no token endpoint", `"tokenEndpoint"`, `"tokenEnd"`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tokens := newTokenServer(t)
			s := foreignSession(t, tokens)
			raw, err := os.ReadFile(s.Store.ProfilesPath())
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(raw), test.before, test.after, 1)
			if err := os.WriteFile(s.Store.ProfilesPath(), []byte(changed), 0o600); err != nil || changed == string(raw) {
				t.Fatalf("%v, or nothing changed in %s", err, raw)
			}
			c, err := s.load()
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.force(t.Context(), c.Token)
			if test.isSent && (err != nil || len(tokens.forms) != 1) {
				t.Errorf("got %v, %d requests to the issuer, want one", err, len(tokens.forms))
			}
			if !test.isSent {
				wantEnded(t, err, ReasonNoServer)
			}
			if err := Revoke(t.Context(), nil, provider.Lamina(), c); !test.isSent && (err == nil || len(tokens.forms) > 0) {
				t.Errorf("Revoke: got %v, %d requests, want an error and none", err, len(tokens.forms))
			}
		})
	}
}

// If a user has edited the address of a session in config.json, the session is sent to neither address, and the error says so.
func TestEditedAddress(t *testing.T) {
	t.Parallel()
	for _, hasIssuer := range []bool{true, false} {
		s := newRig(t)
		if hasIssuer {
			c := s.stored()
			c.Issuer = fixedServer(c.BaseURL, s.session.Provider.OAuth).Issuer
			s.put(c)
		}
		requests := make(chan string, 10)
		other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { requests <- r.URL.Path }))
		t.Cleanup(other.Close)
		raw, err := os.ReadFile(s.store.Path())
		if err != nil {
			t.Fatal(err)
		}
		edited := strings.ReplaceAll(string(raw), s.URL, other.URL)
		if err := os.WriteFile(s.store.Path(), []byte(edited), 0o600); err != nil || edited == string(raw) {
			t.Fatalf("%v, or nothing changed in %s", err, raw)
		}
		_, err = s.session.credential(t.Context(), other.URL+"/v1/account")
		wantEnded(t, err, ReasonNoServer)
		if err := s.store.Update(t.Context(), func(d *config.Document) error { d.SetLoginMethod("device"); return nil }); err != nil {
			t.Fatal(err)
		}
		s.clock.add(2 * time.Hour)
		_, err = s.token()
		wantEnded(t, err, ReasonNoServer)
		if err := Revoke(t.Context(), nil, s.session.Provider, s.stored()); err == nil {
			t.Error("Revoke: got no error")
		}
		if len(requests) > 0 || s.refreshes() > 0 {
			t.Errorf("got %d requests at the other server, %d refreshes, want none", len(requests), s.refreshes())
		}
	}
}
