package oauth

import (
	"cmp"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

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
		f.T.Fatalf("register: got %d %s, want 201", res.Status, res.Body)
	}
	return res.Object()["client_id"].(string)
}

// authorizeURL returns a valid authorization request, changed by pairs of name and value. An empty value removes a
// parameter.
func (f *rig) authorizeURL(clientID string, changes ...string) string {
	v := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {testRedirect}, "state": {"a state+/="},
		"code_challenge": {testChallenge}, "code_challenge_method": {"S256"},
	}
	change(v, changes)
	return "/cli/oauth/authorize?" + v.Encode()
}

// change sets pairs of name and value. An empty value removes a name.
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
		f.T.Fatalf("authorize: got %d, Location %q, %s; want 303 to the consent page", res.Status, res.Header.Get("Location"), res.Body)
	}
	return f.Get(res.Header.Get("Location"))
}

// answer sends the form on a consent page and returns the query of the redirect to the client.
func (f *rig) answer(page wiretest.Reply, changes ...string) url.Values {
	f.T.Helper()
	v := formOn(f.T, page)
	change(v, changes)
	res := f.PostForm("/oauth/consent", v)
	target, ok := strings.CutPrefix(res.Header.Get("Refresh"), "0; url="+testRedirect+"?")
	if res.Status != http.StatusOK || !ok {
		f.T.Fatalf("decision: got %d, Refresh %q, %s; want 200 and %s", res.Status, res.Header.Get("Refresh"), res.Body, testRedirect)
	}
	query, err := url.ParseQuery(target)
	if err != nil {
		f.T.Fatal(err)
	}
	return query
}

// code approves a request and returns its code.
func (f *rig) code(clientID string) string {
	f.T.Helper()
	code := f.answer(f.openConsent(f.authorizeURL(clientID)), "decision", "approve").Get("code")
	if code == "" {
		f.T.Fatal("the redirect has no code")
	}
	return code
}

// token sends a form to the token endpoint.
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
		f.T.Fatalf("token: got %d %s, want 200", res.Status, res.Body)
	}
	v := res.Object()
	return v["access_token"].(string), v["refresh_token"].(string)
}

func (f *rig) wantAccepted(token string, want bool) {
	f.T.Helper()
	if _, ok := f.s.Authenticate(token); ok != want {
		f.T.Errorf("access token accepted: got %v, want %v", ok, want)
	}
}

// wantError fails the test unless a reply is an error in the form of RFC 6749 §5.2.
func wantError(t *testing.T, res wiretest.Reply, code string) {
	t.Helper()
	status := http.StatusBadRequest
	if code == "invalid_client" {
		status = http.StatusUnauthorized
		if res.Header.Get("WWW-Authenticate") == "" {
			t.Error("WWW-Authenticate: got none, want one with status 401")
		}
	}
	if res.Status != status || res.Object()["error"] != code {
		t.Errorf("got %d %s, want %d %s", res.Status, res.Body, status, code)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: got %q, want no-store", got)
	}
	description, _ := res.Object()["error_description"].(string)
	if !regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`).MatchString(description) {
		t.Errorf("error_description: got %q, want only characters that RFC 6749 allows", description)
	}
}
