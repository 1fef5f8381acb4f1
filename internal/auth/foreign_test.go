package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// A foreignServer is a third-party authorization server. Each test replaces the endpoints that it is about.
type foreignServer struct {
	*httptest.Server
	mux *http.ServeMux

	mu            sync.Mutex
	registrations []map[string]any // the documents of all registration requests
	headers       []http.Header    // of all registration requests
}

func newForeign(t *testing.T) *foreignServer {
	t.Helper()
	f := &foreignServer{mux: http.NewServeMux()}
	f.Server = httptest.NewServer(f.mux)
	t.Cleanup(f.Close)
	return f
}

// server returns what the metadata of the server would say.
func (f *foreignServer) server() Server {
	return Server{
		Issuer: f.URL, AuthorizationEndpoint: f.URL + "/authorize", TokenEndpoint: f.URL + "/token", RegistrationEndpoint: f.URL + "/register",
		DeviceEndpoint: f.URL + "/device", ThirdParty: true, Discovered: true,
	}
}

// register handles registration requests. refuse returns the error code of a document; "" registers a client.
func (f *foreignServer) register(refuse func(document map[string]any, header http.Header) (status int, code string)) {
	f.mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
		var document map[string]any
		_ = json.NewDecoder(r.Body).Decode(&document)
		f.mu.Lock()
		f.registrations, f.headers = append(f.registrations, document), append(f.headers, r.Header.Clone())
		f.mu.Unlock()
		if status, code := refuse(document, r.Header); status != 0 {
			writeJSON(w, status, map[string]any{"error": code})
			return
		}
		writeJSON(w, 201, map[string]any{"client_id": "new-client"})
	})
}

func registersAll(map[string]any, http.Header) (int, string) { return 0, "" }

// foreignProvider is the provider at a third-party server.
func foreignProvider(scopes ...string) provider.Provider {
	p := provider.Lamina()
	p.OAuth = provider.ThirdPartyOAuth(scopes)
	return p
}

// TestRegisterAsksAgain checks that a refused document is followed by one with less.
func TestRegisterAsksAgain(t *testing.T) {
	t.Parallel()
	grants := func(document map[string]any) []any { list, _ := document["grant_types"].([]any); return list }
	tests := []struct {
		name     string
		isDevice bool
		refuse   func(document map[string]any, header http.Header) (int, string)
		requests int
		want     []any // the grants of the last document
	}{
		{"all grants", false, registersAll, 1, []any{grantCode, grantRefresh, grantDevice}},
		{"no device code", false, func(d map[string]any, _ http.Header) (int, string) {
			if slices.Contains(grants(d), any(grantDevice)) {
				return 400, "invalid_client_metadata"
			}
			return 0, ""
		}, 2, []any{grantCode, grantRefresh}},
		{"no refresh token", false, func(d map[string]any, _ http.Header) (int, string) {
			if len(grants(d)) > 1 {
				return 400, ""
			}
			return 0, ""
		}, 3, []any{grantCode}},
		{"no redirect", true, func(d map[string]any, _ http.Header) (int, string) {
			if list, _ := d["redirect_uris"].([]any); len(list) > 0 {
				return 400, "invalid_redirect_uri"
			}
			return 0, ""
		}, 2, []any{grantRefresh, grantDevice}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newForeign(t)
			f.register(test.refuse)
			client, err := Register(t.Context(), nil, f.server(), foreignProvider(), Registration{RedirectURI: "http://127.0.0.1:1/callback", IsDevice: test.isDevice})
			if err != nil || client.ID != "new-client" || len(f.registrations) != test.requests || !slices.Equal(grants(f.registrations[test.requests-1]), test.want) {
				t.Errorf("got %+v, %v after %v, want %v after %d requests", client, err, f.registrations, test.want, test.requests)
			}
		})
	}
}

// The initial access token is sent to the registration endpoint, and a server that wants another one is asked once.
func TestRegistrationToken(t *testing.T) {
	t.Parallel()
	f := newForeign(t)
	f.register(func(_ map[string]any, h http.Header) (int, string) {
		if h.Get("Authorization") != "Bearer initial-token" {
			return 401, "invalid_token"
		}
		return 0, ""
	})
	r := Registration{RedirectURI: "http://127.0.0.1:1/callback", Token: "initial-token"}
	if client, err := Register(t.Context(), nil, f.server(), foreignProvider(), r); err != nil || client.ID != "new-client" {
		t.Errorf("got %+v, %v, want new-client", client, err)
	}
	r.Token = ""
	var refused *RegistrationError
	if _, err := Register(t.Context(), nil, f.server(), foreignProvider(), r); !errors.As(err, &refused) || len(f.registrations) != 2 {
		t.Errorf("without a token: got %v after %d requests, want a *RegistrationError after 2", err, len(f.registrations))
	}
	if _, err := ParseRegistrationToken("two words"); err == nil || strings.Contains(err.Error(), "words") {
		t.Errorf("got %v, want an error without the text", err)
	}
}

// TestResponseWithoutCode checks that a response with the right state ends the sign-in, whatever it lacks, and that ignored
// callbacks are reported once for each kind.
func TestResponseWithoutCode(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, query string }{
		{"nothing else", ""}, {"empty code", "code=&"}, {"malformed code", "code=%00&"}, {"two codes", "code=a&code=b&"}, {"empty error", "error=&"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSignIn(t, nil)
			warnings := make(chan string, 9)
			s.Warn = func(message string) { warnings <- message }
			done := s.start(t.Context())
			u, _ := url.Parse(<-s.shown)
			callback := u.Query().Get("redirect_uri")
			for range 3 {
				wantPage(t, callback+"?code=x", http.StatusBadRequest, "Not this sign-in")
				wantPage(t, callback+"?code=x&state=other", http.StatusBadRequest, "Not this sign-in")
			}
			wantPage(t, callback+"?"+test.query+"state="+u.Query().Get("state"), http.StatusBadRequest, "did not finish")
			var malformed *ResponseError
			if got := <-done; !errors.As(got.err, &malformed) {
				t.Errorf("got %v, want a *ResponseError", got.err)
			}
			if len(warnings) != 2 || !strings.Contains(<-warnings, "without the state") || !strings.Contains(<-warnings, "its state is wrong") {
				t.Errorf("got %d warnings, want one for each kind", len(warnings))
			}
		})
	}
}

// A server may send the response as a form (OAuth 2.0 Form Post Response Mode).
func TestFormPostResponse(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	done := s.start(t.Context())
	resp, err := noFollow.Get(<-s.shown)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	form := back.Query()
	back.RawQuery = ""
	page, err := http.PostForm(back.String(), form)
	if err != nil {
		t.Fatal(err)
	}
	_ = page.Body.Close()
	if got := <-done; got.err != nil || page.StatusCode != http.StatusOK {
		t.Errorf("got %v, page %s, want a session", got.err, page.Status)
	}
}

// TestForeignBearer checks the header of a third-party session, and that its token stays on the origin of the API.
func TestForeignBearer(t *testing.T) {
	t.Parallel()
	headers := make(chan http.Header, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { headers <- r.Header.Clone() }))
	defer server.Close()
	tests := []struct {
		name, base, bearer, key string
		isForeign               bool
	}{
		{"third-party session", server.URL, "Bearer token-1", "", true},
		{"own key", server.URL, "", "token-1", false},
		{"third-party session of another origin", "https://api.example", "", "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			transport := &Transport{Header: "x-api-key", Source: StaticKey{Key: "token-1", BaseURL: test.base, ThirdParty: test.isForeign}}
			resp, err := (&http.Client{Transport: transport}).Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if h := <-headers; h.Get("Authorization") != test.bearer || h.Get("x-api-key") != test.key {
				t.Errorf("got %v, want Authorization %q and x-api-key %q", h, test.bearer, test.key)
			}
		})
	}
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	f := newForeign(t)
	f.mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token-1" {
			w.WriteHeader(401)
			return
		}
		writeJSON(w, 200, map[string]any{"sub": "s1", "email": "sam@example.com", "name": "Sam\u001b[31m"})
	})
	f.mux.HandleFunc("/jwt", htmlPage(200, "eyJ"))
	f.mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	tests := []struct {
		name, endpoint, issuer string
		want                   any
	}{
		{"account", f.URL + "/ok", f.URL, nil},
		{"signed response", f.URL + "/jwt", f.URL, new(*ResponseError)},
		{"redirect", f.URL + "/moved", f.URL, new(*StatusError)},
		{"none", "", f.URL, new(*NotOfferedError)},
		{"http endpoint of an https issuer", f.URL + "/ok", "https://id.example", new(*safeurl.Error)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := config.Credential{ThirdParty: true, Issuer: test.issuer, UserinfoEndpoint: test.endpoint}
			got, err := Userinfo(t.Context(), nil, c, "token-1")
			if test.want == nil && (err != nil || got != config.Account{UserID: "s1", Email: "sam@example.com", Name: "Sam[31m"}) ||
				test.want != nil && !errors.As(err, test.want) {
				t.Errorf("got %+v, %v, want %T", got, err, test.want)
			}
		})
	}
}
