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
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// fakeServer is a strict authorization server, written from the RFCs, with one protected resource. It refuses what a
// lenient one would let pass.
type fakeServer struct {
	*httptest.Server
	t *testing.T

	metadata    bool // publishes RFC 8414
	forms       bool // wants forms, as RFC 6749 says, instead of Lamina's JSON
	noIssuer    bool // leaves out iss in the redirect
	answerError string
	life        any // expires_in; nil leaves it out
	keepRefresh bool
	date        func() time.Time // the server's clock

	// fault may answer in place of an endpoint.
	fault func(w http.ResponseWriter, r *http.Request) (handled bool)

	mu       sync.Mutex
	counts   map[string]int    // requests by path, and by grant type
	clients  map[string]string // id → redirect URI
	codes    map[string]code
	refresh  map[string]string // live refresh tokens → client id
	spent    map[string]bool
	access   map[string]bool // live access tokens
	revoked  []string
	devices  []string // what the token endpoint answers to device code polls, in order; then a token
	device   map[string]any
	lastBody map[string]string
	serial   int
}

type code struct{ client, redirect, challenge string }

func newFake(t *testing.T) *fakeServer {
	t.Helper()
	f := &fakeServer{
		t: t, life: 3600, counts: map[string]int{}, clients: map[string]string{}, codes: map[string]code{},
		refresh: map[string]string{}, spent: map[string]bool{}, access: map[string]bool{},
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
	answerJSON(w, 200, map[string]any{
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
		answerJSON(w, 400, map[string]any{"error": "invalid_client_metadata", "error_description": "registration is incomplete"})
		return
	}
	id := f.next("client")
	f.clients[id] = body.Redirects[0]
	answerJSON(w, 201, map[string]any{"client_id": id, "redirect_uris": body.Redirects})
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
	case f.answerError != "":
		back.Set("error", f.answerError)
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

// body reads the request as the server wants it, and nothing else.
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
			answerJSON(w, 400, map[string]any{"error": "invalid_request"})
			return nil, false
		}
	default:
		http.Error(w, "unsupported "+contentType, http.StatusUnsupportedMediaType)
		return nil, false
	}
	f.lastBody = fields
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
			answerJSON(w, 400, map[string]any{"error": "invalid_grant", "error_description": "the code is not good"})
			return
		}
		f.issue(w, c.client, true)
	case "refresh_token":
		client, live := f.refresh[b["refresh_token"]]
		if !live || client != b["client_id"] || len(b) != 3 {
			answerJSON(w, 400, map[string]any{"error": "invalid_grant", "error_description": "unknown refresh token " + b["refresh_token"][:2]})
			return
		}
		if !f.keepRefresh {
			delete(f.refresh, b["refresh_token"])
			f.spent[b["refresh_token"]] = true
		}
		f.issue(w, client, !f.keepRefresh)
	case "urn:ietf:params:oauth:grant-type:device_code":
		if b["device_code"] != "device-secret" || f.clients[b["client_id"]] == "" || len(b) != 3 {
			answerJSON(w, 400, map[string]any{"error": "invalid_grant"})
			return
		}
		if len(f.devices) > 0 {
			next := f.devices[0]
			f.devices = f.devices[1:]
			answerJSON(w, 400, map[string]any{"error": next})
			return
		}
		f.issue(w, b["client_id"], true)
	default:
		answerJSON(w, 400, map[string]any{"error": "unsupported_grant_type"})
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
	answerJSON(w, 200, body)
}

func (f *fakeServer) serveDevice(w http.ResponseWriter, r *http.Request) {
	b, ok := f.body(w, r)
	if !ok {
		return
	}
	if f.clients[b["client_id"]] == "" {
		answerJSON(w, 401, map[string]any{"error": "invalid_client"})
		return
	}
	body := map[string]any{
		"device_code": "device-secret", "user_code": "WDJB-MJHT", "verification_uri": f.URL + "/device",
		"verification_uri_complete": f.URL + "/device?user_code=WDJB-MJHT", "expires_in": 600,
	}
	for name, value := range f.device {
		body[name] = value
	}
	answerJSON(w, 200, body)
}

func (f *fakeServer) serveRevoke(w http.ResponseWriter, r *http.Request) {
	b, ok := f.body(w, r)
	if !ok {
		return
	}
	if b["token_type_hint"] != "refresh_token" || f.refresh[b["token"]] != b["client_id"] {
		answerJSON(w, 400, map[string]any{"error": "invalid_request"})
		return
	}
	delete(f.refresh, b["token"])
	f.revoked = append(f.revoked, b["token"])
}

func (f *fakeServer) next(kind string) string {
	f.serial++
	return fmt.Sprintf("%s-%d", kind, f.serial)
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// A clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// session is a signed-in profile on a fake server.
type session struct {
	*fakeServer
	store  *config.Store
	clock  *clock
	source *Session
}

func newSession(t *testing.T) *session {
	t.Helper()
	f := newFake(t)
	s := &session{fakeServer: f, store: &config.Store{Dir: filepath.Join(t.TempDir(), ".lamina")}, clock: newClock()}
	f.date = s.clock.Now
	f.clients["client-0"] = "http://127.0.0.1/callback"
	f.refresh["rt-secret-0"] = "client-0"
	f.access["lma_mcp_at_a-0"] = true
	now := s.clock.Now()
	c := config.Credential{BaseURL: f.URL, SavedAt: now, ClientID: "client-0"}
	grant{access: "lma_mcp_at_a-0", refresh: "rt-secret-0", lifetime: time.Hour, date: now}.apply(&c, now)
	s.put(c)
	s.source = s.newSource()
	return s
}

func (s *session) newSource() *Session {
	var logs lockedLog
	s.t.Cleanup(func() {
		if text := logs.String(); strings.Contains(text, "rt-secret") || strings.Contains(text, "lma_mcp") {
			s.t.Errorf("a secret is in the log:\n%s", text)
		}
	})
	return &Session{
		Store: s.store, Provider: s.provider(), Now: s.clock.Now, Rand: func() float64 { return 0 }, Logf: logs.printf,
	}
}

func (s *session) put(c config.Credential) {
	s.t.Helper()
	err := s.store.Update(s.t.Context(), func(d *config.Document) error {
		d.SetProfile(config.Profile{Credential: c})
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) stored() config.Credential {
	s.t.Helper()
	doc, err := s.store.Load()
	if err != nil {
		s.t.Fatal(err)
	}
	p, _ := doc.Profile("")
	return p.Credential
}

func (s *session) token() (string, error) {
	token, err := s.source.Token(s.t.Context())
	return token.Reveal(), err
}

func (s *session) wantToken(want string) {
	s.t.Helper()
	if got, err := s.token(); err != nil || got != want {
		s.t.Errorf("token %q (%v), want %q", got, err, want)
	}
}

func (s *session) refreshes() int { return s.count("refresh_token") }

type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.b, format+"\n", args...)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestMain(m *testing.M) {
	if job := os.Getenv("AUTH_TEST_JOB"); job != "" {
		runChild(job)
	}
	os.Exit(m.Run())
}
