package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A foreignIssuer is a small third-party authorization server for scripts, and the API behind it. It approves every sign-in.
type foreignIssuer struct {
	url     string
	options []string

	mu      sync.Mutex
	clients map[string]bool
	serial  int
}

// cmdForeign starts a third-party authorization server: foreign NAME [OPTION…]. It sets NAME to its issuer. The options:
//
//	moved          its metadata is behind a redirect
//	device-only    it has no authorization endpoint
//	one-method     it registers no client for two methods
//	token=TOKEN    it registers clients only with this initial access token
//	no-code        its authorization response has neither a code nor an error
//	stray          before its response, the browser opens two callbacks of other sign-ins
//	userinfo       it has a userinfo endpoint
//	tenants        the issuer in its metadata has a placeholder, and belongs to ISSUER/common
//	gateway        it has an API with accounts at the same address, which accepts only bearer tokens
//	resource       that API names the issuer in its metadata
//	resources      that API names the issuer and another one
//
// DELETE ISSUER/clients makes it forget its clients.
func cmdForeign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: foreign NAME [OPTION…]")
	}
	f := &foreignIssuer{options: args[1:], clients: map[string]bool{"by-hand": true}}
	server := httptest.NewUnstartedServer(f)
	f.url = "http://" + server.Listener.Addr().String()
	server.Start()
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

func (f *foreignIssuer) has(option string) bool { return slices.Contains(f.options, option) }

func (f *foreignIssuer) send(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// ServeHTTP implements http.Handler.
func (f *foreignIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	const metadata = "/.well-known/openid-configuration"
	isBearer := r.Header.Get("Authorization") == "Bearer foreign-access-token" && r.Header.Get("x-api-key") == ""
	switch path := strings.TrimPrefix(r.URL.Path, "/common"); {
	case path == metadata && f.has("moved"):
		http.Redirect(w, r, metadata+"/", http.StatusMovedPermanently)
	case path == metadata, path == metadata+"/" && f.has("moved"):
		f.send(w, http.StatusOK, f.metadata())
	case path == "/.well-known/oauth-protected-resource" && f.has("resource"):
		f.send(w, http.StatusOK, map[string]any{"resource": f.url, "authorization_servers": []string{f.url}})
	case path == "/.well-known/oauth-protected-resource" && f.has("resources"):
		f.send(w, http.StatusOK, map[string]any{"resource": f.url, "authorization_servers": []string{f.url, "http://localhost:1"}})
	case path == "/register":
		f.register(w, r)
	case path == "/clients" && r.Method == http.MethodDelete:
		clear(f.clients)
	case path == "/authorize":
		f.authorize(w, r)
	case path == "/device" && f.clients[r.PostFormValue("client_id")]:
		f.send(w, http.StatusOK, map[string]any{
			"device_code": "foreign-device-code", "user_code": "ABCD", "verification_uri": f.url, "expires_in": 600, "interval": 1,
		})
	case path == "/token" && f.clients[r.PostFormValue("client_id")]:
		f.send(w, http.StatusOK, map[string]any{
			"access_token": "foreign-access-token", "refresh_token": "foreign-refresh-token", "token_type": "Bearer", "expires_in": 3600,
		})
	case path == "/device", path == "/token":
		f.send(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	case path == "/userinfo" && isBearer:
		f.send(w, http.StatusOK, map[string]any{"sub": "subject-1", "email": "sam@example.com", "name": "Sam"})
	case path == "/v1/account" && f.has("gateway") && isBearer:
		f.send(w, http.StatusOK, map[string]any{"data": map[string]any{"user": map[string]any{"id": "user-1", "email": "sam@gateway.example"}}})
	case path == "/v1/account" && f.has("gateway"):
		f.send(w, http.StatusUnauthorized, map[string]any{"error": "no bearer token"})
	default:
		http.NotFound(w, r)
	}
}

func (f *foreignIssuer) metadata() map[string]any {
	document := map[string]any{
		"issuer": f.url, "authorization_endpoint": f.url + "/authorize", "token_endpoint": f.url + "/token",
		"registration_endpoint": f.url + "/register", "device_authorization_endpoint": f.url + "/device",
	}
	if f.has("tenants") {
		document["issuer"] = f.url + "/{tenantid}"
	}
	if f.has("device-only") {
		delete(document, "authorization_endpoint")
	}
	if f.has("userinfo") {
		document["userinfo_endpoint"] = f.url + "/userinfo"
	}
	return document
}

func (f *foreignIssuer) register(w http.ResponseWriter, r *http.Request) {
	var document struct {
		Grants []string `json:"grant_types"`
	}
	_ = json.NewDecoder(r.Body).Decode(&document)
	for _, option := range f.options {
		if token, ok := strings.CutPrefix(option, "token="); ok && r.Header.Get("Authorization") != "Bearer "+token {
			f.send(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
			return
		}
	}
	if f.has("one-method") && len(document.Grants) > 2 {
		f.send(w, http.StatusBadRequest, map[string]any{"error": "invalid_client_metadata", "error_description": "too many grants"})
		return
	}
	f.serial++
	id := fmt.Sprintf("client-%d", f.serial)
	f.clients[id] = true
	f.send(w, http.StatusCreated, map[string]any{"client_id": id})
}

// authorize reports an unknown client on a page with status 200.
func (f *foreignIssuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !f.clients[q.Get("client_id")] {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<h1>Sorry</h1><p>error: invalid_client</p>")
		return
	}
	back := url.Values{"state": {q.Get("state")}, "code": {"foreign-code"}}
	if f.has("tenants") {
		back.Set("iss", f.url+"/9188040d-6c67-4c5b-b112-36a304b66dad")
	}
	if f.has("stray") {
		for _, query := range []string{"", "?code=x&state=other", "", "?code=x&state=other"} {
			if resp, err := http.Get(q.Get("redirect_uri") + query); err == nil {
				_ = resp.Body.Close()
			}
		}
	}
	if f.has("no-code") {
		back.Del("code")
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}
