package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A scriptIssuer is an OpenID server and an API for a script. It appends a line to a file for each request: the path, the
// parameters, and the client of an Authorization header. The API accepts only access tokens from a refresh, so that the first
// request after a sign-in refreshes the session.
type scriptIssuer struct {
	base    string
	options []string // consent: refresh tokens need prompt=consent; METHOD: a method of client authentication

	mu       sync.Mutex
	file     string
	count    int
	consents map[string]bool // by code
}

// cmdIssuer starts a scriptIssuer: issuer [OPTION…]. It sets ISSUER, and writes the requests to the file requests.
func cmdIssuer(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! issuer")
	}
	s := &scriptIssuer{options: args, file: ts.MkAbs("requests"), consents: map[string]bool{}}
	server := httptest.NewUnstartedServer(s)
	s.base = "http://" + server.Listener.Addr().String()
	server.Start()
	ts.Defer(server.Close)
	ts.Setenv("ISSUER", server.URL)
}

func (s *scriptIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	_ = r.ParseForm()
	s.log(r)
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		doc := object{
			"issuer": s.base, "authorization_endpoint": s.base + "/authorize", "token_endpoint": s.base + "/token",
			"device_authorization_endpoint": s.base + "/device", "revocation_endpoint": s.base + "/revoke",
			"scopes_supported": []string{"openid", "offline_access"},
		}
		if methods := slices.DeleteFunc(slices.Clone(s.options), func(o string) bool { return o == "consent" }); len(methods) > 0 {
			doc["token_endpoint_auth_methods_supported"] = methods
		}
		answer(w, http.StatusOK, doc)
	case "/authorize":
		code := fmt.Sprintf("code-%d", s.count)
		s.consents[code] = r.Form.Get("prompt") == "consent"
		back := url.Values{"state": {r.Form.Get("state")}, "code": {code}}
		http.Redirect(w, r, r.Form.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	case "/device":
		answer(w, http.StatusOK, object{"device_code": "dc", "user_code": "AB-CD", "verification_uri": s.base + "/d", "expires_in": 600, "interval": 1})
	case "/token":
		if _, secret, _ := r.BasicAuth(); strings.HasPrefix(secret, "wrong") {
			raw, _ := url.QueryUnescape(secret)
			answer(w, http.StatusUnauthorized, object{"error": "invalid_client", "error_description": "the secret " + raw + " (" + secret + ") is wrong"})
			return
		}
		token := object{"access_token": fmt.Sprintf("%s-at-%d", r.Form.Get("grant_type"), s.count), "token_type": "Bearer", "expires_in": 600, "scope": "openid"}
		if !slices.Contains(s.options, "consent") || s.consents[r.Form.Get("code")] {
			token["refresh_token"] = fmt.Sprintf("rt-%d", s.count)
		}
		answer(w, http.StatusOK, token)
	case "/revoke":
	case "/v1/account":
		if credential := r.Header.Get("X-Api-Key") + r.Header.Get("Authorization"); !strings.Contains(credential, "refresh_token-at-") {
			answer(w, http.StatusUnauthorized, object{"error": "refused"})
			return
		}
		answer(w, http.StatusOK, object{"data": object{"user": object{"id": "u", "email": "sam@example.com"}}})
	default:
		answer(w, http.StatusNotFound, object{"error": "nothing here"})
	}
}

// log writes a request without its random values. It shows the audience of an assertion in place of the assertion.
func (s *scriptIssuer) log(r *http.Request) {
	form := url.Values{}
	for name, values := range r.Form {
		if !slices.Contains([]string{"state", "nonce", "code_challenge", "code_verifier", "code"}, name) {
			form[name] = values
		}
	}
	if assertion := form.Get("client_assertion"); assertion != "" {
		var claims struct{ Aud string }
		raw, _ := base64.RawURLEncoding.DecodeString(strings.Split(assertion, ".")[1])
		_ = json.Unmarshal(raw, &claims)
		form.Set("client_assertion", claims.Aud)
	}
	line, _ := url.QueryUnescape(form.Encode())
	if id, secret, ok := r.BasicAuth(); ok {
		line += " basic " + id + ":" + secret
	}
	f, err := os.OpenFile(s.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, _ = fmt.Fprintln(f, r.URL.Path, line)
		_ = f.Close()
	}
}
