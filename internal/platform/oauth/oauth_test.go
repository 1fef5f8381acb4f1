package oauth

import (
	"cmp"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// The verifier and challenge of RFC 7636, Appendix B.
const (
	testVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	testChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	testRedirect  = "http://127.0.0.1:49152/callback"
)

// A rig is a client and the browser of a user at an authorization server.
type rig struct {
	*wiretest.Rig
	s *Server
}

func newRig(t *testing.T, opts Options) *rig {
	t.Helper()
	return newRigAt(t, "", opts)
}

// newRigAt returns a rig with a data file.
func newRigAt(t *testing.T, file string, opts Options) *rig {
	t.Helper()
	opts.AccessTokenTTL = cmp.Or(opts.AccessTokenTTL, time.Hour)
	opts.RefreshTokenTTL = cmp.Or(opts.RefreshTokenTTL, 30*24*time.Hour)
	opts.DeviceInterval = cmp.Or(opts.DeviceInterval, 5*time.Second)
	f := &rig{Rig: wiretest.New(t, file)}
	f.s = New(f.Deps, opts)
	f.Serve(f.s)
	return f
}

// register registers a client for all grants and returns its id.
func (f *rig) register(name string, redirects ...string) string {
	f.T.Helper()
	if len(redirects) == 0 {
		redirects = []string{"http://127.0.0.1/callback"}
	}
	body, _ := json.Marshal(map[string]any{
		"client_name": name, "redirect_uris": redirects, "grant_types": []string{grantCode, grantRefresh, grantDevice},
	})
	res := f.Post("/cli/oauth/register", string(body))
	if res.Status != http.StatusCreated {
		f.T.Fatalf("register: %d %s", res.Status, res.Body)
	}
	return res.Object()["client_id"].(string)
}

// authorizeURL is a correct authorization request, changed by pairs of name and value. An empty value leaves out.
func (f *rig) authorizeURL(clientID string, changes ...string) string {
	v := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {testRedirect}, "state": {"a state+/="},
		"code_challenge": {testChallenge}, "code_challenge_method": {"S256"},
	}
	change(v, changes)
	return "/cli/oauth/authorize?" + v.Encode()
}

func change(v url.Values, changes []string) {
	for i := 0; i < len(changes); i += 2 {
		v.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			v.Del(changes[i])
		}
	}
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// formOn returns the fields of the form on a page, with the first workspace and no decision.
func formOn(t *testing.T, page wiretest.Reply) url.Values {
	t.Helper()
	v := url.Values{"workspace": {"wsp_atelier"}}
	for _, m := range hiddenInput.FindAllStringSubmatch(page.Body, -1) {
		v.Set(m[1], html.UnescapeString(m[2]))
	}
	if len(v) != 3 {
		t.Fatalf("the page has no form: %d %s", page.Status, page.Body)
	}
	return v
}

// openConsent follows an authorization request to its consent page.
func (f *rig) openConsent(authorizeURL string) wiretest.Reply {
	f.T.Helper()
	res := f.Get(authorizeURL)
	if res.Status != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/oauth/consent?request=") {
		f.T.Fatalf("authorize: %d %s %s", res.Status, res.Header.Get("Location"), res.Body)
	}
	return f.Get(res.Header.Get("Location"))
}

// answer sends the form on a consent page and returns the query with which the browser would go back to the client.
func (f *rig) answer(page wiretest.Reply, changes ...string) url.Values {
	f.T.Helper()
	v := formOn(f.T, page)
	change(v, changes)
	res := f.PostForm("/oauth/consent", v)
	target, ok := strings.CutPrefix(res.Header.Get("Refresh"), "0; url="+testRedirect+"?")
	if res.Status != http.StatusOK || !ok {
		f.T.Fatalf("answer: %d %q %s", res.Status, res.Header.Get("Refresh"), res.Body)
	}
	query, err := url.ParseQuery(target)
	if err != nil {
		f.T.Fatal(err)
	}
	return query
}

// code walks through consent and returns a code.
func (f *rig) code(clientID string) string {
	f.T.Helper()
	code := f.answer(f.openConsent(f.authorizeURL(clientID)), "decision", "approve").Get("code")
	if code == "" {
		f.T.Fatal("there is no code")
	}
	return code
}

// token asks the token endpoint with a form.
func (f *rig) token(pairs ...string) wiretest.Reply {
	v := url.Values{}
	change(v, pairs)
	return f.PostForm("/cli/oauth/token", v)
}

func (f *rig) exchange(clientID, code string, changes ...string) wiretest.Reply {
	return f.token(append([]string{
		"grant_type", grantCode, "client_id", clientID, "code", code, "code_verifier", testVerifier, "redirect_uri", testRedirect,
	}, changes...)...)
}

func (f *rig) refresh(clientID, token string, changes ...string) wiretest.Reply {
	return f.token(append([]string{"grant_type", grantRefresh, "client_id", clientID, "refresh_token", token}, changes...)...)
}

// signIn returns the access and the refresh token of a new grant.
func (f *rig) signIn(clientID string) (access, refresh string) {
	f.T.Helper()
	return f.tokens(f.exchange(clientID, f.code(clientID)))
}

func (f *rig) tokens(res wiretest.Reply) (access, refresh string) {
	f.T.Helper()
	if res.Status != http.StatusOK {
		f.T.Fatalf("token: %d %s", res.Status, res.Body)
	}
	v := res.Object()
	return v["access_token"].(string), v["refresh_token"].(string)
}

func (f *rig) wantAlive(token string, want bool) {
	f.T.Helper()
	if _, ok := f.s.Authenticate(token); ok != want {
		f.T.Errorf("the token is accepted: %v, want %v", ok, want)
	}
}

// wantError checks an answer in the form of RFC 6749 §5.2.
func wantError(t *testing.T, res wiretest.Reply, code string) {
	t.Helper()
	status := http.StatusBadRequest
	if code == "invalid_client" {
		status = http.StatusUnauthorized
		if res.Header.Get("WWW-Authenticate") == "" {
			t.Error("a 401 without WWW-Authenticate")
		}
	}
	if res.Status != status || res.Object()["error"] != code {
		t.Errorf("got %d %s, want %d %s", res.Status, res.Body, status, code)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
	description, _ := res.Object()["error_description"].(string)
	if !regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`).MatchString(description) {
		t.Errorf("error_description = %q has characters that RFC 6749 forbids", description)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	want := map[string]any{}
	err := json.Unmarshal([]byte(strings.ReplaceAll(`{
		"issuer": "BASE/cli/oauth",
		"authorization_endpoint": "BASE/cli/oauth/authorize",
		"token_endpoint": "BASE/cli/oauth/token",
		"registration_endpoint": "BASE/cli/oauth/register",
		"revocation_endpoint": "BASE/cli/oauth/revoke",
		"device_authorization_endpoint": "BASE/cli/oauth/device_authorization",
		"scopes_supported": ["lamina:creative:read", "lamina:creative:write", "lamina:brand:read"],
		"response_types_supported": ["code"],
		"response_modes_supported": ["query"],
		"grant_types_supported": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
		"token_endpoint_auth_methods_supported": ["none"],
		"revocation_endpoint_auth_methods_supported": ["none"],
		"code_challenge_methods_supported": ["S256"],
		"authorization_response_iss_parameter_supported": true,
		"service_documentation": "https://docs.uselamina.ai"
	}`, "BASE", f.URL)), &want)
	if err != nil {
		t.Fatal(err)
	}
	res := f.Get("/.well-known/oauth-authorization-server/cli/oauth")
	if got := res.Object(); !reflect.DeepEqual(got, want) {
		t.Errorf("metadata = %v, want %v", got, want)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q", got)
	}
}

// The registration of the existing Node client, and its answer.
func TestRegister(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	res := f.Post("/cli/oauth/register", `{"client_name": "Lamina CLI", "client_uri": "https://github.com/uselamina/lamina-cli",
		"redirect_uris": ["http://127.0.0.1:49152/callback"], "grant_types": ["authorization_code", "refresh_token"],
		"response_types": ["code"], "token_endpoint_auth_method": "none", "client_id": "mine", "unknown": {}}`)
	got := res.Object()
	id, _ := got["client_id"].(string)
	if !strings.HasPrefix(id, "lmc_") {
		t.Errorf("client_id = %q", id)
	}
	delete(got, "client_id")
	want := map[string]any{
		"client_id_issued_at": float64(f.Clock.Now().Unix()), "client_name": "Lamina CLI",
		"client_uri":    "https://github.com/uselamina/lamina-cli",
		"redirect_uris": []any{"http://127.0.0.1:49152/callback"}, "grant_types": []any{"authorization_code", "refresh_token"},
		"response_types": []any{"code"}, "token_endpoint_auth_method": "none",
		"scope": "lamina:creative:read lamina:creative:write lamina:brand:read",
	}
	if res.Status != http.StatusCreated || !reflect.DeepEqual(got, want) {
		t.Errorf("registered %d %v, want %v", res.Status, got, want)
	}
}

func TestRegisterRefusals(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	for name, c := range map[string]struct{ body, want string }{
		"no JSON":             {`client_name=x`, "invalid_client_metadata"},
		"wrong type":          {`{"redirect_uris": "https://a.example"}`, "invalid_client_metadata"},
		"no redirect":         {`{}`, "invalid_redirect_uri"},
		"secret":              {`{"redirect_uris": ["https://a.example"], "token_endpoint_auth_method": "client_secret_basic"}`, "invalid_client_metadata"},
		"implicit":            {`{"redirect_uris": ["https://a.example"], "grant_types": ["implicit"]}`, "invalid_client_metadata"},
		"only refresh":        {`{"redirect_uris": ["https://a.example"], "grant_types": ["refresh_token"]}`, "invalid_client_metadata"},
		"token response":      {`{"redirect_uris": ["https://a.example"], "response_types": ["token"]}`, "invalid_client_metadata"},
		"code for device":     {`{"grant_types": ["` + grantDevice + `"], "response_types": ["code"]}`, "invalid_client_metadata"},
		"scope":               {`{"redirect_uris": ["https://a.example"], "scope": "lamina:all"}`, "invalid_client_metadata"},
		"script as page":      {`{"redirect_uris": ["https://a.example"], "client_uri": "javascript:alert(1)"}`, "invalid_client_metadata"},
		"one bad redirect":    {`{"redirect_uris": ["https://a.example", "http://a.example"]}`, "invalid_redirect_uri"},
		"too many redirects":  {`{"redirect_uris": [` + strings.Repeat(`"https://a.example",`, 16) + `"https://a.example"]}`, "invalid_redirect_uri"},
		"too large to be one": {`{"client_name": "` + strings.Repeat("x", maxBody) + `"}`, "invalid_client_metadata"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, f.Post("/cli/oauth/register", c.body), c.want) })
	}
	t.Run("form", func(t *testing.T) {
		wantError(t, f.PostForm("/cli/oauth/register", url.Values{"client_name": {"x"}}), "invalid_client_metadata")
	})
	t.Run("only device", func(t *testing.T) {
		if res := f.Post("/cli/oauth/register", `{"grant_types": ["`+grantDevice+`"]}`); res.Status != http.StatusCreated {
			t.Errorf("a client of the device flow needs no redirect: %s", res.Body)
		}
	})
}

func TestCheckRedirectURI(t *testing.T) {
	t.Parallel()
	for uri, ok := range map[string]bool{
		"http://127.0.0.1/callback":                          true,
		"http://127.0.0.1:1/":                                true,
		"http://127.0.0.1":                                   true,
		"http://[::1]:8080/cb?x=1":                           true,
		"http://localhost:65535/cb":                          true,
		"https://app.example/cb":                             true,
		"https://app.example:8443/cb?a=b":                    true,
		"http://app.example/cb":                              false,
		"http://127.0.0.2/cb":                                false,
		"http://127.1/cb":                                    false,
		"http://0x7f000001/cb":                               false,
		"http://2130706433/cb":                               false,
		"http://LOCALHOST/cb":                                false,
		"http://localhost./cb":                               false,
		"http://localhost.evil.example/cb":                   false,
		"http://127.0.0.1.evil.example/cb":                   false,
		"http://127.0.0.1@evil.example/cb":                   false,
		"http://evil.example#@127.0.0.1/":                    false,
		"http://127.0.0.1\\@evil.example/":                   false,
		"http://127.0.0.1:/cb":                               false,
		"http://127.0.0.1:0/cb":                              false,
		"http://127.0.0.1:65536/cb":                          false,
		"http://127.0.0.1:80:80/cb":                          false,
		"http://[::ffff:127.0.0.1]/cb":                       false,
		"http://[::1%25lo]/cb":                               false,
		"http://user@127.0.0.1/cb":                           false,
		"https://user:word@app.example/cb":                   false,
		"http://127.0.0.1/cb#":                               false,
		"http://127.0.0.1/cb#x":                              false,
		"http://127.0.0.1/c b":                               false,
		"http://127.0.0.1/c\nb":                              false,
		"http://127.0.0.1/c\tb":                              false,
		"http://127.0.0.1/é":                                 false,
		"https://*.example/cb":                               false,
		"https:///cb":                                        false,
		"https:app.example":                                  false,
		"HTTPS://app.example/":                               false,
		"//127.0.0.1/cb":                                     false,
		"/cb":                                                false,
		"":                                                   false,
		"javascript:alert(1)":                                false,
		"javascript://127.0.0.1/%0aalert(1)":                 false,
		"data:text/html,x":                                   false,
		"file:///etc/passwd":                                 false,
		"custom-app:/cb":                                     false,
		"https://app.example/" + strings.Repeat("x", maxURI): false,
	} {
		if err := checkRedirectURI(uri); (err == nil) != ok {
			t.Errorf("checkRedirectURI(%q) = %v, want ok %v", uri, err, ok)
		}
	}
}

func TestRedirectMatching(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		registered, asked string
		want              bool
	}{
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/callback", true},
		{"http://127.0.0.1:1111/callback", "http://127.0.0.1:2222/callback", true},
		{"http://127.0.0.1:1111/callback", "http://127.0.0.1/callback", true},
		{"http://[::1]/callback", "http://[::1]:49152/callback", true},
		{"http://localhost:3/cb?a=1", "http://localhost:4/cb?a=1", true},
		{"https://app.example/cb", "https://app.example/cb", true},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/callback/", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/Callback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/callback?x=1", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/%63allback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152/a/../callback", false},
		{"http://127.0.0.1/callback", "http://localhost:49152/callback", false},
		{"http://127.0.0.1/callback", "http://[::1]:49152/callback", false},
		{"http://127.0.0.1/callback", "https://127.0.0.1:49152/callback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152", false},
		{"http://127.0.0.1", "http://127.0.0.1:49152/", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:49152@evil.example/callback", false},
		{"https://app.example/cb", "https://app.example:444/cb", false},
		{"https://127.0.0.1:1/cb", "https://127.0.0.1:2/cb", false},
		{"https://app.example/cb", "https://app.example/cb#x", false},
		{"https://app.example/cb", "https://app.example.evil.example/cb", false},
	} {
		got := (&client{RedirectURIs: []string{"https://other.example/", c.registered}}).redirectsTo(c.asked)
		if got != c.want {
			t.Errorf("registered %q, asked %q: %v, want %v", c.registered, c.asked, got, c.want)
		}
	}
}

// What the answer is sent to must be what was checked, also as a browser understands it.
func FuzzRedirectURI(f *testing.F) {
	for _, seed := range []string{testRedirect, "https://a.example/?x", "http://127.0.0.1\\@e/", "http://[::1]:1", "http://localhost:1#"} {
		f.Add(seed)
	}
	s := &Server{Deps: wire.Deps{BaseURL: "http://127.0.0.1:1"}}
	f.Fuzz(func(t *testing.T, uri string) {
		if checkRedirectURI(uri) != nil {
			return
		}
		u, err := url.Parse(s.redirectTo(consent{RedirectURI: uri, State: "s"}, url.Values{"code": {"c"}}))
		if err != nil || u.User != nil || u.Fragment != "" || u.Query().Get("code") == "" && !strings.ContainsAny(uri, "%;&?") {
			t.Fatalf("%q leads to %v (%v)", uri, u, err)
		}
		if u.Scheme != "https" && (u.Scheme != "http" || !isLoopbackName(u)) {
			t.Fatalf("%q leads to another machine in the clear: %v", uri, u)
		}
		if portless, ok := withoutPort(uri); ok && checkRedirectURI(portless) != nil {
			t.Fatalf("%q without its port is %q, which is none", uri, portless)
		}
	})
}

func FuzzParseParams(f *testing.F) {
	f.Add("application/json", []byte(`{"grant_type": "refresh_token", "x": 1}`))
	f.Add("application/x-www-form-urlencoded; charset=utf-8", []byte(`a=b&c=%20`))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		p, refusal := parseParams(contentType, body)
		if (p == nil) == (refusal == nil) {
			t.Fatalf("%v and %v", p, refusal)
		}
		for name, value := range p {
			if value == "" {
				t.Fatalf("%q is empty and not left out", name)
			}
		}
	})
}

func TestParseParams(t *testing.T) {
	t.Parallel()
	const form, object = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	for name, c := range map[string]struct {
		contentType, body string
		want              params
	}{
		"form":           {form, "a=1&b=x+y%26&c=", params{"a": "1", "b": "x y&"}},
		"object":         {object, `{"a": "1", "b": "", "c": 3, "d": null, "e": {}}`, params{"a": "1"}},
		"twice":          {form, "a=1&a=2", nil},
		"bad escape":     {form, "a=%zz", nil},
		"semicolon":      {form, "a=1;b=2", nil},
		"array":          {object, `["a"]`, nil},
		"null":           {object, `null`, nil},
		"two objects":    {object, `{"a":"1"} {}`, nil},
		"other type":     {"text/plain", "a=1", nil},
		"no type at all": {"", "a=1", nil},
	} {
		got, refusal := parseParams(c.contentType, []byte(c.body))
		if !reflect.DeepEqual(got, c.want) || (refusal == nil) != (c.want != nil) {
			t.Errorf("%s: %v, %v, want %v", name, got, refusal, c.want)
		}
	}
}
