package platform

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

func mustDecode(t *testing.T, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	noWorkspace := rg.keyFor("wsp_gone")
	revoked := rg.keyFor("wsp_atelier")
	rg.update(func(tx *tx) {
		k, _ := get[apiKey](tx, bucketAPIKeys, rg.s.digest(revoked))
		now := rg.clock.Now()
		k.RevokedAt = &now
		put(tx, bucketAPIKeys, rg.s.digest(revoked), k)
	})
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
		{"unknown", []string{"X-Api-Key", "lma_wrong"}, 401, "AUTH_INVALID_KEY", "Invalid API key"},
		{"revoked", []string{"X-Api-Key", revoked}, 401, "AUTH_INVALID_KEY", "Invalid API key"},
		{"no context", []string{"X-Api-Key", noWorkspace}, 401, "AUTH_INVALID_CONTEXT", "API key has no workspace or user"},
		{"other workspace", []string{"X-Workspace-Id", "wsp_northwind"}, 403, "FORBIDDEN",
			"Workspace header does not match API key workspace scope"},
	}
	for _, tt := range tests {
		r := rg.call("GET", "/v1/account", nil, tt.headers...)
		if tt.status == 200 {
			if acc := data[api.Account](r.want(200)); acc.Workspace.ID != "wsp_atelier" || acc.User.ID != sampleUser.ID {
				t.Errorf("%s: %+v", tt.name, acc)
			}
			continue
		}
		if e := r.wantError(tt.status, tt.code); e.Error != tt.message || e.Retryable {
			t.Errorf("%s: %+v", tt.name, e)
		}
	}
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, path := range []string{"/v1/nothing", "/v1/runs/x/y/z", "/v1/apps/"} {
		rg.call("GET", path, nil).wantError(404, "NOT_FOUND")
	}
	if r := rg.call("DELETE", "/v1/account", nil); r.wantError(405, "METHOD_NOT_ALLOWED").Retryable || r.header.Get("Allow") != "GET" {
		t.Errorf("Allow: %q", r.header.Get("Allow"))
	}
	rg.call("GET", "/v1/apps/discover", nil).wantError(405, "METHOD_NOT_ALLOWED")
	if r := rg.call("HEAD", "/v1/account", nil).want(200); len(r.body) != 0 {
		t.Errorf("HEAD has a body: %s", r.body)
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, body := range []string{`{`, `garbage`, `{} {}`, `[]`, `"x"`, `{"inputs":[]}`, `{"inputs":"x"}`, `{"outputs":"x"}`, `{"outputs":[1]}`} {
		if e := rg.call("POST", "/v1/apps/poster/runs", body).wantError(400, "VALIDATION_ERROR"); len(e.Details) == 0 {
			t.Errorf("%s: no details", body)
		}
	}
	big := `{"inputs":{"text":"` + strings.Repeat("x", maxJSONBody) + `"}}`
	rg.call("POST", "/v1/apps/poster/runs", big).wantError(413, "VALIDATION_ERROR")
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	rg := newRig(t, func(o *Options) { o.RateLimit = 3 })
	for i := range 3 {
		// Requests without a credential and to nowhere count too.
		path := []string{"/v1/account", "/v1/nothing", "/v1/account"}[i]
		r := rg.call("GET", path, nil).want([]int{200, 404, 200}[i])
		if r.header.Get("RateLimit-Limit") != "3" || r.header.Get("RateLimit-Remaining") != strconv.Itoa(2-i) ||
			r.header.Get("RateLimit-Reset") != "60" {
			t.Errorf("request %d: %v", i, r.header)
		}
	}
	rg.clock.advance(20 * time.Second)
	r := rg.call("GET", "/v1/account", nil)
	e := r.wantError(http.StatusTooManyRequests, "RATE_LIMITED")
	r.wantShape("error_rate_limited")
	if !e.Retryable || e.RetryAfter != 40 || r.header.Get("Retry-After") != "40" || r.header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("%+v %v", e, r.header)
	}
	rg.call("GET", "/media/none.png", nil).wantError(404, "NOT_FOUND")
	rg.clock.advance(40 * time.Second)
	rg.call("GET", "/v1/account", nil).want(200)
}

func TestPanicsSayNothing(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	rg.update(func(tx *tx) { tx.putBytes(bucketRuns, "broken", []byte(`{"secret":`)) })
	r := rg.call("GET", "/v1/runs/broken", nil)
	e := r.wantError(500, "INTERNAL_ERROR")
	if !e.Retryable || strings.Contains(string(r.body), "secret") || strings.Contains(string(r.body), "JSON") {
		t.Errorf("%s", r.body)
	}
}

func TestUsageCountsWhatRunsCost(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	rg.make("countdown", map[string]any{"seconds": "0"})
	u := data[usage](rg.call("GET", "/v1/account/usage", nil))
	if u.Credits.Balance != 999.5 || u.Credits.TotalEarned != 1000 || u.Credits.TotalSpent != 0.5 || u.RateLimit.WindowMs != 60000 {
		t.Errorf("%+v", u)
	}
}
