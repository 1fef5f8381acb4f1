package lamina

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	noWorkspace := rg.NewKey(Service, "", "wsp_gone")
	revoked := rg.NewRevokedKey(Service, "", "")
	tests := []struct {
		name    string
		headers []string
		status  int
		code    string
		message string
	}{
		{"x-api-key", nil, 200, "", ""},
		{"bearer", []string{"X-Api-Key", "", "Authorization", "Bearer " + rg.key}, 200, "", ""},
		{"bearer in small letters", []string{"X-Api-Key", "", "Authorization", "bearer " + rg.key}, 200, "", ""},
		{"own workspace", []string{"X-Workspace-Id", "wsp_atelier"}, 200, "", ""},
		{"none", []string{"X-Api-Key", ""}, 401, "AUTH_MISSING_KEY", "Missing API key"},
		{"basic", []string{"X-Api-Key", "", "Authorization", "Basic eDp5"}, 401, "AUTH_MISSING_KEY", "Missing API key"},
		{"the prefix alone", []string{"X-Api-Key", "lma_"}, 401, "AUTH_INVALID_KEY", "Invalid API key"},
		{"a longer key", []string{"X-Api-Key", rg.key + "x"}, 401, "AUTH_INVALID_KEY", "Invalid API key"},
		{"the digest of a key", []string{"X-Api-Key", rg.Deps.Secrets.Digest(rg.key)}, 401, "AUTH_INVALID_KEY", "Invalid API key"},
		{"unknown", []string{"X-Api-Key", "lma_wrong"}, 401, "AUTH_INVALID_KEY", "Invalid API key"},
		{"revoked", []string{"X-Api-Key", revoked}, 401, "AUTH_INVALID_KEY", "Invalid API key"},
		{"no context", []string{"X-Api-Key", noWorkspace}, 401, "AUTH_INVALID_CONTEXT", "API key has no workspace or user"},
		{"other workspace", []string{"X-Workspace-Id", "wsp_northwind"}, 403, "FORBIDDEN",
			"Workspace header does not match API key workspace scope"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := rg.Call("GET", "/v1/account", nil, tt.headers...)
			r.T = t
			if tt.status == 200 {
				acc := wiretest.Data[api.Account](r.Want(200))
				if acc.Workspace.ID != "wsp_atelier" || acc.User.ID != wire.SampleUser().ID {
					t.Errorf("account: got %+v, want the sample user in wsp_atelier", acc)
				}
				return
			}
			if e := r.WantError(tt.status, tt.code); e.Error != tt.message || e.Retryable {
				t.Errorf("error: got %+v, want %q, not retryable", e, tt.message)
			}
		})
	}
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, path := range []string{"/v1/nothing", "/v1/runs/x/y/z", "/v1/apps/"} {
		rg.Call("GET", path, nil).WantError(404, "NOT_FOUND")
	}
	if r := rg.Call("DELETE", "/v1/account", nil); r.WantError(405, "METHOD_NOT_ALLOWED").Retryable || r.Header.Get("Allow") != "GET" {
		t.Errorf("Allow: got %q, want GET", r.Header.Get("Allow"))
	}
	rg.Call("GET", "/v1/apps/discover", nil).WantError(405, "METHOD_NOT_ALLOWED")
	if r := rg.Call("HEAD", "/v1/account", nil).Want(200); len(r.Body) != 0 {
		t.Errorf("HEAD: got the body %s, want none", r.Body)
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, body := range []string{`{`, `garbage`, `{} {}`, `[]`, `"x"`, `{"inputs":[]}`, `{"inputs":"x"}`, `{"outputs":"x"}`, `{"outputs":[1]}`} {
		if e := rg.Call("POST", "/v1/apps/poster/runs", body).WantError(400, "VALIDATION_ERROR"); len(e.Details) == 0 {
			t.Errorf("%s: got no details, want some", body)
		}
	}
	big := `{"inputs":{"text":"` + strings.Repeat("x", wire.MaxBody) + `"}}`
	rg.Call("POST", "/v1/apps/poster/runs", big).WantError(413, "VALIDATION_ERROR")
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	rg := newRigWith(t, "", Options{RateLimit: 3}, nil)
	for i := range 3 {
		// A request to an unknown address counts too.
		path := []string{"/v1/account", "/v1/nothing", "/v1/account"}[i]
		r := rg.Call("GET", path, nil).Want([]int{200, 404, 200}[i])
		if r.Header.Get("RateLimit-Limit") != "3" || r.Header.Get("RateLimit-Remaining") != strconv.Itoa(2-i) ||
			r.Header.Get("RateLimit-Reset") != "60" {
			t.Errorf("request %d: got %v, want the limit 3, %d remaining and 60 s", i, r.Header, 2-i)
		}
	}
	rg.Clock.Advance(20 * time.Second)
	r := rg.Call("GET", "/v1/account", nil)
	e := r.WantError(http.StatusTooManyRequests, "RATE_LIMITED")
	r.WantShape("error_rate_limited")
	if !e.Retryable || e.RetryAfter != 40 || r.Header.Get("Retry-After") != "40" || r.Header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("got %+v, %v; want a retry after 40 s", e, r.Header)
	}
	rg.Call("GET", "/media/none.png", nil).WantError(404, "NOT_FOUND")
	rg.Clock.Advance(40 * time.Second)
	rg.Call("GET", "/v1/account", nil).Want(200)
}

func TestPanicsRevealNothing(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rg.Update(func(tx *wire.Tx) { tx.PutBytes(bucketRuns, "broken", []byte(`{"secret":`)) })
	r := rg.Call("GET", "/v1/runs/broken", nil)
	e := r.WantError(500, "INTERNAL_ERROR")
	if !e.Retryable || strings.Contains(r.Body, "secret") || strings.Contains(r.Body, "JSON") {
		t.Errorf("got %s, want a retryable error without the cause", r.Body)
	}
}

func TestUsageCountsWhatRunsCost(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rg.make("countdown", map[string]any{"seconds": "0"})
	u := wiretest.Data[usage](rg.Call("GET", "/v1/account/usage", nil))
	if u.Credits.Balance != 999.5 || u.Credits.TotalEarned != 1000 || u.Credits.TotalSpent != 0.5 || u.RateLimit.WindowMs != 60000 {
		t.Errorf("usage: got %+v, want 0.5 of 1000 credits and 60 s", u)
	}
}
