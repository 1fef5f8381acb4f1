package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// A recordedRequest is a request that an idServer received.
type recordedRequest struct {
	path   string
	values url.Values // the query or the form
	header http.Header
}

// An idServer is an OpenID server for registered clients, as companies run them. It records every request.
type idServer struct {
	*httptest.Server
	metadata      map[string]any // replaces fields of the metadata
	needsConsent  bool           // issues a refresh token only after prompt=consent
	refuseConsent string         // the error of an authorization request with prompt=consent

	mu       sync.Mutex
	requests []recordedRequest
	consents map[string]bool // by code
	shown    map[string]bool // the states of the addresses that a sign-in has shown
}

func newIDServer(t *testing.T) *idServer {
	t.Helper()
	s := &idServer{metadata: map[string]any{}, consents: map[string]bool{}, shown: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *idServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, recordedRequest{r.URL.Path, r.Form, r.Header})
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		doc := map[string]any{
			"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token",
			"device_authorization_endpoint": s.URL + "/device", "revocation_endpoint": s.URL + "/revoke",
			"scopes_supported": []string{"openid", "offline_access"},
		}
		for name, value := range s.metadata {
			doc[name] = value
		}
		writeJSON(w, 200, doc)
	case "/authorize":
		code := fmt.Sprintf("code-%d", len(s.requests))
		s.consents[code] = r.Form.Get("prompt") == "consent"
		back := url.Values{"state": {r.Form.Get("state")}}
		if s.consents[code] && s.refuseConsent != "" {
			back.Set("error", s.refuseConsent)
		} else {
			back.Set("code", code)
		}
		http.Redirect(w, r, r.Form.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	case "/token":
		body := map[string]any{"access_token": fmt.Sprintf("at-%d", len(s.requests)), "token_type": "Bearer", "expires_in": 600, "scope": "openid"}
		if !s.needsConsent || s.consents[r.Form.Get("code")] {
			body["refresh_token"] = fmt.Sprintf("rt-%d", len(s.requests))
		}
		writeJSON(w, 200, body)
	case "/device":
		writeJSON(w, 200, map[string]any{"device_code": "dc", "user_code": "AB", "verification_uri": s.URL + "/d", "expires_in": 600, "interval": 1})
	case "/revoke":
	default:
		http.NotFound(w, r)
	}
}

// show records an address that a sign-in has shown.
func (s *idServer) show(address string) {
	u, err := url.Parse(address)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.shown[u.Query().Get("state")] = true
	}
}

// authorizations returns the authorization requests of a browser. The program itself may load the page before.
func (s *idServer) authorizations() []recordedRequest {
	return slices.DeleteFunc(s.to("/authorize"), func(r recordedRequest) bool { return !s.shown[r.values.Get("state")] })
}

// to returns the requests to a path.
func (s *idServer) to(path string) []recordedRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.requests), func(r recordedRequest) bool { return r.path != path })
}

func (s *idServer) discover(t *testing.T) Server {
	t.Helper()
	server, err := DiscoverIssuer(t.Context(), nil, s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// openID returns the provider for a sign-in with the default scopes.
func openID() provider.Provider {
	p := provider.Lamina()
	p.OAuth = provider.ThirdPartyOAuth([]string{"openid", "offline_access"})
	return p
}

// companyClient is a client that an administrator registered.
func companyClient(server Server, auth ClientAuth, params string) Client {
	return Client{ID: "app id", Issuer: server.Issuer, UserProvided: true, Auth: auth, Params: params}
}

// signIn signs in with a browser and returns the credential and the final page.
func (s *idServer) signIn(t *testing.T, client Client, change func(*Loopback)) (config.Credential, webPage) {
	t.Helper()
	shown := make(chan string, 1)
	l := &Loopback{
		Provider: openID(), BaseURL: "https://api.example", Server: s.discover(t), Client: client,
		ShowURL: func(address string) { s.show(address); shown <- address }, ShowConsent: s.show,
		Finish: func(context.Context, config.Credential) (string, error) { return "sam@example.com", nil },
	}
	if change != nil {
		change(l)
	}
	pages := make(chan webPage, 1)
	go func() { pages <- browse(<-shown) }()
	c, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c, <-pages
}

// refresh refreshes a credential, and returns the stored result.
func refreshOnce(t *testing.T, c config.Credential) config.Credential {
	t.Helper()
	c.ObtainedAt, c.IssuedAt = time.Now().Add(-time.Hour), time.Time{}
	store := &config.Store{Dir: t.TempDir()}
	err := store.Update(t.Context(), func(d *config.Document) error {
		d.SetProfile(config.Profile{Credential: c})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	session := &Session{Store: store, Provider: provider.Lamina()}
	if _, err := session.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err = session.load(); err != nil {
		t.Fatal(err)
	}
	return c
}

func wantValues(t *testing.T, what string, got url.Values, want url.Values) {
	t.Helper()
	if got.Encode() != want.Encode() {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// useClient signs in with a confidential client, refreshes and revokes the session, and signs in with a device code. It returns the
// five requests that the client authenticates.
func (s *idServer) useClient(t *testing.T, server Server, auth ClientAuth) []recordedRequest {
	t.Helper()
	c, _ := s.signIn(t, companyClient(server, auth, ""), nil)
	c = refreshOnce(t, c)
	if err := Revoke(t.Context(), nil, provider.Lamina(), c); err != nil {
		t.Fatal(err)
	}
	finishStored(t, &Device{
		Provider: openID(), Server: server, Client: ClientOf(c), Sleep: func(context.Context, time.Duration) error { return nil },
	})
	var requests []recordedRequest
	for _, path := range []string{"/token", "/device", "/revoke"} {
		requests = append(requests, s.to(path)...)
	}
	if len(requests) != 5 {
		t.Fatalf("got %d requests with a client, want 5", len(requests))
	}
	return requests
}
