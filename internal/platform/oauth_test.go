package platform

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The verifier and challenge of RFC 7636, Appendix B.
const (
	testVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	testChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	testRedirect  = "http://127.0.0.1:49152/callback"
)

// A foreigner is a client of a platform, over HTTP, with a browser's cookies. It follows no redirects.
type foreigner struct {
	t     *testing.T
	s     *Server
	url   string
	http  *http.Client
	clock *testClock
}

// meet starts a platform and returns a foreigner to it.
func meet(t *testing.T, opts Options) *foreigner {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clock := &testClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	opts.BaseURL = "http://" + listener.Addr().String()
	opts.Now = clock.Now
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s}}
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &foreigner{t: t, s: s, url: opts.BaseURL, http: newBrowser(t), clock: clock}
}

func newBrowser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{
		Jar: jar, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// An httpReply is an answer with its body read.
type httpReply struct {
	*http.Response
	body string
}

func (r httpReply) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("the body is not a JSON object: %q", r.body)
	}
	return v
}

func (f *foreigner) do(req *http.Request) httpReply {
	f.t.Helper()
	res, err := f.http.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return httpReply{res, string(body)}
}

func (f *foreigner) request(method, path, contentType, body string) *http.Request {
	f.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = f.url + path
	}
	req, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req
}

func (f *foreigner) get(path string) httpReply { return f.do(f.request("GET", path, "", "")) }

func (f *foreigner) form(path string, v url.Values) httpReply {
	return f.do(f.request("POST", path, "application/x-www-form-urlencoded", v.Encode()))
}

func (f *foreigner) json(path, body string) httpReply {
	return f.do(f.request("POST", path, "application/json", body))
}

// register registers a client for all grants and returns its id.
func (f *foreigner) register(name string, redirects ...string) string {
	f.t.Helper()
	if len(redirects) == 0 {
		redirects = []string{"http://127.0.0.1/callback"}
	}
	body, _ := json.Marshal(map[string]any{
		"client_name": name, "redirect_uris": redirects, "grant_types": []string{grantCode, grantRefresh, grantDevice},
	})
	res := f.json("/cli/oauth/register", string(body))
	if res.StatusCode != http.StatusCreated {
		f.t.Fatalf("register: %d %s", res.StatusCode, res.body)
	}
	return res.json(f.t)["client_id"].(string)
}

// authorizeURL is a correct authorization request, changed by pairs of name and value. An empty value leaves out.
func (f *foreigner) authorizeURL(clientID string, changes ...string) string {
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
func formOn(t *testing.T, page httpReply) url.Values {
	t.Helper()
	v := url.Values{"workspace": {"wsp_atelier"}}
	for _, m := range hiddenInput.FindAllStringSubmatch(page.body, -1) {
		v.Set(m[1], html.UnescapeString(m[2]))
	}
	if len(v) != 3 {
		t.Fatalf("the page has no form: %d %s", page.StatusCode, page.body)
	}
	return v
}

// openConsent follows an authorization request to its consent page.
func (f *foreigner) openConsent(authorizeURL string) httpReply {
	f.t.Helper()
	res := f.get(authorizeURL)
	if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/oauth/consent?request=") {
		f.t.Fatalf("authorize: %d %s %s", res.StatusCode, res.Header.Get("Location"), res.body)
	}
	return f.get(res.Header.Get("Location"))
}

// answer sends the form on a consent page and returns the query with which the browser would go back to the client.
func (f *foreigner) answer(page httpReply, changes ...string) url.Values {
	f.t.Helper()
	v := formOn(f.t, page)
	change(v, changes)
	res := f.form("/oauth/consent", v)
	target, ok := strings.CutPrefix(res.Header.Get("Refresh"), "0; url="+testRedirect+"?")
	if res.StatusCode != http.StatusOK || !ok {
		f.t.Fatalf("answer: %d %q %s", res.StatusCode, res.Header.Get("Refresh"), res.body)
	}
	query, err := url.ParseQuery(target)
	if err != nil {
		f.t.Fatal(err)
	}
	return query
}

// code walks through consent and returns a code.
func (f *foreigner) code(clientID string) string {
	f.t.Helper()
	code := f.answer(f.openConsent(f.authorizeURL(clientID)), "decision", "approve").Get("code")
	if code == "" {
		f.t.Fatal("there is no code")
	}
	return code
}

// token asks the token endpoint with a form.
func (f *foreigner) token(pairs ...string) httpReply {
	v := url.Values{}
	change(v, pairs)
	return f.form("/cli/oauth/token", v)
}

func (f *foreigner) exchange(clientID, code string, changes ...string) httpReply {
	return f.token(append([]string{
		"grant_type", grantCode, "client_id", clientID, "code", code, "code_verifier", testVerifier, "redirect_uri", testRedirect,
	}, changes...)...)
}

func (f *foreigner) refresh(clientID, token string, changes ...string) httpReply {
	return f.token(append([]string{"grant_type", grantRefresh, "client_id", clientID, "refresh_token", token}, changes...)...)
}

// signIn returns the access and the refresh token of a new grant.
func (f *foreigner) signIn(clientID string) (access, refresh string) {
	f.t.Helper()
	return f.tokens(f.exchange(clientID, f.code(clientID)))
}

func (f *foreigner) tokens(res httpReply) (access, refresh string) {
	f.t.Helper()
	if res.StatusCode != http.StatusOK {
		f.t.Fatalf("token: %d %s", res.StatusCode, res.body)
	}
	v := res.json(f.t)
	return v["access_token"].(string), v["refresh_token"].(string)
}

// whois asks the API's side who a token speaks for.
func (f *foreigner) whois(token string) (p principal, ok bool) {
	f.s.store.view(func(tx *tx) { p, ok = f.s.authenticate(tx, token) })
	return p, ok
}

func (f *foreigner) wantAlive(token string, want bool) {
	f.t.Helper()
	if _, ok := f.whois(token); ok != want {
		f.t.Errorf("the token is accepted: %v, want %v", ok, want)
	}
}

// wantError checks an answer in the form of RFC 6749 §5.2.
func wantError(t *testing.T, res httpReply, code string) {
	t.Helper()
	status := http.StatusBadRequest
	if code == "invalid_client" {
		status = http.StatusUnauthorized
		if res.Header.Get("WWW-Authenticate") == "" {
			t.Error("a 401 without WWW-Authenticate")
		}
	}
	if res.StatusCode != status || res.json(t)["error"] != code {
		t.Errorf("got %d %s, want %d %s", res.StatusCode, res.body, status, code)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
	description, _ := res.json(t)["error_description"].(string)
	if !regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`).MatchString(description) {
		t.Errorf("error_description = %q has characters that RFC 6749 forbids", description)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
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
	}`, "BASE", f.url)), &want)
	if err != nil {
		t.Fatal(err)
	}
	res := f.get("/.well-known/oauth-authorization-server/cli/oauth")
	if got := res.json(t); !reflect.DeepEqual(got, want) {
		t.Errorf("metadata = %v, want %v", got, want)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q", got)
	}
}

// The registration of the existing Node client, and its answer.
func TestRegister(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	res := f.json("/cli/oauth/register", `{"client_name": "Lamina CLI", "client_uri": "https://github.com/uselamina/lamina-cli",
		"redirect_uris": ["http://127.0.0.1:49152/callback"], "grant_types": ["authorization_code", "refresh_token"],
		"response_types": ["code"], "token_endpoint_auth_method": "none", "client_id": "mine", "unknown": {}}`)
	got := res.json(t)
	id, _ := got["client_id"].(string)
	if !strings.HasPrefix(id, "lmc_") {
		t.Errorf("client_id = %q", id)
	}
	delete(got, "client_id")
	want := map[string]any{
		"client_id_issued_at": float64(f.clock.Now().Unix()), "client_name": "Lamina CLI",
		"client_uri":    "https://github.com/uselamina/lamina-cli",
		"redirect_uris": []any{"http://127.0.0.1:49152/callback"}, "grant_types": []any{"authorization_code", "refresh_token"},
		"response_types": []any{"code"}, "token_endpoint_auth_method": "none",
		"scope": "lamina:creative:read lamina:creative:write lamina:brand:read",
	}
	if res.StatusCode != http.StatusCreated || !reflect.DeepEqual(got, want) {
		t.Errorf("registered %d %v, want %v", res.StatusCode, got, want)
	}
}

func TestRegisterRefusals(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
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
		"too large to be one": {`{"client_name": "` + strings.Repeat("x", maxOAuthBody) + `"}`, "invalid_client_metadata"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, f.json("/cli/oauth/register", c.body), c.want) })
	}
	t.Run("form", func(t *testing.T) {
		wantError(t, f.form("/cli/oauth/register", url.Values{"client_name": {"x"}}), "invalid_client_metadata")
	})
	t.Run("only device", func(t *testing.T) {
		if res := f.json("/cli/oauth/register", `{"grant_types": ["`+grantDevice+`"]}`); res.StatusCode != http.StatusCreated {
			t.Errorf("a client of the device flow needs no redirect: %s", res.body)
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
	s := &Server{opts: Options{BaseURL: "http://127.0.0.1:1"}}
	f.Fuzz(func(t *testing.T, uri string) {
		if checkRedirectURI(uri) != nil {
			return
		}
		u, err := url.Parse(s.redirect(consent{RedirectURI: uri, State: "s"}, url.Values{"code": {"c"}}))
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

func TestCleanText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  Lamina \t\r\n CLI ":            "Lamina CLI",
		"a\x00b\x1b[31mc\x7f":             "ab[31mc",
		"evil\u202egpj.exe":               "evilgpj.exe",
		"zero\u200bwidth\ufeff":           "zerowidth",
		"a\u2066b\u2069c\u2028d":          "abc d",
		"caf\u0065\u0301":                 "cafe\u0301",
		"z" + strings.Repeat("\u0335", 9): "z\u0335\u0335",
		"0123456789ABC":                   "012345678…",
		"0123456789":                      "0123456789",
		"\xff\xfe":                        "",
		"Größe ✓ 東京":                      "Größe ✓ 東京",
	} {
		if got := cleanText(in, 10); len([]rune(want)) <= 10 && got != want {
			t.Errorf("cleanText(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzCleanText(f *testing.F) {
	f.Add("a\u202eb\x1b]0;x\x07", 5)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = max(1, min(limit, 1000))
		got := cleanText(text, limit)
		if len([]rune(got)) > limit {
			t.Fatalf("%q has more than %d characters", got, limit)
		}
		if strings.ContainsFunc(got, func(r rune) bool {
			return r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r == 0xfffd && !bytes.ContainsRune([]byte(text), 0xfffd)
		}) {
			t.Fatalf("%q is not clean", got)
		}
	})
}
