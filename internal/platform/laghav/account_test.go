package laghav

import (
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	if res := u.Post("/dev/laghav", `{"plan": "sandbox"}`); res.Status != 200 {
		t.Fatalf("change of plan: got %d %s, want 200", res.Status, res.Body)
	}
	for range 60 {
		if res := u.ask("x", ""); res.Status != 200 {
			t.Fatalf("call within the limit: got %d %s, want 200", res.Status, res.Body)
		}
	}
	res := u.ask("x", "")
	wantRefusal(t, res, 429, "RATE_LIMIT_EXCEEDED")
	if res.Header.Get("X-RateLimit-Limit") != "60" || res.Header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("headers: got %v, want a limit of 60 and 0 remaining", res.Header)
	}
	u.Clock.Advance(time.Minute)
	u.Post("/dev/laghav", `{"callsThisMonth": 9999}`)
	u.meta(u.ask("x", ""))
	wantRefusal(t, u.ask("x", ""), 429, "MONTHLY_LIMIT_REACHED")
	wantRefusal(t, u.call("POST", "/api/applications", `{"name": "Second"}`), 403, "PLAN_FEATURE_LOCKED")
	wantRefusal(t, u.call("POST", "/api/keys", `{"name": "Second", "app_id": "app_sample"}`), 403, "PLAN_FEATURE_LOCKED")
	u.Clock.Advance(31 * 24 * time.Hour)
	u.meta(u.ask("x", ""))
	for _, body := range []string{`{"plan": "golden"}`, `{"callsThisMonth": -1}`, `{"x": 1}`} {
		if res := u.Post("/dev/laghav", body); res.Status != 400 {
			t.Errorf("%s: got %d, want 400", body, res.Status)
		}
	}
}

func TestTestKey(t *testing.T) {
	t.Parallel()
	u := newUser(t, "test")
	for range 100 {
		u.meta(u.ask("x", ""))
	}
	wantRefusal(t, u.ask("x", ""), 429, "RATE_LIMIT_EXCEEDED")
	if res := u.call("GET", "/api/keys", ""); res.Status != 200 {
		t.Errorf("list of keys with a used-up test key: got %d, want 200", res.Status)
	}
	if got := u.Get("/dev/laghav").Object()["data"].(map[string]any)["callsThisMonth"]; got != 0.0 {
		t.Errorf("calls of the month with a test key: got %v, want 0", got)
	}
	u.Clock.Advance(12 * time.Hour)
	u.meta(u.ask("x", ""))
}

func TestKeys(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	res := u.call("POST", "/api/keys", `{"name": "Support Bot Key", "app_id": "app_sample"}`)
	made := res.Object()
	key, _ := made["api_key"].(string)
	if res.Status != 201 || !strings.HasPrefix(key, "lgh_live_") || made["app_id"] != "app_sample" {
		t.Fatalf("create: got %d %s, want a live key of app_sample", res.Status, res.Body)
	}
	listed := u.call("GET", "/api/keys", "")
	if strings.Contains(listed.Body, key) || len(listed.Object()["keys"].([]any)) != 2 {
		t.Errorf("list: got %s, want two keys without the secret", listed.Body)
	}
	second := user{u.Rig, key}
	second.meta(second.ask("x", ""))
	for range 2 {
		if res := u.call("DELETE", "/api/keys/"+made["id"].(string), ""); res.Status != 200 {
			t.Errorf("revoke: got %d %s, want 200", res.Status, res.Body)
		}
	}
	wantRefusal(t, second.ask("x", ""), 401, "KEY_REVOKED")
	_, other, err := u.Deps.Keys.Make("laminr", "test", "", "tenant_sample")
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, u.call("DELETE", "/api/keys/"+other.ID, ""), 404, "NOT_FOUND")
	wantRefusal(t, u.call("POST", "/api/keys", `{"name": "x", "app_id": "app_none"}`), 404, "NOT_FOUND")
	wantRefusal(t, u.call("POST", "/api/keys", `{"name": "x"}`), 400, "INVALID_REQUEST")
}

func TestApplications(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	made := u.call("POST", "/api/applications", `{"name": "Support Bot"}`).Object()
	key, _ := made["api_key"].(string)
	bot := user{u.Rig, key}
	bot.meta(bot.ask(wordy, ""))
	list := u.call("GET", "/api/applications", "").Object()["applications"].([]any)
	var entry map[string]any
	for _, e := range list {
		if e := e.(map[string]any); e["id"] == made["id"] {
			entry = e
		}
	}
	if len(list) != 2 || entry["name"] != "Support Bot" || entry["calls_today"] != 1.0 || entry["compression_avg"].(float64) < 30 || entry["saved_usd_today"].(float64) <= 0 || entry["status"] != "active" {
		t.Errorf("applications: got %v, want two, with the figures of one call", list)
	}
	u.Clock.Advance(24 * time.Hour)
	if res := u.call("GET", "/api/applications", ""); strings.Contains(res.Body, `"calls_today":1`) {
		t.Errorf("applications on the next day: got %s, want no calls", res.Body)
	}
	wantRefusal(t, u.call("POST", "/api/applications", `{}`), 400, "INVALID_REQUEST")
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	res := u.call("POST", "/api/budgets", `{"team_name": "Engineering", "monthly_budget_usd": 0.00001, "alert_threshold_pct": 80, "hard_stop": true}`)
	made := res.Object()
	if id, _ := made["id"].(string); res.Status != 201 || !strings.HasPrefix(id, "budget_") || made["team_name"] != "Engineering" {
		t.Fatalf("create: got %d %s, want a budget of Engineering", res.Status, res.Body)
	}
	u.meta(u.ask(strings.Repeat("words ", 50), `{"budget_id": "engineering"}`))
	refused := wantRefusal(t, u.ask("x", `{"budget_id": "`+made["id"].(string)+`"}`), 402, "BUDGET_EXCEEDED")
	if refused["budget_id"] != made["id"] || refused["limit_usd"] != 0.00001 || refused["spent_usd"].(float64) < 0.00001 {
		t.Errorf("refusal: got %v, want the id, the limit and the spent sum", refused)
	}
	listed := u.call("GET", "/api/budgets", "").Object()["budgets"].([]any)[0].(map[string]any)
	if listed["spent_pct"].(float64) < 100 || listed["spent_this_month_usd"] != refused["spent_usd"] {
		t.Errorf("budget: got %v, want the spent sum", listed)
	}
	u.meta(u.ask("x", ""))
	u.Clock.Advance(31 * 24 * time.Hour)
	u.meta(u.ask("x", `{"budget_id": "engineering"}`))
	for _, body := range []string{`{}`, `{"team_name": "A"}`, `{"team_name": "A", "monthly_budget_usd": -1}`, `{"team_name": "ENGINEERING", "monthly_budget_usd": 1}`, `{"team_name": "A", "monthly_budget_usd": 1, "alert_threshold_pct": 101}`} {
		wantRefusal(t, u.call("POST", "/api/budgets", body), 400, "INVALID_REQUEST")
	}
	u.call("POST", "/api/budgets", `{"team_name": "Soft", "monthly_budget_usd": 0}`)
	u.meta(u.ask("x", `{"budget_id": "Soft"}`))
}

func TestAgentGuard(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	for range 50 {
		u.meta(u.ask("x", `{"agent_run_id": "agent_abc123"}`))
		u.Clock.Advance(time.Second)
	}
	refused := wantRefusal(t, u.ask("x", `{"agent_run_id": "agent_abc123"}`), 429, "RATE_LIMIT_EXCEEDED")
	for _, tt := range []struct {
		field string
		want  any
	}{
		{"agent_loop_detected", true},
		{"agent_run_id", "agent_abc123"},
		{"steps_used", 51.0},
		{"steps_max", 50.0},
		{"window_hours", 2.0},
	} {
		if refused[tt.field] != tt.want {
			t.Errorf("%s: got %v, want %v", tt.field, refused[tt.field], tt.want)
		}
	}
	u.meta(u.ask("x", `{"agent_run_id": "another"}`))
	summary := u.call("GET", "/api/agent/agent_abc123/summary", "").Object()
	steps, _ := summary["steps"].([]any)
	if summary["total_steps"] != 50.0 || len(steps) != 50 || summary["total_tokens_original"] != 50.0 || steps[49].(map[string]any)["step"] != 50.0 {
		t.Errorf("summary: got %v, want 50 steps", summary)
	}
	u.Clock.Advance(2*time.Hour - 49*time.Second) // the first two steps leave the window
	u.meta(u.ask("x", `{"agent_run_id": "agent_abc123"}`))
	wantRefusal(t, u.call("GET", "/api/agent/none/summary", ""), 404, "NOT_FOUND")
}

func TestPlayground(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	u.key = ""
	wantRefusal(t, u.call("POST", "/v1/playground", `{"text": "`+strings.Repeat("ü", 5001)+`"}`), 400, "INPUT_TOO_LARGE")
	wantRefusal(t, u.call("POST", "/v1/playground", `{"text": ""}`), 400, "INVALID_REQUEST")
	wantRefusal(t, u.call("POST", "/v1/playground", `{"text": "x", "aggressiveness": 3}`), 400, "INVALID_REQUEST")
	for range 10 {
		res := u.call("POST", "/v1/playground", `{"text": "`+wordy+`", "content_type": "auto", "aggressiveness": 0.5, "cf_turnstile_token": ""}`)
		if v := res.Object(); res.Status != 200 || !strings.HasPrefix(v["compressed_text"].(string), "explain what the main causes") {
			t.Fatalf("playground: got %d %s, want 200 and a shorter text", res.Status, res.Body)
		}
	}
	refused := wantRefusal(t, u.call("POST", "/v1/playground", `{"text": "x"}`), 429, "PLAYGROUND_LIMIT_EXCEEDED")
	if refused["calls_used"] != 10.0 || refused["reset_at"] != "2026-03-02T00:00:00Z" {
		t.Errorf("refusal: got %v, want 10 calls and the next midnight", refused)
	}
	u.Clock.Advance(12 * time.Hour)
	if res := u.call("POST", "/v1/playground", `{"text": "x"}`); res.Status != 200 {
		t.Errorf("the next day: got %d %s, want 200", res.Status, res.Body)
	}
}
