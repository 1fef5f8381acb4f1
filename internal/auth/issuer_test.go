package auth

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// metadataAt serves a metadata document at one path, with changes. ISSUER stands for the address of the server.
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

func TestDiscoverIssuer(t *testing.T) {
	t.Parallel()
	const oauth, openID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	for name, c := range map[string]struct{ path, issuer, typed string }{
		"RFC 8414":                 {oauth, "", ""},
		"RFC 8414 with a path":     {oauth + "/tenant", "/tenant", "/tenant"},
		"OpenID":                   {openID, "", ""},
		"OpenID with a path":       {"/tenant" + openID, "/tenant", "/tenant"},
		"OpenID inserted":          {openID + "/tenant", "/tenant", "/tenant"},
		"OAuth appended":           {"/tenant" + oauth, "/tenant", "/tenant"},
		"its issuer has a slash":   {openID, "/", ""},
		"the person typed a slash": {openID, "", "/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := metadataAt(t, c.path, c.issuer, nil)
			got, err := DiscoverIssuer(t.Context(), nil, server.URL+c.typed)
			if err != nil || got.Issuer != server.URL+c.issuer || got.TokenEndpoint != server.URL+"/t" || !got.ThirdParty {
				t.Fatalf("got %+v, %v", got, err)
			}
			if scopes := got.DefaultScopes(); !slices.Equal(scopes, []string{"openid", "offline_access"}) {
				t.Errorf("scopes %v", scopes)
			}
		})
	}
	elsewhere := metadataAt(t, openID, "", map[string]any{"token_endpoint": "https://token.example/t"})
	if got, err := DiscoverIssuer(t.Context(), nil, elsewhere.URL); err != nil || got.TokenEndpoint != "https://token.example/t" {
		t.Errorf("an endpoint on another host: %+v, %v", got, err)
	}
}

func TestDiscoverIssuerRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]map[string]any{
		"another issuer":         {"issuer": "https://evil.example"},
		"an issuer below":        {"issuer": "ISSUER/tenant"},
		"no issuer":              {"issuer": ""},
		"endpoint over http":     {"token_endpoint": "http://token.example/t"},
		"endpoint with a secret": {"revocation_endpoint": "https://sam:pw@token.example/t"},
		"no token endpoint":      {"token_endpoint": ""},
		"authorize by script":    {"authorization_endpoint": "javascript:alert(1)"},
		"no S256":                {"code_challenge_methods_supported": []string{"plain"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := metadataAt(t, "/.well-known/openid-configuration", "", change)
			var refused *MetadataError
			if got, err := DiscoverIssuer(t.Context(), nil, server.URL); !errors.As(err, &refused) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	var none *NotOfferedError
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	defer empty.Close()
	if _, err := DiscoverIssuer(t.Context(), nil, empty.URL); !errors.As(err, &none) {
		t.Errorf("no metadata: %v", err)
	}
	var down *StatusError
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer broken.Close()
	if _, err := DiscoverIssuer(t.Context(), nil, broken.URL); !errors.As(err, &down) {
		t.Errorf("a server that is down: %v", err)
	}
	var address *URLError
	for _, issuer := range []string{"http://id.example", "https://id.example?x=y", "https://sam@id.example", "id.example", ""} {
		if _, err := DiscoverIssuer(t.Context(), nil, issuer); !errors.As(err, &address) {
			t.Errorf("%q: %v", issuer, err)
		}
	}
}

// A server that is reached over https must not lead to this machine in the clear.
func TestEndpointOfHTTPSIssuer(t *testing.T) {
	t.Parallel()
	server := Server{Issuer: "https://id.example", ThirdParty: true}
	for endpoint, good := range map[string]bool{
		"https://token.example/t": true, "http://127.0.0.1:1/t": false, "http://localhost/t": false, "https://token.example/t#x": false,
	} {
		if server.allows(endpoint) != good {
			t.Errorf("%s: %v", endpoint, !good)
		}
	}
}

// A tokenServer is on another origin than the issuer, as OpenID providers have it. It takes forms only.
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

// foreignSession is one whose access token has ended.
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
		t.Fatalf("%q, %v", token, err)
	}
	if form := <-tokens.forms; form.Get("refresh_token") != "rt-1" || form.Get("client_id") != "c" {
		t.Errorf("sent %v", form)
	}
	c, err := s.load()
	if err != nil || !c.ThirdParty || c.RefreshToken != "rt-2" || !c.RefreshExpiresAt.IsZero() {
		t.Errorf("stored %+v, %v", c, err)
	}
	if err := Revoke(t.Context(), nil, provider.Lamina(), c); err != nil {
		t.Fatal(err)
	}
	if form := <-tokens.forms; form.Get("token") != "rt-2" {
		t.Errorf("revoked %v", form)
	}
	c.RevocationEndpoint = ""
	var none *NotOfferedError
	if err := Revoke(t.Context(), nil, provider.Lamina(), c); !errors.As(err, &none) {
		t.Errorf("without a revocation endpoint: %v", err)
	}
}

// TestStrangersEndpointIsForgotten: the Node client signs in to Lamina over our record and keeps the fields that it does not
// know. Its tokens must not go where the old ones came from.
func TestStrangersEndpointIsForgotten(t *testing.T) {
	t.Parallel()
	tokens := newTokenServer(t)
	s := foreignSession(t, tokens)
	raw, err := os.ReadFile(s.Store.Path())
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(`"at-1"`, `"at-lamina"`, `"rt-1"`, `"rt-lamina"`).Replace(string(raw))
	if err := os.WriteFile(s.Store.Path(), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := s.tokenEndpoint(c)
	if err != nil || endpoint != "https://api.example/cli/oauth/token" {
		t.Errorf("the refresh token would go to %q, %v", endpoint, err)
	}
	var refused *URLError
	if err := Revoke(t.Context(), nil, provider.Lamina(), c); !errors.As(err, &refused) || len(tokens.forms) > 0 {
		t.Errorf("revoked elsewhere: %v", err)
	}
}

// A client that the person named is used at its issuer, and at no other.
func TestUserProvidedClient(t *testing.T) {
	t.Parallel()
	given := ClientOf(config.Credential{ThirdParty: true, ClientID: "mine", Issuer: "https://id.example"})
	if !given.UserProvided {
		t.Fatal("the client of a session without registration is not taken for a given one")
	}
	for issuer, want := range map[string]bool{"https://id.example": true, "https://other.example": false} {
		l := &Loopback{Provider: provider.Lamina(), Server: Server{Issuer: issuer, ThirdParty: true}, Client: given}
		client, err := l.client(t.Context(), &attempt{}, "http://127.0.0.1:7/callback")
		var refused *RegistrationError
		if got := err == nil && client.ID == "mine" && client.RedirectURI == "http://127.0.0.1:7/callback"; got != want {
			t.Errorf("%s: %+v, %v", issuer, client, err)
		}
		if !want && (!errors.As(err, &refused)) {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}
