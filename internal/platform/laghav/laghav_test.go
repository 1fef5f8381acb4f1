package laghav

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// A user calls Laghav with a key.
type user struct {
	*wiretest.Rig
	key string
}

func newUser(t *testing.T, class string) user {
	t.Helper()
	u := user{Rig: wiretest.New(t, "", KeyType(), wire.KeyType{Service: "laminr", Prefixes: map[string]string{"": "sk_"}})}
	handler, err := New(u.Deps)
	if err != nil {
		t.Fatal(err)
	}
	u.Serve(handler)
	u.key = u.NewKey(Service, class, "")
	return u
}

func (u user) call(method, path, body string) wiretest.Reply {
	u.T.Helper()
	req := u.Request(method, "/laghav"+path, "application/json", body)
	if u.key != "" {
		req.Header.Set("Authorization", "Bearer "+u.key)
	}
	return u.Do(req)
}

// ask completes a prompt with options, given as JSON.
func (u user) ask(prompt, options string) wiretest.Reply {
	u.T.Helper()
	raw, _ := json.Marshal(prompt)
	if options == "" {
		options = "{}"
	}
	return u.call("POST", "/v1/complete", `{"messages": [{"role": "user", "content": `+string(raw)+`}], "laghav_options": `+options+`}`)
}

func (u user) meta(res wiretest.Reply) map[string]any {
	u.T.Helper()
	if res.Status != http.StatusOK {
		u.T.Fatalf("%d %s", res.Status, res.Body)
	}
	return res.Object()["laghav_meta"].(map[string]any)
}

// wantRefusal fails the test unless a reply is an error in the form of Laghav's page Error Codes. It returns the body.
func wantRefusal(t *testing.T, res wiretest.Reply, status int, code string) map[string]any {
	t.Helper()
	v := res.Object()
	id, _ := v["request_id"].(string)
	if res.Status != status || v["code"] != code || v["error"] == "" || v["docs_url"] != "https://docs.laghav.ai/errors/"+code {
		t.Errorf("%d %s, want %d %s", res.Status, res.Body, status, code)
	}
	if !strings.HasPrefix(id, "lgh_req_") || res.Header.Get("X-Laghav-Request-Id") != id {
		t.Errorf("the request id is %q in the body, %q in the header", id, res.Header.Get("X-Laghav-Request-Id"))
	}
	return v
}

func TestKeysRefused(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	revoked := u.NewRevokedKey(Service, "live", "")
	foreign := u.NewKey("laminr", "", "tenant_sample")
	for _, path := range []string{"POST /v1/complete", "GET /api/keys", "POST /api/keys", "DELETE /api/keys/key_x", "GET /api/applications", "GET /api/budgets", "POST /api/cache/clear", "GET /api/agent/a/summary"} {
		method, path, _ := strings.Cut(path, " ")
		for key, code := range map[string]string{
			"": "UNAUTHORIZED", "lgh_live_nothing": "INVALID_KEY", "x": "INVALID_KEY", foreign: "INVALID_KEY", revoked: "KEY_REVOKED",
		} {
			wantRefusal(t, user{u.Rig, key}.call(method, path, `{}`), 401, code)
		}
	}
	basic := u.Request("GET", "/laghav/api/keys", "", "")
	basic.Header.Set("Authorization", "Basic eDp5")
	wantRefusal(t, u.Do(basic), 401, "UNAUTHORIZED")
	if res := (user{u.Rig, ""}).call("GET", "/health", ""); res.Status != 200 {
		t.Errorf("health: %d", res.Status)
	}
	wantRefusal(t, u.call("GET", "/v1/models", ""), 404, "NOT_FOUND")
	wantRefusal(t, u.call("GET", "/v1/complete", ""), 405, "METHOD_NOT_ALLOWED")
}

// The figures of the sample on the page cURL Quickstart.
func TestFigures(t *testing.T) {
	t.Parallel()
	haiku, _ := modelOf("claude-haiku-3")
	f := newFigures(847, 340, haiku.price, false)
	if f.Ratio != 0.60 || f.CostOriginal != 0.000212 || f.CostActual != 0.000085 || f.Saved != 0.000127 {
		t.Errorf("%+v", f)
	}
	if f := newFigures(847, 340, haiku.price, true); f.CostActual != 0 || f.Saved != 0.000212 {
		t.Errorf("from a cache: %+v", f)
	}
	if f := newFigures(0, 0, 1, false); f.Ratio != 0 {
		t.Errorf("of nothing: %+v", f)
	}
}

const wordy = "Hey I just wanted to ask you if you could possibly help me to understand what the main causes of the revenue drop were in the last quarter"

func TestCompletes(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	res := u.ask(wordy, "")
	meta := u.meta(res)
	v := res.Object()
	if id, _ := v["id"].(string); !strings.HasPrefix(id, "lgh_req_") || v["object"] != "chat.completion" || v["model"] != "claude-haiku-3-20240307" {
		t.Errorf("%s", res.Body)
	}
	choice := v["choices"].([]any)[0].(map[string]any)
	message := choice["message"].(map[string]any)
	if message["role"] != "assistant" || !strings.Contains(message["content"].(string), "revenue drop") || choice["finish_reason"] != "stop" {
		t.Errorf("%s", res.Body)
	}
	if meta["original_tokens"].(float64) <= meta["compressed_tokens"].(float64) || meta["compression_ratio"].(float64) <= 0.3 ||
		meta["model_requested"] != "auto" || meta["routing_reason"] != "simple" || meta["cache_hit"] != false || meta["quality_score"].(float64) < 50 {
		t.Errorf("%v", meta)
	}
	if rules := fmt.Sprint(meta["rules_applied"]); rules != "[filler]" {
		t.Errorf("rules %s", rules)
	}
	for _, name := range []string{"X-Laghav-Request-Id", "X-Laghav-Overhead-Ms", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
		if res.Header.Get(name) == "" {
			t.Errorf("the header %s is missing", name)
		}
	}
	if got := res.Header.Get("X-Ratelimit-Reset"); got != fmt.Sprint(u.Clock.Now().Add(time.Minute).Unix()) {
		t.Errorf("X-RateLimit-Reset: %s", got)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	for options, want := range map[string]string{
		`{"compress": false}`:                           "[]",
		`{"skip_rules": ["filler"]}`:                    "[]",
		`{"max_aggressiveness": 0}`:                     "[]",
		`{"max_aggressiveness": 1, "cache": false}`:     "[filler]",
		`{"score": false, "conversation_id": "conv_1"}`: "[filler]",
	} {
		meta := u.meta(u.ask(wordy, options))
		if got := fmt.Sprint(meta["rules_applied"]); got != want {
			t.Errorf("%s: %s, want %s", options, got, want)
		}
		if strings.Contains(options, "score") && (meta["quality_score"] != nil || meta["conversation_id"] != "conv_1") {
			t.Errorf("%s: %v", options, meta)
		}
	}
	for prompt, want := range map[string]string{
		"Translate cheese to French": "claude-haiku-3-20240307 translation", "Debug this function": "claude-sonnet-4 code",
		"Give me legal advice": "claude-opus-4 complex", "What time is it": "claude-haiku-3-20240307 simple",
	} {
		res := u.ask(prompt, "")
		if got := fmt.Sprint(res.Object()["model"], " ", u.meta(res)["routing_reason"]); got != want {
			t.Errorf("%s: %s, want %s", prompt, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	long, _ := json.Marshal(strings.Repeat("word ", 100_001))
	for body, code := range map[string]string{
		``: "INVALID_REQUEST", `{`: "INVALID_REQUEST", `{}`: "INVALID_MESSAGES", `{"messages": []}`: "INVALID_MESSAGES",
		`{"messages": "hi"}`:                                                                            "INVALID_MESSAGES",
		`{"messages": [{"role": "user"}]}`:                                                              "INVALID_MESSAGES",
		`{"messages": [{"role": "king", "content": "x"}]}`:                                              "INVALID_MESSAGES",
		`{"messages": [{"role": "user", "content": ["x"]}]}`:                                            "INVALID_MESSAGES",
		`{"messages": [{"role": "user", "content": ` + string(long) + `}]}`:                             "MESSAGES_TOO_LARGE",
		`{"messages": [{"role": "user", "content": "x"}], "model": "gpt-9"}`:                            "INVALID_MODEL",
		`{"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}`:                             "INVALID_REQUEST",
		`{"messages": [{"role": "user", "content": "x"}], "max_tokens": "1"}`:                           "INVALID_REQUEST",
		`{"messages": [{"role": "user", "content": "x"}], "laghav_options": {"max_aggressiveness": 2}}`: "INVALID_REQUEST",
		`{"messages": [{"role": "user", "content": "x"}], "laghav_options": {"budget_id": "none"}}`:     "INVALID_REQUEST",
	} {
		wantRefusal(t, u.call("POST", "/v1/complete", body), 400, code)
	}
	wantRefusal(t, u.ask("x", `{"mask_pii": true}`), 403, "PLAN_FEATURE_LOCKED")
	wantRefusal(t, u.call("POST", "/v1/complete", `"`+strings.Repeat("x", 2<<20)+`"`), 400, "MESSAGES_TOO_LARGE")
}

func TestStreams(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	whole := u.ask(wordy, "").Object()["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)["content"]
	res := u.call("POST", "/v1/complete", `{"stream": true, "messages": [{"role": "user", "content": "`+wordy+`"}]}`)
	if res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("X-Laghav-Cache") != "dedup" {
		t.Errorf("%v", res.Header)
	}
	text, finish, ended := "", "", false
	for line := range strings.Lines(res.Body) {
		raw, isData := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !isData {
			continue
		}
		if raw == "[DONE]" {
			ended = true
			continue
		}
		var chunk struct {
			Choices []struct {
				Delta        struct{ Content string }
				FinishReason *string `json:"finish_reason"`
			}
			Meta map[string]any `json:"laghav_meta"`
		}
		if err := json.Unmarshal([]byte(raw), &chunk); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		text += chunk.Choices[0].Delta.Content
		if f := chunk.Choices[0].FinishReason; f != nil {
			finish = *f + fmt.Sprint(chunk.Meta["cache_hit"])
		}
	}
	if text != whole || finish != "stoptrue" || !ended {
		t.Errorf("%q, want %q; %s; ended %v", text, whole, finish, ended)
	}
	wantRefusal(t, u.call("POST", "/v1/complete", `{"stream": true}`), 400, "INVALID_MESSAGES")
}

func TestCaches(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	hit := func(prompt, options, want string) {
		t.Helper()
		res := u.ask(prompt, options)
		if meta := u.meta(res); res.Header.Get("X-Laghav-Cache") != want || meta["cache_hit"] != (want != "") || (want != "") != (meta["cost_actual_usd"].(float64) == 0) {
			t.Errorf("%s: %q %v, want %q", prompt, res.Header.Get("X-Laghav-Cache"), meta, want)
		}
	}
	const prompt = "Name the seven largest moons that circle the planet Jupiter today"
	hit(prompt, "", "")
	hit(prompt, "", "dedup")
	hit("Please, name the seven largest moons that circle the planet Jupiter today", "", "semantic")
	hit(prompt, `{"cache": false}`, "")
	hit("Name the seven largest lakes of Europe", "", "")
	u.Clock.Advance(16 * time.Minute)
	hit(prompt, "", "semantic")
	if res := u.call("POST", "/api/cache/clear", `{"scope": "semantic"}`); res.Status != 200 {
		t.Errorf("%d %s", res.Status, res.Body)
	}
	hit(prompt, "", "")
	hit(prompt, "", "dedup")
	u.call("POST", "/api/cache/clear", `{"scope": "all"}`)
	hit(prompt, "", "")
	u.Clock.Advance(31 * time.Minute)
	hit(prompt, "", "")
	wantRefusal(t, u.call("POST", "/api/cache/clear", `{"scope": "some"}`), 400, "INVALID_REQUEST")
}

func TestConversation(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	tokens := func(options string) float64 {
		t.Helper()
		return u.meta(u.ask("Name one river", options))["compressed_tokens"].(float64)
	}
	first := tokens(`{"conversation_id": "c"}`)
	second := tokens(`{"conversation_id": "c"}`)
	if second <= first {
		t.Errorf("the history is not sent: %g, then %g", first, second)
	}
	if one := tokens(`{"conversation_id": "c", "max_turns_to_keep": 1}`); one != first {
		t.Errorf("one turn has %g tokens, want %g", one, first)
	}
	u.Clock.Advance(61 * time.Minute)
	if again := tokens(`{"conversation_id": "c"}`); again != first {
		t.Errorf("after an hour there are %g tokens, want %g", again, first)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	if res := u.Post("/dev/laghav", `{"plan": "sandbox"}`); res.Status != 200 {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	for range 60 {
		if res := u.ask("x", ""); res.Status != 200 {
			t.Fatalf("%d %s", res.Status, res.Body)
		}
	}
	res := u.ask("x", "")
	wantRefusal(t, res, 429, "RATE_LIMIT_EXCEEDED")
	if res.Header.Get("X-RateLimit-Limit") != "60" || res.Header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("%v", res.Header)
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
			t.Errorf("%s: %d", body, res.Status)
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
		t.Errorf("administration is not counted: %d", res.Status)
	}
	if got := u.Get("/dev/laghav").Object()["data"].(map[string]any)["callsThisMonth"]; got != 0.0 {
		t.Errorf("calls with a test key count against the month: %v", got)
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
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	listed := u.call("GET", "/api/keys", "")
	if strings.Contains(listed.Body, key) || len(listed.Object()["keys"].([]any)) != 2 {
		t.Errorf("%s", listed.Body)
	}
	second := user{u.Rig, key}
	second.meta(second.ask("x", ""))
	for range 2 {
		if res := u.call("DELETE", "/api/keys/"+made["id"].(string), ""); res.Status != 200 {
			t.Errorf("%d %s", res.Status, res.Body)
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
		t.Errorf("%v", list)
	}
	u.Clock.Advance(24 * time.Hour)
	if res := u.call("GET", "/api/applications", ""); strings.Contains(res.Body, `"calls_today":1`) {
		t.Errorf("yesterday counts today: %s", res.Body)
	}
	wantRefusal(t, u.call("POST", "/api/applications", `{}`), 400, "INVALID_REQUEST")
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	res := u.call("POST", "/api/budgets", `{"team_name": "Engineering", "monthly_budget_usd": 0.00001, "alert_threshold_pct": 80, "hard_stop": true}`)
	made := res.Object()
	if id, _ := made["id"].(string); res.Status != 201 || !strings.HasPrefix(id, "budget_") || made["team_name"] != "Engineering" {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	u.meta(u.ask(strings.Repeat("words ", 50), `{"budget_id": "engineering"}`))
	refused := wantRefusal(t, u.ask("x", `{"budget_id": "`+made["id"].(string)+`"}`), 402, "BUDGET_EXCEEDED")
	if refused["budget_id"] != made["id"] || refused["limit_usd"] != 0.00001 || refused["spent_usd"].(float64) < 0.00001 {
		t.Errorf("%v", refused)
	}
	listed := u.call("GET", "/api/budgets", "").Object()["budgets"].([]any)[0].(map[string]any)
	if listed["spent_pct"].(float64) < 100 || listed["spent_this_month_usd"] != refused["spent_usd"] {
		t.Errorf("%v", listed)
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
	for name, want := range map[string]any{"agent_loop_detected": true, "agent_run_id": "agent_abc123", "steps_used": 51.0, "steps_max": 50.0, "window_hours": 2.0} {
		if refused[name] != want {
			t.Errorf("%s = %v, want %v", name, refused[name], want)
		}
	}
	u.meta(u.ask("x", `{"agent_run_id": "another"}`))
	summary := u.call("GET", "/api/agent/agent_abc123/summary", "").Object()
	steps, _ := summary["steps"].([]any)
	if summary["total_steps"] != 50.0 || len(steps) != 50 || summary["total_tokens_original"] != 50.0 || steps[49].(map[string]any)["step"] != 50.0 {
		t.Errorf("%v", summary)
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
			t.Fatalf("%d %s", res.Status, res.Body)
		}
	}
	refused := wantRefusal(t, u.call("POST", "/v1/playground", `{"text": "x"}`), 429, "PLAYGROUND_LIMIT_EXCEEDED")
	if refused["calls_used"] != 10.0 || refused["reset_at"] != "2026-03-02T00:00:00Z" {
		t.Errorf("%v", refused)
	}
	u.Clock.Advance(12 * time.Hour)
	if res := u.call("POST", "/v1/playground", `{"text": "x"}`); res.Status != 200 {
		t.Errorf("the next day: %d %s", res.Status, res.Body)
	}
}
