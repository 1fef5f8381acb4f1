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
		t.Errorf("got %d %s, want %d %s", res.Status, res.Body, status, code)
	}
	if !strings.HasPrefix(id, "lgh_req_") || res.Header.Get("X-Laghav-Request-Id") != id {
		t.Errorf("request id: got %q in the body and %q in the header, want the same", id, res.Header.Get("X-Laghav-Request-Id"))
	}
	return v
}

func TestKeysRefused(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	revoked := u.NewRevokedKey(Service, "live", "")
	foreign := u.NewKey("laminr", "", "tenant_sample")
	for _, address := range []string{
		"POST /v1/complete", "GET /api/keys", "POST /api/keys", "DELETE /api/keys/key_x", "GET /api/applications", "GET /api/budgets",
		"POST /api/cache/clear", "GET /api/agent/a/summary",
	} {
		method, path, _ := strings.Cut(address, " ")
		for _, tt := range []struct{ name, key, code string }{
			{"no key", "", "UNAUTHORIZED"},
			{"unknown", "lgh_live_nothing", "INVALID_KEY"},
			{"malformed", "x", "INVALID_KEY"},
			{"of another service", foreign, "INVALID_KEY"},
			{"revoked", revoked, "KEY_REVOKED"},
		} {
			t.Run(address+" "+tt.name, func(t *testing.T) {
				wantRefusal(t, user{u.Rig, tt.key}.call(method, path, `{}`), 401, tt.code)
			})
		}
	}
	basic := u.Request("GET", "/laghav/api/keys", "", "")
	basic.Header.Set("Authorization", "Basic eDp5")
	wantRefusal(t, u.Do(basic), 401, "UNAUTHORIZED")
	if res := (user{u.Rig, ""}).call("GET", "/health", ""); res.Status != 200 {
		t.Errorf("health: got %d, want 200", res.Status)
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
		t.Errorf("figures: got %+v, want those of the page", f)
	}
	if f := newFigures(847, 340, haiku.price, true); f.CostActual != 0 || f.Saved != 0.000212 {
		t.Errorf("figures from a cache: got %+v, want no actual cost", f)
	}
	if f := newFigures(0, 0, 1, false); f.Ratio != 0 {
		t.Errorf("figures of an empty prompt: got %+v, want a ratio of 0", f)
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
		t.Errorf("completion: got %s, want an id, chat.completion and the model", res.Body)
	}
	choice := v["choices"].([]any)[0].(map[string]any)
	message := choice["message"].(map[string]any)
	if message["role"] != "assistant" || !strings.Contains(message["content"].(string), "revenue drop") || choice["finish_reason"] != "stop" {
		t.Errorf("choice: got %s, want an assistant message about the revenue drop", res.Body)
	}
	if meta["original_tokens"].(float64) <= meta["compressed_tokens"].(float64) || meta["compression_ratio"].(float64) <= 0.3 ||
		meta["model_requested"] != "auto" || meta["routing_reason"] != "simple" || meta["cache_hit"] != false || meta["quality_score"].(float64) < 50 {
		t.Errorf("laghav_meta: got %v, want a shorter prompt and a simple route", meta)
	}
	if rules := fmt.Sprint(meta["rules_applied"]); rules != "[filler]" {
		t.Errorf("rules: got %s, want [filler]", rules)
	}
	for _, name := range []string{"X-Laghav-Request-Id", "X-Laghav-Overhead-Ms", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
		if res.Header.Get(name) == "" {
			t.Errorf("header %s: got none, want one", name)
		}
	}
	if got := res.Header.Get("X-Ratelimit-Reset"); got != fmt.Sprint(u.Clock.Now().Add(time.Minute).Unix()) {
		t.Errorf("X-RateLimit-Reset: got %s, want a minute from now", got)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	for _, tt := range []struct{ name, options, want string }{
		{"without compression", `{"compress": false}`, "[]"},
		{"without the rule", `{"skip_rules": ["filler"]}`, "[]"},
		{"least aggressiveness", `{"max_aggressiveness": 0}`, "[]"},
		{"most aggressiveness", `{"max_aggressiveness": 1, "cache": false}`, "[filler]"},
		{"without a score", `{"score": false, "conversation_id": "conv_1"}`, "[filler]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			meta := u.meta(u.ask(wordy, tt.options))
			if got := fmt.Sprint(meta["rules_applied"]); got != tt.want {
				t.Errorf("rules: got %s, want %s", got, tt.want)
			}
			if strings.Contains(tt.options, "score") && (meta["quality_score"] != nil || meta["conversation_id"] != "conv_1") {
				t.Errorf("laghav_meta: got %v, want no score, and conv_1", meta)
			}
		})
	}
}

func TestRouting(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	for _, tt := range []struct{ prompt, want string }{
		{"Translate cheese to French", "claude-haiku-3-20240307 translation"},
		{"Debug this function", "claude-sonnet-4 code"},
		{"Give me legal advice", "claude-opus-4 complex"},
		{"What time is it", "claude-haiku-3-20240307 simple"},
	} {
		t.Run(tt.prompt, func(t *testing.T) {
			res := u.ask(tt.prompt, "")
			if got := fmt.Sprint(res.Object()["model"], " ", u.meta(res)["routing_reason"]); got != tt.want {
				t.Errorf("model and reason: got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	long, _ := json.Marshal(strings.Repeat("word ", 100_001))
	for _, tt := range []struct{ name, body, code string }{
		{"no body", ``, "INVALID_REQUEST"},
		{"no JSON", `{`, "INVALID_REQUEST"},
		{"no messages", `{}`, "INVALID_MESSAGES"},
		{"empty messages", `{"messages": []}`, "INVALID_MESSAGES"},
		{"messages as text", `{"messages": "hi"}`, "INVALID_MESSAGES"},
		{"no content", `{"messages": [{"role": "user"}]}`, "INVALID_MESSAGES"},
		{"unknown role", `{"messages": [{"role": "king", "content": "x"}]}`, "INVALID_MESSAGES"},
		{"content as a list", `{"messages": [{"role": "user", "content": ["x"]}]}`, "INVALID_MESSAGES"},
		{"long content", `{"messages": [{"role": "user", "content": ` + string(long) + `}]}`, "MESSAGES_TOO_LARGE"},
		{"large body", `"` + strings.Repeat("x", 2<<20) + `"`, "MESSAGES_TOO_LARGE"},
		{"unknown model", `{"messages": [{"role": "user", "content": "x"}], "model": "gpt-9"}`, "INVALID_MODEL"},
		{"no tokens", `{"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}`, "INVALID_REQUEST"},
		{"tokens as text", `{"messages": [{"role": "user", "content": "x"}], "max_tokens": "1"}`, "INVALID_REQUEST"},
		{"aggressiveness", `{"messages": [{"role": "user", "content": "x"}], "laghav_options": {"max_aggressiveness": 2}}`, "INVALID_REQUEST"},
		{"unknown budget", `{"messages": [{"role": "user", "content": "x"}], "laghav_options": {"budget_id": "none"}}`, "INVALID_REQUEST"},
	} {
		t.Run(tt.name, func(t *testing.T) { wantRefusal(t, u.call("POST", "/v1/complete", tt.body), 400, tt.code) })
	}
	wantRefusal(t, u.ask("x", `{"mask_pii": true}`), 403, "PLAN_FEATURE_LOCKED")
}

func TestStreams(t *testing.T) {
	t.Parallel()
	u := newUser(t, "live")
	whole := u.ask(wordy, "").Object()["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)["content"]
	res := u.call("POST", "/v1/complete", `{"stream": true, "messages": [{"role": "user", "content": "`+wordy+`"}]}`)
	if res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("X-Laghav-Cache") != "dedup" {
		t.Errorf("headers: got %v, want an event stream from the cache dedup", res.Header)
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
			t.Fatalf("chunk %s: %v", raw, err)
		}
		text += chunk.Choices[0].Delta.Content
		if f := chunk.Choices[0].FinishReason; f != nil {
			finish = *f + fmt.Sprint(chunk.Meta["cache_hit"])
		}
	}
	if text != whole || finish != "stoptrue" || !ended {
		t.Errorf("stream: got %q, finish %s, end %v; want %q, stop from a cache, an end", text, finish, ended, whole)
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
			t.Errorf("%s: got the cache %q and %v, want %q", prompt, res.Header.Get("X-Laghav-Cache"), meta, want)
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
		t.Errorf("clear: got %d %s, want 200", res.Status, res.Body)
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
		t.Errorf("tokens: got %g, then %g; want more with the history", first, second)
	}
	if one := tokens(`{"conversation_id": "c", "max_turns_to_keep": 1}`); one != first {
		t.Errorf("tokens of one turn: got %g, want %g", one, first)
	}
	u.Clock.Advance(61 * time.Minute)
	if again := tokens(`{"conversation_id": "c"}`); again != first {
		t.Errorf("tokens after an hour: got %g, want %g", again, first)
	}
}
