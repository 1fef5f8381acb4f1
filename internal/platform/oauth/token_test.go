package oauth

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestCodeFlow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		send func(f *rig, p map[string]string) wiretest.Reply
	}{
		{"form", func(f *rig, p map[string]string) wiretest.Reply {
			v := url.Values{}
			for name, value := range p {
				v.Set(name, value)
			}
			return f.PostForm("/cli/oauth/token", v)
		}},
		{"json", func(f *rig, p map[string]string) wiretest.Reply { return f.Call("POST", "/cli/oauth/token", p) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newRig(t, Options{})
			id := f.register("Lamina CLI")
			back := f.answer(f.openConsent(f.authorizeURL(id)), "decision", "approve", "workspace", "wsp_northwind")
			if back.Get("iss") != f.URL+"/cli/oauth" || back.Get("state") != "a state+/=" || len(back) != 3 {
				t.Errorf("redirect: got %v, want the code, iss and state", back)
			}
			res := tt.send(f, map[string]string{
				"grant_type": "authorization_code", "client_id": id, "code": back.Get("code"),
				"code_verifier": testVerifier, "redirect_uri": testRedirect,
			})
			access, refresh := f.tokens(res)
			if !strings.HasPrefix(access, "lma_mcp_at_") || !strings.HasPrefix(refresh, "lma_mcp_rt_") {
				t.Errorf("tokens: got %q and %q, want the prefixes lma_mcp_at_ and lma_mcp_rt_", access, refresh)
			}
			got := res.Object()
			delete(got, "access_token")
			delete(got, "refresh_token")
			want := map[string]any{
				"token_type": "Bearer", "expires_in": 3600.0, "scope": "lamina:creative:read lamina:creative:write lamina:brand:read",
			}
			if !reflect.DeepEqual(got, want) || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Pragma") != "no-cache" {
				t.Errorf("token reply: got %v (%v), want %v", got, res.Header, want)
			}
			who, ok := f.s.Authenticate(access)
			if wantWho := (wire.Principal{UserID: "usr_sample", WorkspaceID: "wsp_northwind", ClientID: id, Scope: allScopes()}); !ok || who != wantWho {
				t.Errorf("principal: got %+v, want %+v", who, wantWho)
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
	for _, tt := range []struct {
		name string
		res  wiretest.Reply
		want string
	}{
		{"no grant type", f.token("client_id", id), "invalid_request"},
		{"no client", f.exchange(id, code, "client_id", ""), "invalid_request"},
		{"unknown client", f.exchange("lmc_x", code), "invalid_client"},
		{"secret", f.exchange(id, code, "client_secret", "x"), "invalid_client"},
		{"unknown grant type", f.token("grant_type", "password", "client_id", id), "unsupported_grant_type"},
		{"grant type not allowed", f.refresh(onlyCode, refresh), "unauthorized_client"},
		{"device not allowed", f.token("grant_type", grantDevice, "client_id", onlyCode, "device_code", "x"), "unauthorized_client"},
		{"no code", f.exchange(id, ""), "invalid_request"},
		{"no redirect", f.exchange(id, code, "redirect_uri", ""), "invalid_request"},
		{"no verifier", f.exchange(id, code, "code_verifier", ""), "invalid_request"},
		{"unknown code", f.exchange(id, "x"), "invalid_grant"},
		{"code of another", f.exchange(other, code), "invalid_grant"},
		{"other redirect", f.exchange(id, code, "redirect_uri", "http://127.0.0.1:49153/callback"), "invalid_grant"},
		{"wrong verifier", f.exchange(id, code, "code_verifier", strings.Repeat("a", 43)), "invalid_grant"},
		{"challenge as verifier", f.exchange(id, code, "code_verifier", testChallenge), "invalid_grant"},
		{"no refresh token", f.refresh(id, ""), "invalid_request"},
		{"unknown refresh token", f.refresh(id, "lma_mcp_rt_x"), "invalid_grant"},
		{"refresh of another", f.refresh(other, refresh), "invalid_grant"},
		{"more scope", f.refresh(id, refresh, "scope", "lamina:admin"), "invalid_scope"},
		{"text", f.Do(f.Request("POST", "/cli/oauth/token", "text/plain", "grant_type=x")), "invalid_request"},
		{"query only", f.Do(f.Request("POST", "/cli/oauth/token?grant_type=refresh_token&client_id="+id, "application/x-www-form-urlencoded", "")), "invalid_request"},
		{"twice", f.PostForm("/cli/oauth/token", url.Values{
			"grant_type": {grantRefresh, grantRefresh}, "client_id": {id}, "refresh_token": {refresh},
		}), "invalid_request"},
		{"too large", f.exchange(id, strings.Repeat("x", maxBody)), "invalid_request"},
	} {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.res, tt.want) })
	}
	if res := f.exchange(id, code); res.Status != http.StatusOK {
		t.Errorf("the code after refusals: got %d %s, want 200", res.Status, res.Body)
	}
	if res := f.refresh(id, refresh); res.Status != http.StatusOK {
		t.Errorf("the refresh token after refusals: got %d %s, want 200", res.Status, res.Body)
	}
	if res := f.Get("/cli/oauth/token"); res.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET of the token endpoint: got %d, want 405", res.Status)
	}
}

// A verifier with fewer than 43 characters is refused, even if it matches its challenge (RFC 7636 §4.1).
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
	f.wantAccepted(access, true)
	wantError(t, f.exchange(id, code), "invalid_grant")
	f.wantAccepted(access, false)
	wantError(t, f.refresh(id, refresh), "invalid_grant")
	f.wantAccepted(otherAccess, true)
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	early, late := f.code(id), f.code(id)
	f.Clock.Advance(10*time.Minute - time.Second)
	if res := f.exchange(id, early); res.Status != http.StatusOK {
		t.Errorf("a code before its expiry: got %d %s, want 200", res.Status, res.Body)
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
		t.Fatal("refresh: got the same tokens, want new ones")
	}
	access3, refresh3 := f.tokens(f.refresh(id, refresh2))
	for _, token := range []string{access1, access2, access3} {
		f.wantAccepted(token, true)
	}
	wantError(t, f.refresh(id, refresh1), "invalid_grant")
	for _, token := range []string{access1, access2, access3} {
		f.wantAccepted(token, false)
	}
	wantError(t, f.refresh(id, refresh3), "invalid_grant")
}

// Of concurrent refreshes with one token, one succeeds, and the others revoke the grant.
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
		t.Fatalf("got %d successful refreshes, want 1", len(won))
	}
	access, _ := f.tokens(won[0])
	f.wantAccepted(access, false)
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AccessTokenTTL: 2 * time.Minute, RefreshTokenTTL: 24 * time.Hour})
	id := f.register("x")
	res := f.exchange(id, f.code(id))
	access, refresh := f.tokens(res)
	if got := res.Object()["expires_in"]; got != 120.0 {
		t.Errorf("expires_in: got %v, want 120", got)
	}
	f.Clock.Advance(2*time.Minute - time.Second)
	f.wantAccepted(access, true)
	f.Clock.Advance(time.Second)
	f.wantAccepted(access, false)

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
		t.Errorf("scope: got %v and %q, want %q", res.Object()["scope"], who.Scope, narrow)
	}
	if got := f.refresh(id, refresh).Object()["scope"]; got != allScopes() {
		t.Errorf("scope of the next token: got %v, want %v", got, allScopes())
	}
}

func TestNoRefreshTokenUnlessRegistered(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	id := f.Post("/cli/oauth/register", `{"redirect_uris": ["http://127.0.0.1/callback"], "grant_types": ["authorization_code"]}`).
		Object()["client_id"].(string)
	back, _ := url.Parse(f.Get(f.authorizeURL(id)).Header.Get("Location"))
	if got := f.exchange(id, back.Query().Get("code")).Object(); got["refresh_token"] != nil || got["access_token"] == nil {
		t.Errorf("token reply: got %v, want an access token alone", got)
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
	f.wantAccepted(access, true)

	if res := revoke(id, access); res.Status != http.StatusOK {
		t.Errorf("revoke: got %d %s, want 200", res.Status, res.Body)
	}
	f.wantAccepted(access, false)
	access, refresh = f.tokens(f.refresh(id, refresh))

	if res := f.Post("/cli/oauth/revoke", `{"client_id": "`+id+`", "token": "`+refresh+`"}`); res.Status != http.StatusOK {
		t.Errorf("revoke: got %d %s, want 200", res.Status, res.Body)
	}
	f.wantAccepted(access, false)
	wantError(t, f.refresh(id, refresh), "invalid_grant")
	for _, invalid := range []string{refresh, access, "never seen"} {
		if res := revoke(id, invalid); res.Status != http.StatusOK {
			t.Errorf("revoking an invalid token: got %d, want 200", res.Status)
		}
	}
}
