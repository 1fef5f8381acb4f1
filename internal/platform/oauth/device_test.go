package oauth

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// A waiting is a device that waits for a user, with its codes.
type waiting struct {
	f                          *rig
	clientID, device, userCode string
}

func (f *rig) startDevice(clientID string) waiting {
	f.T.Helper()
	res := f.PostForm("/cli/oauth/device_authorization", url.Values{"client_id": {clientID}})
	if res.Status != http.StatusOK {
		f.T.Fatalf("device_authorization: got %d %s, want 200", res.Status, res.Body)
	}
	v := res.Object()
	return waiting{f, clientID, v["device_code"].(string), v["user_code"].(string)}
}

func (d waiting) poll() wiretest.Reply {
	return d.f.token("grant_type", grantDevice, "client_id", d.clientID, "device_code", d.device)
}

func (d waiting) answer(decision string) wiretest.Reply {
	d.f.T.Helper()
	v := formOn(d.f.T, d.f.Get("/device?user_code="+d.userCode))
	v.Set("decision", decision)
	v.Set("workspace", "wsp_northwind")
	return d.f.PostForm("/device", v)
}

func TestDeviceFlow(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	res := f.Post("/cli/oauth/device_authorization", `{"client_id": "`+id+`", "scope": "lamina:brand:read"}`)
	got := res.Object()
	userCode := got["user_code"].(string)
	if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(userCode) {
		t.Errorf("user_code: got %q, want XXXX-XXXX", userCode)
	}
	if got["verification_uri"] != f.URL+"/device" || got["verification_uri_complete"] != f.URL+"/device?user_code="+userCode ||
		got["expires_in"] != 900.0 || got["interval"] != 5.0 || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("device authorization: got %v, want the addresses of the page, 900 s and 5 s", got)
	}
	d := waiting{f, id, got["device_code"].(string), userCode}
	wantError(t, d.poll(), "authorization_pending")

	page := f.Get("/device?user_code=" + strings.ToLower(strings.ReplaceAll(userCode, "-", "+")))
	if !strings.Contains(page.Body, `>`+userCode+`</p>`) || !strings.Contains(page.Body, "lamina:brand:read") || strings.Contains(page.Body, "lamina:creative") {
		t.Errorf("page: got %d %s, want the code and the requested scope", page.Status, page.Body)
	}
	for range 2 { // a second click has the same result
		v := formOn(t, page)
		v.Set("decision", "approve")
		v.Set("workspace", "wsp_northwind")
		if res := f.PostForm("/device", v); res.Status != http.StatusOK || !strings.Contains(res.Body, "Your device is signed in") {
			t.Errorf("approve: got %d %s, want 200 and the message", res.Status, res.Body)
		}
	}
	if res := f.Get("/device?user_code=" + userCode); !strings.Contains(res.Body, "Your device is signed in") {
		t.Errorf("page after approval: got %s, want the message", res.Body)
	}
	f.Clock.Advance(5 * time.Second)
	access, refresh := f.tokens(d.poll())
	if who, _ := f.s.Authenticate(access); who != (wire.Principal{UserID: "usr_sample", WorkspaceID: "wsp_northwind", ClientID: id, Scope: "lamina:brand:read"}) {
		t.Errorf("principal: got %+v, want the chosen workspace and the requested scope", who)
	}
	access, _ = f.tokens(f.refresh(id, refresh))
	f.Clock.Advance(5 * time.Second)
	wantError(t, d.poll(), "invalid_grant")
	f.wantAccepted(access, false)
}

func TestDeviceDenied(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	d := f.startDevice(f.register("x"))
	if res := d.answer("deny"); res.Status != http.StatusOK || !strings.Contains(res.Body, "You denied the request") {
		t.Errorf("deny: got %d %s, want 200 and the message", res.Status, res.Body)
	}
	wantError(t, d.poll(), "access_denied")
}

// A decision is final: a second decision does not change it.
func TestDeviceDecisionIsFinal(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	d := f.startDevice(f.register("x"))
	v := formOn(t, f.Get("/device?user_code="+d.userCode))
	v.Set("decision", "approve")
	f.PostForm("/device", v)
	v.Set("decision", "deny")
	if res := f.PostForm("/device", v); !strings.Contains(res.Body, "Your device is signed in") {
		t.Errorf("denying an approved device: got %d %s, want the message of the approval", res.Status, res.Body)
	}
	access, _ := f.tokens(d.poll())
	v.Set("decision", "approve")
	f.PostForm("/device", v)
	f.Clock.Advance(5 * time.Second)
	wantError(t, d.poll(), "invalid_grant")
	f.wantAccepted(access, false)
}

func TestDeviceExpires(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	d := f.startDevice(f.register("x"))
	v := formOn(t, f.Get("/device?user_code="+d.userCode))
	v.Set("decision", "approve")
	f.Clock.Advance(15*time.Minute - time.Second)
	wantError(t, d.poll(), "authorization_pending")
	f.Clock.Advance(time.Second)
	if res := f.PostForm("/device", v); res.Status != http.StatusGone {
		t.Errorf("a late decision: got %d, want 410", res.Status)
	}
	if res := f.Get("/device?user_code=" + d.userCode); res.Status != http.StatusGone || !strings.Contains(res.Body, "expired") {
		t.Errorf("a late page: got %d, want 410", res.Status)
	}
	wantError(t, d.poll(), "expired_token")
}

func TestDeviceSlowDown(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	d := f.startDevice(f.register("x"))
	for _, step := range []struct {
		wait time.Duration
		want string
	}{
		{0, "authorization_pending"},
		{5 * time.Second, "authorization_pending"},
		{4 * time.Second, "slow_down"},                       // now 10 s
		{5 * time.Second, "slow_down"},                       // now 15 s
		{14 * time.Second, "slow_down"},                      // now 20 s
		{19_600 * time.Millisecond, "authorization_pending"}, // tolerated
		{20 * time.Second, "authorization_pending"},
	} {
		f.Clock.Advance(step.wait)
		wantError(t, d.poll(), step.want)
	}
	d.answer("approve")
	f.Clock.Advance(20 * time.Second)
	f.tokens(d.poll())
}

func TestDeviceRefusals(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id, other := f.register("x"), f.register("y")
	noDevice := f.Post("/cli/oauth/register", `{"redirect_uris": ["http://127.0.0.1/callback"]}`).Object()["client_id"].(string)
	start := func(id, scope string) wiretest.Reply {
		return f.PostForm("/cli/oauth/device_authorization", url.Values{"client_id": {id}, "scope": {scope}})
	}
	wantError(t, start("", ""), "invalid_request")
	wantError(t, start("lmc_x", ""), "invalid_client")
	wantError(t, start(noDevice, ""), "unauthorized_client")
	wantError(t, start(id, "lamina:admin"), "invalid_scope")
	d := f.startDevice(id)
	wantError(t, f.token("grant_type", grantDevice, "client_id", id), "invalid_request")
	wantError(t, f.token("grant_type", grantDevice, "client_id", id, "device_code", d.userCode), "invalid_grant")
	wantError(t, f.token("grant_type", grantDevice, "client_id", other, "device_code", d.device), "invalid_grant")
}

func TestDeviceFormIsChecked(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	d, other := f.startDevice(f.register("x")), f.startDevice(f.register("y"))
	v := formOn(t, f.Get("/device?user_code="+d.userCode))
	v.Set("decision", "approve")
	for _, tt := range []struct{ name, field, value string }{
		{"no token", "form_token", ""},
		{"other code", "user_code", other.userCode},
		{"no code", "user_code", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forged, _ := url.ParseQuery(v.Encode())
			change(forged, []string{tt.field, tt.value})
			if res := f.PostForm("/device", forged); res.Status != http.StatusForbidden {
				t.Errorf("got %d, want 403", res.Status)
			}
		})
	}
	req := f.Request("POST", "/device", "application/x-www-form-urlencoded", v.Encode())
	req.Header.Set("Origin", "https://evil.example")
	if res := f.Do(req); res.Status != http.StatusForbidden {
		t.Errorf("cross-site: got %d, want 403", res.Status)
	}
	foreign, _ := url.ParseQuery(v.Encode())
	foreign.Set("workspace", "wsp_other")
	if res := f.PostForm("/device", foreign); res.Status != http.StatusBadRequest {
		t.Errorf("foreign workspace: got %d, want 400", res.Status)
	}
	wantError(t, d.poll(), "authorization_pending")
	wantError(t, other.poll(), "authorization_pending")
}

func TestDeviceGuessesAreBounded(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	d := f.startDevice(f.register("x"))
	f.Get("/device?user_code=no-code-at-all") // malformed codes do not count
	for range maxGuesses {
		if res := f.Get("/device?user_code=BBBB-BBBB"); res.Status != http.StatusNotFound {
			t.Fatalf("a wrong code: got %d, want 404", res.Status)
		}
	}
	if res := f.Get("/device?user_code=" + d.userCode); res.Status != http.StatusTooManyRequests || strings.Contains(res.Body, d.userCode) {
		t.Errorf("a code after too many guesses: got %d, want 429", res.Status)
	}
	f.Clock.Advance(guessWindow)
	if res := f.Get("/device?user_code=" + d.userCode); res.Status != http.StatusOK {
		t.Errorf("after the window: got %d, want 200", res.Status)
	}
}

func TestDeviceAutoApprove(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	access, _ := f.tokens(f.startDevice(f.register("x")).poll())
	f.wantAccepted(access, true)
}

func TestReadUserCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typed, want string // want: "" is a refusal
	}{
		{"BCDF-GHJK", "BCDF-GHJK"},
		{"bcdfghjk", "BCDF-GHJK"},
		{" bcdf – ghjk ", "BCDF-GHJK"},
		{"b c d f-g-hjk", "BCDF-GHJK"},
		{"BCDF-GHJ", ""},
		{"BCDF-GHJKL", ""},
		{"BCDF-GHJA", ""},
		{"BCDF-GHJ1", ""},
		{"BCDF_GHJK", ""},
		{"", ""},
	} {
		t.Run(tt.typed, func(t *testing.T) {
			if got, ok := readUserCode(tt.typed); got != tt.want || ok != (tt.want != "") {
				t.Errorf("readUserCode(%q) = %q, %v; want %q", tt.typed, got, ok, tt.want)
			}
		})
	}
}

func FuzzReadUserCode(f *testing.F) {
	f.Add("bcdf ghjk")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := readUserCode(typed)
		if !ok {
			return
		}
		if again, _ := readUserCode(code); again != code || len(code) != 9 {
			t.Fatalf("readUserCode(%q) = %q, and of that %q; want the same", typed, code, again)
		}
	})
}
