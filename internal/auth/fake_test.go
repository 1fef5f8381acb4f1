package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/provider"
)

// fakeServer is a strict authorization server, written from the RFCs, with one protected resource. It refuses requests that a
// lenient server would accept.
type fakeServer struct {
	*httptest.Server
	t *testing.T

	metadata      bool   // publishes RFC 8414 metadata
	forms         bool   // expects forms, as in RFC 6749, instead of Lamina's JSON
	noIssuer      bool   // omits iss in the authorization response
	responseError string // the error of every authorization response; "" means a code
	life          any    // expires_in; nil omits it
	keepRefresh   bool   // does not replace the refresh token
	date          func() time.Time

	// fault may handle a request in place of an endpoint.
	fault func(w http.ResponseWriter, r *http.Request) (handled bool)

	mu      sync.Mutex
	counts  map[string]int    // requests, by path and by grant type
	clients map[string]string // redirect URIs, by client id
	codes   map[string]code
	refresh map[string]string // client ids, by valid refresh token
	access  map[string]bool   // valid access tokens
	revoked []string
	devices []string       // the errors of the next device code polls; then a token
	device  map[string]any // changes to the device authorization response
	serial  int
}

type code struct{ client, redirect, challenge string }

func newFake(t *testing.T) *fakeServer {
	t.Helper()
	f := &fakeServer{
		t: t, life: 3600, counts: map[string]int{}, clients: map[string]string{}, codes: map[string]code{},
		refresh: map[string]string{}, access: map[string]bool{},
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeServer) provider() provider.Provider {
	p := provider.Lamina()
	o := *p.OAuth
	o.JSONBodies = !f.forms
	p.OAuth = &o
	return p
}

func (f *fakeServer) discover() Server {
	f.t.Helper()
	server, err := Discover(f.t.Context(), nil, f.URL, f.provider())
	if err != nil {
		f.t.Fatal(err)
	}
	return server
}

func (f *fakeServer) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[what]
}

func (f *fakeServer) setFault(fault func(w http.ResponseWriter, r *http.Request) (handled bool)) {
	f.locked(func() { f.fault = fault })
}

func (f *fakeServer) locked(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.date != nil {
		w.Header().Set("Date", f.date().UTC().Format(http.TimeFormat))
	}
	var fault func(http.ResponseWriter, *http.Request) bool
	f.locked(func() {
		f.counts[r.URL.Path]++
		fault = f.fault
	})
	if fault != nil && fault(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "GET /.well-known/oauth-authorization-server/cli/oauth":
		f.serveMetadata(w)
	case "POST /cli/oauth/register":
		f.serveRegister(w, r)
	case "GET /cli/oauth/authorize":
		f.serveAuthorize(w, r)
	case "POST /cli/oauth/token":
		f.serveToken(w, r)
	case "POST /cli/oauth/device":
		f.serveDevice(w, r)
	case "POST /cli/oauth/revoke":
		f.serveRevoke(w, r)
	case "GET /v1/account", "POST /v1/account":
		_, _ = io.Copy(io.Discard, r.Body)
		if !f.access[r.Header.Get("x-api-key")] {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"data":{}}`)
	default:
		http.NotFound(w, r)
	}
}

func (f *fakeServer) serveMetadata(w http.ResponseWriter) {
	if !f.metadata {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>app</title>")
		return
	}
	writeJSON(w, 200, map[string]any{
		"issuer": f.URL + "/cli/oauth", "authorization_endpoint": f.URL + "/cli/oauth/authorize",
		"token_endpoint": f.URL + "/cli/oauth/token", "registration_endpoint": f.URL + "/cli/oauth/register",
		"device_authorization_endpoint": f.URL + "/cli/oauth/device", "revocation_endpoint": f.URL + "/cli/oauth/revoke",
		"code_challenge_methods_supported": []string{"S256"}, "authorization_response_iss_parameter_supported": !f.noIssuer,
	})
}

func (f *fakeServer) serveRegister(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name      string   `json:"client_name"`
		URI       string   `json:"client_uri"`
		Redirects []string `json:"redirect_uris"`
		Grants    []string `json:"grant_types"`
		Responses []string `json:"response_types"`
		Method    string   `json:"token_endpoint_auth_method"`
	}
	if r.Header.Get("Content-Type") != "application/json" || json.NewDecoder(r.Body).Decode(&body) != nil ||
		body.Name != "Lamina CLI" || body.URI == "" || len(body.Redirects) != 1 || body.Method != "none" ||
		!slices.Contains(body.Grants, "authorization_code") || !slices.Contains(body.Grants, "refresh_token") ||
		!slices.Equal(body.Responses, []string{"code"}) {
		writeJSON(w, 400, map[string]any{"error": "invalid_client_metadata", "error_description": "registration is incomplete"})
		return
	}
	id := f.next("client")
	f.clients[id] = body.Redirects[0]
	writeJSON(w, 201, map[string]any{"client_id": id, "redirect_uris": body.Redirects})
}

func (f *fakeServer) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if redirect, known := f.clients[q.Get("client_id")]; !known || redirect != q.Get("redirect_uri") {
		http.Error(w, "unknown client or redirect", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	if !f.noIssuer {
		back.Set("iss", f.URL+"/cli/oauth")
	}

	switch {
	case f.responseError != "":
		back.Set("error", f.responseError)
		back.Set("error_description", "<script>alert(1)</script>")
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 ||
		len(q.Get("state")) < 22 || q.Get("scope") != "lamina:creative:read lamina:creative:write lamina:brand:read":
		back.Set("error", "invalid_request")
	default:
		c := f.next("code")
		f.codes[c] = code{q.Get("client_id"), q.Get("redirect_uri"), q.Get("code_challenge")}
		back.Set("code", c)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

// body reads a request in the one format that the server expects.
func (f *fakeServer) body(w http.ResponseWriter, r *http.Request) (map[string]string, bool) {
	fields := map[string]string{}
	contentType := r.Header.Get("Content-Type")
	switch {
	case f.forms && contentType == "application/x-www-form-urlencoded":
		_ = r.ParseForm()
		for name := range r.PostForm {
			fields[name] = r.PostForm.Get(name)
		}
	case !f.forms && contentType == "application/json":
		if err := json.NewDecoder(r.Body).Decode(&fields); err != nil {
			writeJSON(w, 400, map[string]any{"error": "invalid_request"})
			return nil, false
		}
	default:
		http.Error(w, "unsupported "+contentType, http.StatusUnsupportedMediaType)
		return nil, false
	}
	return fields, true
}

func (f *fakeServer) serveToken(w http.ResponseWriter, r *http.Request) {
	b, ok := f.body(w, r)
	if !ok {
		return
	}
	f.counts[b["grant_type"]]++
	switch b["grant_type"] {
	case "authorization_code":
		c, known := f.codes[b["code"]]
		delete(f.codes, b["code"])
		sum := sha256.Sum256([]byte(b["code_verifier"]))
		if !known || c.client != b["client_id"] || c.redirect != b["redirect_uri"] || len(b["code_verifier"]) != 86 ||
			base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge || len(b) != 5 {
			writeJSON(w, 400, map[string]any{"error": "invalid_grant", "error_description": "the code is not valid"})
			return
		}
		f.issue(w, c.client, true)
	case "refresh_token":
		client, live := f.refresh[b["refresh_token"]]
		if !live || client != b["client_id"] || len(b) != 3 {
			writeJSON(w, 400, map[string]any{"error": "invalid_grant", "error_description": "unknown refresh token " + b["refresh_token"][:2]})
			return
		}
		if !f.keepRefresh {
			delete(f.refresh, b["refresh_token"])
		}
		f.issue(w, client, !f.keepRefresh)
	case "urn:ietf:params:oauth:grant-type:device_code":
		if b["device_code"] != "device-secret" || f.clients[b["client_id"]] == "" || len(b) != 3 {
			writeJSON(w, 400, map[string]any{"error": "invalid_grant"})
			return
		}
		if len(f.devices) > 0 {
			next := f.devices[0]
			f.devices = f.devices[1:]
			writeJSON(w, 400, map[string]any{"error": next})
			return
		}
		f.issue(w, b["client_id"], true)
	default:
		writeJSON(w, 400, map[string]any{"error": "unsupported_grant_type"})
	}
}

func (f *fakeServer) issue(w http.ResponseWriter, client string, refresh bool) {
	access := "lma_mcp_at_" + f.next("a")
	f.access[access] = true
	body := map[string]any{"access_token": access, "token_type": "Bearer", "scope": "lamina:creative:read"}
	if f.life != nil {
		body["expires_in"] = f.life
	}
	if refresh {
		token := f.next("rt-secret")
		f.refresh[token] = client
		body["refresh_token"] = token
	}
	writeJSON(w, 200, body)
}

func (f *fakeServer) serveDevice(w http.ResponseWriter, r *http.Request) {
	b, ok := f.body(w, r)
	if !ok {
		return
	}
	if f.clients[b["client_id"]] == "" {
		writeJSON(w, 401, map[string]any{"error": "invalid_client"})
		return
	}
	body := map[string]any{
		"device_code": "device-secret", "user_code": "WDJB-MJHT", "verification_uri": f.URL + "/device",
		"verification_uri_complete": f.URL + "/device?user_code=WDJB-MJHT", "expires_in": 600,
	}
	for name, value := range f.device {
		body[name] = value
	}
	writeJSON(w, 200, body)
}

func (f *fakeServer) serveRevoke(w http.ResponseWriter, r *http.Request) {
	b, ok := f.body(w, r)
	if !ok {
		return
	}
	if b["token_type_hint"] != "refresh_token" || f.refresh[b["token"]] != b["client_id"] {
		writeJSON(w, 400, map[string]any{"error": "invalid_request"})
		return
	}
	delete(f.refresh, b["token"])
	f.revoked = append(f.revoked, b["token"])
}

func (f *fakeServer) next(kind string) string {
	f.serial++
	return fmt.Sprintf("%s-%d", kind, f.serial)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
