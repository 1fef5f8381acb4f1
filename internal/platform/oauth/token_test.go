package oauth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestCodeFlow(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(f *rig, p map[string]string) wiretest.Reply{
		"form": func(f *rig, p map[string]string) wiretest.Reply {
			v := url.Values{}
			for name, value := range p {
				v.Set(name, value)
			}
			return f.PostForm("/cli/oauth/token", v)
		},
		"json": func(f *rig, p map[string]string) wiretest.Reply {
			body, _ := json.Marshal(p)
			return f.Post("/cli/oauth/token", string(body))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newRig(t, Options{})
			id := f.register("Lamina CLI")
			back := f.answer(f.openConsent(f.authorizeURL(id)), "decision", "approve", "workspace", "wsp_northwind")
			if back.Get("iss") != f.URL+"/cli/oauth" || back.Get("state") != "a state+/=" || len(back) != 3 {
				t.Errorf("redirect has %v", back)
			}
			res := send(f, map[string]string{
				"grant_type": "authorization_code", "client_id": id, "code": back.Get("code"),
				"code_verifier": testVerifier, "redirect_uri": testRedirect,
			})
			access, refresh := f.tokens(res)
			if !strings.HasPrefix(access, "lma_mcp_at_") || !strings.HasPrefix(refresh, "lma_mcp_rt_") {
				t.Errorf("tokens %q, %q", access, refresh)
			}
			got := res.Object()
			delete(got, "access_token")
			delete(got, "refresh_token")
			want := map[string]any{
				"token_type": "Bearer", "expires_in": 3600.0, "scope": "lamina:creative:read lamina:creative:write lamina:brand:read",
			}
			if !reflect.DeepEqual(got, want) || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Pragma") != "no-cache" {
				t.Errorf("token reply %v (%v), want %v", got, res.Header, want)
			}
			who, ok := f.s.Authenticate(access)
			if wantWho := (wire.Principal{UserID: "usr_sample", WorkspaceID: "wsp_northwind", ClientID: id, Scope: allScopes()}); !ok || who != wantWho {
				t.Errorf("the token speaks for %+v, want %+v", who, wantWho)
			}
		})
	}
}

func TestTokenRefusals(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id, other := f.register("one"), f.register("two")
	onlyCode := f.Post("/cli/oauth/register", `{"redirect_uris": ["https://a.example"], "grant_types": ["authorization_code"]}`).
		Object()["client_id"].(string)
	code := f.code(id)
	_, refresh := f.signIn(id)
	for name, c := range map[string]struct {
		res  wiretest.Reply
		want string
	}{
		"no grant type":          {f.token("client_id", id), "invalid_request"},
		"no client":              {f.exchange(id, code, "client_id", ""), "invalid_request"},
		"unknown client":         {f.exchange("lmc_x", code), "invalid_client"},
		"secret":                 {f.exchange(id, code, "client_secret", "x"), "invalid_client"},
		"unknown grant type":     {f.token("grant_type", "password", "client_id", id), "unsupported_grant_type"},
		"grant type not allowed": {f.refresh(onlyCode, refresh), "unauthorized_client"},
		"device not allowed":     {f.token("grant_type", grantDevice, "client_id", onlyCode, "device_code", "x"), "unauthorized_client"},
		"no code":                {f.exchange(id, ""), "invalid_request"},
		"no redirect":            {f.exchange(id, code, "redirect_uri", ""), "invalid_request"},
		"no verifier":            {f.exchange(id, code, "code_verifier", ""), "invalid_request"},
		"unknown code":           {f.exchange(id, "x"), "invalid_grant"},
		"code of another":        {f.exchange(other, code), "invalid_grant"},
		"other redirect":         {f.exchange(id, code, "redirect_uri", "http://127.0.0.1:49153/callback"), "invalid_grant"},
		"wrong verifier":         {f.exchange(id, code, "code_verifier", strings.Repeat("a", 43)), "invalid_grant"},
		"challenge as verifier":  {f.exchange(id, code, "code_verifier", testChallenge), "invalid_grant"},
		"no refresh token":       {f.refresh(id, ""), "invalid_request"},
		"unknown refresh token":  {f.refresh(id, "lma_mcp_rt_x"), "invalid_grant"},
		"refresh of another":     {f.refresh(other, refresh), "invalid_grant"},
		"more scope":             {f.refresh(id, refresh, "scope", "lamina:admin"), "invalid_scope"},
		"text":                   {f.Do(f.Request("POST", "/cli/oauth/token", "text/plain", "grant_type=x")), "invalid_request"},
		"query only":             {f.Do(f.Request("POST", "/cli/oauth/token?grant_type=refresh_token&client_id="+id, "application/x-www-form-urlencoded", "")), "invalid_request"},
		"twice": {f.PostForm("/cli/oauth/token", url.Values{
			"grant_type": {grantRefresh, grantRefresh}, "client_id": {id}, "refresh_token": {refresh},
		}), "invalid_request"},
		"too large": {f.exchange(id, strings.Repeat("x", maxBody)), "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, c.res, c.want) })
	}
	if res := f.exchange(id, code); res.Status != http.StatusOK {
		t.Errorf("mistakes have used up the code: %s", res.Body)
	}
	if res := f.refresh(id, refresh); res.Status != http.StatusOK {
		t.Errorf("mistakes have used up the refresh token: %s", res.Body)
	}
	if res := f.Get("/cli/oauth/token"); res.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET of the token endpoint: %d", res.Status)
	}
}

// A verifier below 43 characters is too weak, even where it fits its challenge (RFC 7636 §4.1).
func TestShortVerifier(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	u := f.authorizeURL(id, "code_challenge", "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0") // of "abc"
	code := f.answer(f.openConsent(u), "decision", "approve").Get("code")
	wantError(t, f.exchange(id, code, "code_verifier", "abc"), "invalid_grant")
}

func TestCodeReuseRevokes(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	code := f.code(id)
	access, refresh := f.tokens(f.exchange(id, code))
	otherAccess, _ := f.signIn(id)
	f.wantAlive(access, true)
	wantError(t, f.exchange(id, code), "invalid_grant")
	f.wantAlive(access, false)
	wantError(t, f.refresh(id, refresh), "invalid_grant")
	f.wantAlive(otherAccess, true)
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	early, late := f.code(id), f.code(id)
	f.Clock.Advance(10*time.Minute - time.Second)
	if res := f.exchange(id, early); res.Status != http.StatusOK {
		t.Errorf("a code must live for ten minutes: %s", res.Body)
	}
	f.Clock.Advance(time.Second)
	wantError(t, f.exchange(id, late), "invalid_grant")
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	access1, refresh1 := f.signIn(id)
	access2, refresh2 := f.tokens(f.refresh(id, refresh1))
	if access1 == access2 || refresh1 == refresh2 {
		t.Fatal("the tokens did not change")
	}
	access3, refresh3 := f.tokens(f.refresh(id, refresh2))
	for _, token := range []string{access1, access2, access3} {
		f.wantAlive(token, true)
	}
	wantError(t, f.refresh(id, refresh1), "invalid_grant")
	for _, token := range []string{access1, access2, access3} {
		f.wantAlive(token, false)
	}
	wantError(t, f.refresh(id, refresh3), "invalid_grant")
}

// Of clients that refresh at once with one token, one gets tokens, and the others end the sign-in.
func TestRefreshRace(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	_, refresh := f.signIn(id)
	replies := make([]wiretest.Reply, 4)
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() { replies[i] = f.refresh(id, refresh) })
	}
	wg.Wait()
	won := slices.DeleteFunc(replies, func(r wiretest.Reply) bool { return r.Status != http.StatusOK })
	if len(won) != 1 {
		t.Fatalf("%d refreshes succeeded", len(won))
	}
	access, _ := f.tokens(won[0])
	f.wantAlive(access, false)
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AccessTokenTTL: 2 * time.Minute, RefreshTokenTTL: 24 * time.Hour})
	id := f.register("x")
	res := f.exchange(id, f.code(id))
	access, refresh := f.tokens(res)
	if got := res.Object()["expires_in"]; got != 120.0 {
		t.Errorf("expires_in = %v", got)
	}
	f.Clock.Advance(2*time.Minute - time.Second)
	f.wantAlive(access, true)
	f.Clock.Advance(time.Second)
	f.wantAlive(access, false)

	f.Clock.Advance(23 * time.Hour)
	_, refresh = f.tokens(f.refresh(id, refresh))
	f.Clock.Advance(23 * time.Hour) // more than a day after the sign-in, but not after the last use
	_, refresh = f.tokens(f.refresh(id, refresh))
	f.Clock.Advance(24 * time.Hour)
	wantError(t, f.refresh(id, refresh), "invalid_grant")
}

func TestRefreshNarrowsScope(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	_, refresh := f.signIn(id)
	res := f.refresh(id, refresh, "scope", "lamina:brand:read lamina:creative:read")
	access, refresh := f.tokens(res)
	const narrow = "lamina:creative:read lamina:brand:read"
	if who, _ := f.s.Authenticate(access); res.Object()["scope"] != narrow || who.Scope != narrow {
		t.Errorf("scope = %v, %q", res.Object()["scope"], who.Scope)
	}
	if got := f.refresh(id, refresh).Object()["scope"]; got != allScopes() {
		t.Errorf("the next token has only %v", got)
	}
}

func TestNoRefreshTokenUnlessRegistered(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	id := f.Post("/cli/oauth/register", `{"redirect_uris": ["http://127.0.0.1/callback"], "grant_types": ["authorization_code"]}`).
		Object()["client_id"].(string)
	back, _ := url.Parse(f.Get(f.authorizeURL(id)).Header.Get("Location"))
	if got := f.exchange(id, back.Query().Get("code")).Object(); got["refresh_token"] != nil || got["access_token"] == nil {
		t.Errorf("token reply %v", got)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id, other := f.register("x"), f.register("y")
	revoke := func(clientID, token string) wiretest.Reply {
		return f.PostForm("/cli/oauth/revoke", url.Values{"client_id": {clientID}, "token": {token}, "token_type_hint": {"refresh_token"}})
	}
	access, refresh := f.signIn(id)
	wantError(t, revoke(other, refresh), "invalid_grant")
	wantError(t, revoke("", refresh), "invalid_request")
	wantError(t, revoke(id, ""), "invalid_request")
	wantError(t, revoke("lmc_x", refresh), "invalid_client")
	f.wantAlive(access, true)

	if res := revoke(id, access); res.Status != http.StatusOK {
		t.Errorf("revoke: %d %s", res.Status, res.Body)
	}
	f.wantAlive(access, false)
	access, refresh = f.tokens(f.refresh(id, refresh))

	if res := f.Post("/cli/oauth/revoke", `{"client_id": "`+id+`", "token": "`+refresh+`"}`); res.Status != http.StatusOK {
		t.Errorf("revoke: %d %s", res.Status, res.Body)
	}
	f.wantAlive(access, false)
	wantError(t, f.refresh(id, refresh), "invalid_grant")
	for _, worthless := range []string{refresh, access, "never seen"} {
		if res := revoke(id, worthless); res.Status != http.StatusOK {
			t.Errorf("revoking a worthless token: %d", res.Status)
		}
	}
}

// What the state keeps must not be enough to use it.
func TestStateHasNoSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	f := newRigAt(t, file, Options{})
	id := f.register("x")
	code := f.code(id)
	access, refresh := f.tokens(f.exchange(id, code))
	device := f.PostForm("/cli/oauth/device_authorization", url.Values{"client_id": {id}}).Object()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte(id)) {
		t.Error("the data file does not have the client id: this test does not see its values")
	}
	for _, secret := range []string{code, access, refresh, device["device_code"].(string), device["user_code"].(string)} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the data file has the secret %s", secret)
		}
	}
}

func TestStateSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newRigAt(t, filepath.Join(dir, "state.db"), Options{})
	id := f.register("x")
	access, used := f.signIn(id)
	_, fresh := f.tokens(f.refresh(id, used))
	code := f.code(id)

	// What a process that is killed now leaves behind.
	raw, err := os.ReadFile(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "copy.db")
	if err := os.WriteFile(copied, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the copy after a kill, then the same file after an orderly end
		g := newRigAt(t, copied, Options{})
		g.wantAlive(access, true)
		if err := g.Deps.Store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	g := newRigAt(t, copied, Options{})
	if res := g.exchange(id, code); res.Status != http.StatusOK {
		t.Errorf("the code was lost: %s", res.Body)
	}
	_, fresh = g.tokens(g.refresh(id, fresh))
	wantError(t, g.refresh(id, used), "invalid_grant")
	wantError(t, g.refresh(id, fresh), "invalid_grant")
}

func TestSweep(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	f.signIn(id)
	f.PostForm("/cli/oauth/device_authorization", url.Values{"client_id": {id}})
	f.Get("/device?user_code=BCDF-GHJK")
	f.Clock.Advance(32 * 24 * time.Hour)
	f.PostForm("/cli/oauth/device_authorization", url.Values{"client_id": {id}})
	f.Deps.Store.View(func(tx *wire.Tx) {
		for bucket, want := range map[string]int{
			bucketClients: 1, bucketConsents: 0, bucketGrants: 0, bucketCodes: 0, bucketAccessTokens: 0,
			bucketRefreshTokens: 0, bucketDevices: 1, bucketUserCodes: 1, bucketGuesses: 0,
		} {
			if got := len(tx.Keys(bucket)); got != want {
				t.Errorf("%s has %d records, want %d", bucket, got, want)
			}
		}
	})
}

// golang.org/x/oauth2 is a client that was not written for this server.
func TestForeignClient(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true, DeviceInterval: time.Second})
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, f.HTTP)
	meta := f.Get("/.well-known/oauth-authorization-server/cli/oauth").Object()
	config := &oauth2.Config{
		ClientID: f.register("x"), RedirectURL: testRedirect, Scopes: []string{"lamina:creative:read"},
		Endpoint: oauth2.Endpoint{
			AuthURL: meta["authorization_endpoint"].(string), TokenURL: meta["token_endpoint"].(string),
			DeviceAuthURL: meta["device_authorization_endpoint"].(string),
		},
	}
	verifier := oauth2.GenerateVerifier()
	res := f.Get(config.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || back.Query().Get("state") != "s" {
		t.Fatalf("authorize: %v %v", back, err)
	}
	token, err := config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if token.Type() != "Bearer" || token.Extra("scope") != "lamina:creative:read" {
		t.Errorf("token %v with scope %v", token.Type(), token.Extra("scope"))
	}
	token.Expiry = time.Now().Add(-time.Hour)
	renewed, err := config.TokenSource(ctx, token).Token()
	if err != nil {
		t.Fatal(err)
	}
	f.wantAlive(renewed.AccessToken, true)

	_, err = config.TokenSource(ctx, token).Token()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
		t.Errorf("reuse of a refresh token: %v", err)
	}

	device, err := config.DeviceAuth(ctx)
	if err != nil {
		t.Fatal(err)
	}
	token, err = config.DeviceAccessToken(ctx, device)
	if err != nil {
		t.Fatal(err)
	}
	f.wantAlive(token.AccessToken, true)
}

func TestBasicAuthenticationIsRefused(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	req := f.Request("POST", "/cli/oauth/token", "application/x-www-form-urlencoded", "grant_type=refresh_token&refresh_token=x")
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(f.register("x")+":")))
	wantError(t, f.Do(req), "invalid_client")
}
