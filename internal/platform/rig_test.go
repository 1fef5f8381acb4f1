package platform

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// The verifier and challenge of RFC 7636, Appendix B.
const (
	testVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	testChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	testRedirect  = "http://127.0.0.1:49152/callback"
)

// A rig is a client of a whole platform.
type rig struct {
	*wiretest.Rig
	s *Server
}

func newRig(t *testing.T, opts Options) *rig {
	t.Helper()
	f := &rig{Rig: wiretest.NewClient(t)}
	opts.BaseURL, opts.Now = f.URL, f.Clock.Now
	var err error
	if f.s, err = New(opts); err != nil {
		t.Fatal(err)
	}
	f.ServeUnguarded(f.s)
	t.Cleanup(func() {
		if err := f.s.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// register registers a client and returns its id.
func (f *rig) register() string {
	f.T.Helper()
	res := f.Post("/cli/oauth/register", `{"redirect_uris": ["`+testRedirect+`"]}`).Want(http.StatusCreated)
	return res.Object()["client_id"].(string)
}

// signIn returns the refresh token of a new sign-in. It needs Options.AutoApprove.
func (f *rig) signIn(clientID string) (access, refresh string) {
	f.T.Helper()
	location := f.Get(authorizePath(clientID)).Want(http.StatusSeeOther).Header.Get("Location")
	target, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, testRedirect) {
		f.T.Fatalf("authorize: got the redirect %q (%v), want %s", location, err, testRedirect)
	}
	return f.tokens(url.Values{
		"grant_type": {"authorization_code"}, "client_id": {clientID}, "code": {target.Query().Get("code")},
		"redirect_uri": {testRedirect}, "code_verifier": {testVerifier},
	})
}

func authorizePath(clientID string) string {
	return "/cli/oauth/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {testRedirect},
		"code_challenge": {testChallenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

// tokens returns the tokens for a request to the token endpoint.
func (f *rig) tokens(form url.Values) (access, refresh string) {
	f.T.Helper()
	reply := f.PostForm("/cli/oauth/token", form).Want(http.StatusOK).Object()
	return reply["access_token"].(string), reply["refresh_token"].(string)
}

func refreshForm(clientID, token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "client_id": {clientID}, "refresh_token": {token}}
}

// refresh sends a refresh token.
func (f *rig) refresh(clientID, token string) wiretest.Reply {
	f.T.Helper()
	return f.PostForm("/cli/oauth/token", refreshForm(clientID, token))
}

// isAccepted reports whether the Lamina API accepts a token or an API key.
func (f *rig) isAccepted(token string) bool {
	f.T.Helper()
	return f.Call("GET", "/v1/account", nil, "X-Api-Key", token).Status == http.StatusOK
}

// plan plans a fault.
func (f *rig) plan(body string) {
	f.T.Helper()
	f.Post("/dev/faults", body).Want(http.StatusCreated)
}

// received returns the requests of GET /dev/requests.
func (f *rig) received() []map[string]any {
	f.T.Helper()
	return wiretest.Data[[]map[string]any](f.Get("/dev/requests"))
}
