package auth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

func TestParamsOfRequests(t *testing.T) {
	t.Parallel()
	s := newIDServer(t)
	server := s.discover(t)
	params := url.Values{"audience": {"https://api.example"}, "resource": {"https://a.example", "https://b.example"}, "login_hint": {"sam@example.com"}}
	c, _ := s.signIn(t, companyClient(server, ClientAuth{}, params.Encode()), nil)

	request := s.authorizations()[0].values
	redirect := request.Get("redirect_uri")
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if request.Get(name) == "" {
			t.Errorf("got no %s", name)
		}
		request.Del(name)
	}
	want := url.Values{
		"client_id": {"app id"}, "redirect_uri": {redirect}, "response_type": {"code"}, "code_challenge_method": {"S256"},
		"scope": {"openid offline_access"},
	}
	for name, values := range params {
		want[name] = values
	}
	wantValues(t, "authorization request, which has no prompt", request, want)

	token := s.to("/token")[0].values
	token.Del("code_verifier")
	wantValues(t, "token request", token, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"app id"}, "code": {token.Get("code")}, "redirect_uri": {redirect},
		"resource": params["resource"],
	})

	if c.Params != params.Encode() || c.RequestedScope != "openid offline_access" || c.Scope != "openid" {
		t.Errorf("got parameters %q, requested scope %q, granted %q; want all of them", c.Params, c.RequestedScope, c.Scope)
	}
	c = refreshOnce(t, c)
	wantValues(t, "refresh request", s.to("/token")[1].values, url.Values{
		"grant_type": {"refresh_token"}, "client_id": {"app id"}, "refresh_token": {s.to("/token")[1].values.Get("refresh_token")},
		"resource": params["resource"],
	})
	if c.Params != params.Encode() || c.RequestedScope != "openid offline_access" {
		t.Errorf("after a refresh: got parameters %q, requested scope %q", c.Params, c.RequestedScope)
	}

	d := &Device{
		Provider: openID(), BaseURL: "https://api.example", Server: server, Client: ClientOf(c),
		Sleep: func(context.Context, time.Duration) error { return nil },
	}
	c = finishStored(t, d)
	want = url.Values{"client_id": {"app id"}, "scope": {"openid offline_access"}}
	for name, values := range params {
		want[name] = values
	}
	wantValues(t, "device request", s.to("/device")[0].values, want)
	wantValues(t, "token request with a device code", s.to("/token")[2].values, url.Values{
		"grant_type": {grantDevice}, "client_id": {"app id"}, "device_code": {"dc"}, "resource": params["resource"],
	})
	if c.Params != params.Encode() || c.RequestedScope != "openid offline_access" {
		t.Errorf("device code: got parameters %q, requested scope %q", c.Params, c.RequestedScope)
	}
}

// finishStored signs in with a device code in two processes.
func finishStored(t *testing.T, d *Device) config.Credential {
	t.Helper()
	login, err := d.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := login.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if secret := d.Client.Auth.Secret.Reveal(); secret != "" && strings.Contains(string(raw), secret) {
		t.Errorf("the stored sign-in contains the client secret: %s", raw)
	}
	decoded, err := DecodeDeviceLogin(raw)
	if err != nil {
		t.Fatal(err)
	}
	if decoded.Client.Auth.NeedsSecret() {
		decoded.Client.Auth.Secret = d.Client.Auth.Secret
	}
	c, err := d.Finish(t.Context(), decoded)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClientSecret(t *testing.T) {
	t.Parallel()
	const secret = "s3cret+value/ü"
	tests := []struct {
		name      string
		supported any // token_endpoint_auth_methods_supported
		want      string
	}{
		{"not listed", nil, authBasic},
		{"both", []string{authPost, authBasic}, authBasic},
		{"post only", []string{"none", authPost}, authPost},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newIDServer(t)
			if test.supported != nil {
				s.metadata["token_endpoint_auth_methods_supported"] = test.supported
			}
			server := s.discover(t)
			auth, err := server.WithSecret(secret)
			if err != nil || auth.Method != test.want {
				t.Fatalf("got %v, %v, want method %s", auth, err, test.want)
			}
			requests := s.useClient(t, server, auth)
			if raw := s.authorizations()[0].values.Encode(); strings.Contains(raw, "s3cret") {
				t.Errorf("the address in the browser contains the secret: %s", raw)
			}
			for _, r := range requests {
				checkSecret(t, r, test.want, secret)
			}
		})
	}
	t.Run("not supported", func(t *testing.T) {
		t.Parallel()
		server := Server{authMethods: []string{authKey}}
		if got, err := server.WithSecret(secret); err == nil {
			t.Errorf("got %v, want an error", got)
		}
	})
}

// checkSecret checks that a request has the client's secret once.
func checkSecret(t *testing.T, r recordedRequest, method, secret string) {
	t.Helper()
	id, password, isBasic := (&http.Request{Header: r.header}).BasicAuth()
	if method == authPost {
		if isBasic || r.values.Get("client_id") != "app id" || r.values.Get("client_secret") != secret {
			t.Errorf("%s %s: got form %v, header %v, want the secret in the form", r.path, r.values.Get("grant_type"), r.values, isBasic)
		}
		return
	}
	if id != "app+id" || password != url.QueryEscape(secret) || r.values.Has("client_id") || r.values.Has("client_secret") {
		t.Errorf("%s %s: got form %v, user %q, want the secret in the header only", r.path, r.values.Get("grant_type"), r.values, id)
	}
}

// The Node client replaces a session and keeps the fields that it does not know. Its requests must not carry the secret.
func TestSecretOfReplacedSession(t *testing.T) {
	t.Parallel()
	c := config.Credential{
		Kind: config.OAuth, ClientID: "c", Issuer: "https://id.example", ClientAuth: authPost, ClientSecret: "s3cret-value", Params: "a=b",
	}
	if got := ClientOf(c); got.Auth != (ClientAuth{}) || got.Params != "" {
		t.Errorf("got %v, want a public client without parameters", got)
	}
}

func TestCheckClientSecret(t *testing.T) {
	t.Parallel()
	if got, err := CheckClientSecret("\ufeffa~b c=\"x\"\r\n"); err != nil || got.Reveal() != `a~b c="x"` {
		t.Errorf("got %q, %v, want the trimmed secret", got.Reveal(), err)
	}
	for _, text := range []string{"", " \n", "two\nlines", "tab\there", strings.Repeat("x", maxKey+1)} {
		if _, err := CheckClientSecret(text); err == nil || strings.Contains(err.Error(), "lines") && strings.Contains(err.Error(), "two") {
			t.Errorf("CheckClientSecret(%.20q): got %v, want an error that does not quote it", text, err)
		}
	}
}
