package laghav

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// An exchange is a server with one response, and its last request.
type exchange struct {
	t      *testing.T
	method string
	path   string
	body   string
	status int
	header map[string]string
	answer string
}

func (x *exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	x.method, x.path, x.body = r.Method, r.URL.EscapedPath(), string(raw)
	w.Header().Set("Content-Type", "application/json")
	for name, value := range x.header {
		w.Header().Set(name, value)
	}
	if x.status != 0 {
		w.WriteHeader(x.status)
	}
	_, _ = io.WriteString(w, x.answer)
}

// serve starts a server with one response.
func serve(t *testing.T, answer string) (*exchange, *Client) {
	t.Helper()
	x := &exchange{t: t, answer: answer}
	server := httptest.NewServer(x)
	t.Cleanup(server.Close)
	return x, New(&api.Client{BaseURL: server.URL, ReadRefusal: readRefusal})
}

// readRefusal decodes errors as the provider table does.
func readRefusal(e *api.Error, _ http.Header, body []byte) bool {
	var b struct {
		Error, Code string
	}
	if json.Unmarshal(body, &b) != nil || b.Code == "" {
		return false
	}
	e.Code, e.Message = b.Code, b.Error
	if e.Cause = "invalid"; e.Status == http.StatusTooManyRequests {
		e.Cause, e.Retryable = causeRateLimited, false
		e.Final = true // no second attempt, so that tests do not wait
	}
	return true
}

// wantBody checks the JSON of the last request.
func (x *exchange) wantBody(want string) {
	x.t.Helper()
	var got, expected any
	if json.Unmarshal([]byte(x.body), &got) != nil || json.Unmarshal([]byte(want), &expected) != nil {
		x.t.Fatalf("got the body %q, want %q, both as JSON", x.body, want)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(expected)
	if string(a) != string(b) {
		x.t.Errorf("got the body %s, want %s", a, b)
	}
}

// documented is the response on the page cURL Quickstart.
const documented = `{"id": "lgh_req_abc123", "object": "chat.completion",
  "choices": [{"index": 0, "message": {"role": "assistant", "content": "Key findings: Revenue declined 12% YoY..."}, "finish_reason": "stop"}],
  "model": "claude-haiku-3-20240307",
  "laghav_meta": {"original_tokens": 847, "compressed_tokens": 340, "compression_ratio": 0.60, "quality_score": 94,
    "cost_original_usd": 0.000212, "cost_actual_usd": 0.000085, "saved_usd": 0.000127, "routing_reason": "analytical",
    "model_requested": "auto", "rules_applied": ["filler", "preamble"], "cache_hit": false, "latency_overhead_ms": 18}}`

func TestComplete(t *testing.T) {
	t.Parallel()
	x, c := serve(t, documented)
	yes, half := true, 0.7
	done, err := c.Complete(t.Context(), Request{
		Messages: []Message{{"user", "Summarize"}}, Model: "auto", MaxTokens: 5,
		Options: &Options{Compress: &yes, Aggressiveness: &half, SkipRules: []string{"intent"}, BudgetID: "engineering", MaxTurns: 10, AgentRunID: "agent_xyz789"},
	})
	if err != nil {
		t.Fatal(err)
	}
	x.wantBody(`{"messages": [{"role": "user", "content": "Summarize"}], "model": "auto", "max_tokens": 5, "laghav_options": {"compress": true,
		"max_aggressiveness": 0.7, "skip_rules": ["intent"], "budget_id": "engineering", "max_turns_to_keep": 10, "agent_run_id": "agent_xyz789"}}`)
	if x.method != "POST" || x.path != "/v1/complete" {
		t.Errorf("got %s %s, want POST /v1/complete", x.method, x.path)
	}
	f := done.Figures
	if done.ID != "lgh_req_abc123" || done.Model != "claude-haiku-3-20240307" || !strings.HasPrefix(done.Content, "Key findings") || done.FinishReason != "stop" || !done.Whole {
		t.Errorf("got %+v, want the documented completion", done)
	}
	if f.Original != 847 || f.Compressed != 340 || *f.Quality != 94 || f.Saved != 0.000127 || len(f.Rules) != 2 || int(f.SavedPct()) != 59 {
		t.Errorf("got the figures %+v, want the documented ones", f)
	}
	if string(done.Raw) != documented {
		t.Errorf("got the JSON %s, want the whole response", done.Raw)
	}
}

func TestUnexpectedResponses(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{}`, `[]`, `{"choices": []}`, `{"choices": 1}`, `null`, `{"data": 3}`, `"text"`, `{"keys": "none"}`} {
		_, c := serve(t, answer)
		calls := []struct {
			name string
			call func() error
		}{
			{"complete", func() error { _, err := c.Complete(t.Context(), Request{}); return err }},
			{"keys", func() error { _, _, err := c.Keys(t.Context()); return err }},
			{"new key", func() error { _, _, err := c.MakeKey(t.Context(), "a", "b"); return err }},
			{"apps", func() error { _, _, err := c.Apps(t.Context()); return err }},
			{"budgets", func() error { _, _, err := c.Budgets(t.Context()); return err }},
			{"playground", func() error { _, _, err := c.Playground(t.Context(), "a", "auto", 0.5); return err }},
		}
		for _, tt := range calls {
			if tt.name == "keys" && answer == "[]" {
				continue // a plausible empty list
			}
			t.Run(tt.name+" given "+answer, func(t *testing.T) {
				var unexpected *api.UnexpectedError
				if err := tt.call(); !errors.As(err, &unexpected) {
					t.Errorf("got %v, want an UnexpectedError", err)
				}
			})
		}
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	const first, second = `{"choices":[{"delta":{"content":"Here"}}]}`, `{"choices":[{"delta":{"content":" it is"}}]}`
	const last = `{"model": "m", "choices":[{"delta":{},"finish_reason":"stop"}],"laghav_meta":{"original_tokens":3}}`
	tests := []struct {
		name      string
		events    string
		wantWhole bool
		wantErr   bool
	}{
		{"end marker", "data: " + first + "\n\ndata: " + second + "\n\ndata: [DONE]\n\n", true, false},
		{"finish reason", "data: " + first + "\n\n: ping\n\ndata: " + second + "\n\ndata: " + last + "\n\n", true, false},
		{"neither", "data: " + first + "\n\ndata: " + second + "\n\n", false, false},
		{"events after the end marker", "data: " + first + "\n\ndata: " + second + "\n\ndata: [DONE]\n\ndata: nonsense\n\n", true, false},
		{"event that is not JSON", "data: " + first + "\n\ndata: " + second + "\n\ndata: {\n\n", false, true},
		{"error", "data: " + first + "\n\ndata: " + second + "\n\n" + `data: {"error": "The provider failed", "code": "PROVIDER_ERROR"}` + "\n\n", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x, client := serve(t, tt.events)
			x.header = map[string]string{"Content-Type": "text/event-stream"}
			var chunks []string
			got, err := client.Stream(t.Context(), Request{}, func(chunk Chunk) error {
				chunks = append(chunks, chunk.Content)
				return nil
			})
			if (err != nil) != tt.wantErr || got.Whole != tt.wantWhole || got.Content != "Here it is" || strings.Join(chunks, "") != "Here it is" {
				t.Errorf("got %+v in the chunks %q, %v, want Here it is, whole %t, error %t", got, chunks, err, tt.wantWhole, tt.wantErr)
			}
			var refused *api.Error
			if tt.name == "error" && (!errors.As(err, &refused) || refused.Code != "PROVIDER_ERROR") {
				t.Errorf("got %v, want PROVIDER_ERROR", err)
			}
		})
	}
	x, client := serve(t, `{"error": "messages must not be empty", "code": "INVALID_MESSAGES"}`)
	x.status = 400
	var refused *api.Error
	if _, err := client.Stream(t.Context(), Request{}, nil); !errors.As(err, &refused) || refused.Code != "INVALID_MESSAGES" {
		t.Errorf("got %v, want INVALID_MESSAGES", err)
	}
	x.wantBody(`{"messages": null, "stream": true}`)
}

// TestKeys: the list of keys and a new key in plausible forms, because the documentation has none.
func TestKeys(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		`{"keys": [{"id": "key_1", "name": "CI", "app_id": "app_1", "type": "live", "last_four": "abcd", "created_at": "2025-06-01T14:00:00Z"}]}`,
		`[{"key_id": "key_1", "name": "CI", "application_id": "app_1", "prefix": "lgh_live_", "hint": "abcd", "created_at": 1748786400}]`,
		`{"data": {"api_keys": [{"id": "key_1", "name": "CI", "app_id": "app_1", "key": "lgh_live_****abcd", "created_at": "2025-06-01T14:00:00Z", "status": "active"}]}}`,
	} {
		_, c := serve(t, answer)
		keys, raw, err := c.Keys(t.Context())
		want := Key{ID: "key_1", Name: "CI", AppID: "app_1", Class: "live", Last: "abcd", CreatedAt: time.Date(2025, 6, 1, 14, 0, 0, 0, time.UTC)}
		if err != nil || len(keys) != 1 || keys[0] != want || string(raw) != answer {
			t.Errorf("%s: got %+v, %v, want %+v", answer, keys, err, want)
		}
	}
	for _, revoked := range []string{`"status": "REVOKED"`, `"revoked": true`, `"active": false`, `"revoked_at": "2025-06-01T14:00:00Z"`} {
		_, c := serve(t, `{"keys": [{"id": "k", `+revoked+`}, {"id": "l", "revoked_at": null, "active": true}]}`)
		keys, _, err := c.Keys(t.Context())
		if err != nil || !keys[0].Revoked || keys[1].Revoked {
			t.Errorf("%s: got %+v, %v, want the first key revoked", revoked, keys, err)
		}
	}
	for _, answer := range []string{
		`{"id": "key_1", "name": "CI", "api_key": "lgh_live_x"}`, `{"id": "key_1", "key": "lgh_live_x"}`,
		`{"key": {"id": "key_1", "secret": "lgh_live_x"}}`, `{"data": {"key_id": "key_1", "value": "lgh_live_x"}}`,
	} {
		x, c := serve(t, answer)
		x.status = 201
		made, _, err := c.MakeKey(t.Context(), "CI", "app_abc123")
		if err != nil || made.Secret != "lgh_live_x" || made.ID != "key_1" {
			t.Errorf("%s: got %+v, %v, want the secret of key_1", answer, made, err)
		}
		x.wantBody(`{"name": "CI", "app_id": "app_abc123"}`)
	}
}

func TestRevokeKey(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 204} {
		x, c := serve(t, "")
		x.status = status
		if _, err := c.RevokeKey(t.Context(), "key_xyz789"); err != nil || x.method != "DELETE" || x.path != "/api/keys/key_xyz789" {
			t.Errorf("got %s %s, %v, want DELETE /api/keys/key_xyz789", x.method, x.path, err)
		}
		if _, err := c.RevokeKey(t.Context(), "a/../b?c"); err != nil || x.path != "/api/keys/a%2F..%2Fb%3Fc" {
			t.Errorf("got the path %s, %v, want an escaped id", x.path, err)
		}
	}
}

// TestAppsAndBudgets uses the responses on the pages Applications and Budget Controls.
func TestAppsAndBudgets(t *testing.T) {
	t.Parallel()
	_, c := serve(t, `{"applications": [{"id": "app_abc123", "name": "FARA Agent", "calls_today": 12400, "compression_avg": 72, "quality_avg": 96,
		"saved_usd_today": 88.50, "status": "active"}]}`)
	apps, _, err := c.Apps(t.Context())
	if want := (App{"app_abc123", "FARA Agent", 12400, 72, 96, 88.5, "active"}); err != nil || len(apps) != 1 || apps[0] != want {
		t.Errorf("got %+v, %v, want %+v", apps, err, want)
	}
	_, c = serve(t, `{"id": "app_xyz789", "name": "Support Bot", "api_key": "lgh_live_xxxx", "created_at": "2025-06-01T14:00:00Z"}`)
	if made, _, err := c.MakeApp(t.Context(), "Support Bot"); err != nil || made.ID != "app_xyz789" || made.Name != "Support Bot" || made.Secret != "lgh_live_xxxx" {
		t.Errorf("got %+v, %v, want app_xyz789 with its key", made, err)
	}
	_, c = serve(t, `{"budgets": [{"id": "budget_abc", "team_name": "Engineering", "monthly_budget_usd": 500, "alert_threshold_pct": 80,
		"spent_this_month_usd": 305.50, "spent_pct": 61}]}`)
	budgets, _, err := c.Budgets(t.Context())
	if want := (Budget{"budget_abc", "Engineering", 500, 80, false, 305.5, 61}); err != nil || len(budgets) != 1 || budgets[0] != want {
		t.Errorf("got %+v, %v, want %+v", budgets, err, want)
	}
	x, c := serve(t, `{"id": "budget_abc", "team_name": "Engineering"}`)
	made, _, err := c.MakeBudget(t.Context(), Budget{Team: "Engineering", Limit: 500, Alert: 80})
	if err != nil || made.ID != "budget_abc" || made.Limit != 500 {
		t.Errorf("got %+v, %v, want budget_abc with its limit", made, err)
	}
	x.wantBody(`{"team_name": "Engineering", "monthly_budget_usd": 500, "alert_threshold_pct": 80, "hard_stop": false}`)
}

func TestPlayground(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		`{"compressed_text": "Short", "original_tokens": 9, "compressed_tokens": 3, "quality_score": 90, "rules_applied": ["filler"]}`,
		`{"data": {"compressed": "Short", "laghav_meta": {"original_tokens": 9, "compressed_tokens": 3, "quality_score": 90, "rules_applied": ["filler"]}}}`,
		`{"result": {"output": "Short", "tokens_original": 9, "tokens_compressed": 3, "quality_score": 90, "rules_applied": ["filler"]}}`,
	} {
		x, c := serve(t, answer)
		short, _, err := c.Playground(t.Context(), "Long", "auto", 0.5)
		if err != nil || short.Text != "Short" || short.Figures.Original != 9 || short.Figures.Compressed != 3 || *short.Figures.Quality != 90 || len(short.Rules) != 1 {
			t.Errorf("%s: got %+v, %v, want Short with its figures", answer, short, err)
		}
		x.wantBody(`{"text": "Long", "content_type": "auto", "aggressiveness": 0.5, "cf_turnstile_token": ""}`)
	}
}

// TestRefusals uses the errors on the pages Agent Cost Control, Budget Controls and Rate Limits.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		status       int
		header       map[string]string
		answer       string
		says         string
		quota, final bool
	}{
		{
			"loop", 429, nil, `{"error": "Agent loop limit exceeded", "code": "RATE_LIMIT_EXCEEDED", "agent_loop_detected": true, "agent_run_id": "agent_abc123",
				"steps_used": 51, "steps_max": 50, "window_hours": 2, "request_id": "lgh_req_xyz"}`, "agent_abc123 made more than 50 steps in 2 hours", true, true,
		},
		{
			"budget", 402, nil, `{"error": "Team monthly budget cap reached", "code": "BUDGET_EXCEEDED", "budget_id": "budget_abc", "spent_usd": 500.12,
				"limit_usd": 500.00, "request_id": "lgh_req_xyz"}`, "limit of $500.00 and spent $500.12", false, false,
		},
		{
			"playground", 429, nil, `{"error": "Daily playground limit reached", "code": "PLAYGROUND_LIMIT_EXCEEDED", "calls_used": 10, "reset_at": "2025-06-02T00:00:00Z"}`,
			"10 calls of the day are used up until 2025-06-02T00:00:00Z", false, true,
		},
		{"day", 429, map[string]string{"X-RateLimit-Remaining": "7"}, `{"error": "x", "code": "RATE_LIMIT_EXCEEDED"}`, "a test key makes 100 calls a day", true, true},
		{"minute", 429, map[string]string{"X-RateLimit-Remaining": "0"}, `{"error": "x", "code": "RATE_LIMIT_EXCEEDED"}`, "", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x, client := serve(t, tt.answer)
			x.status, x.header = tt.status, tt.header
			_, err := client.Complete(t.Context(), Request{})
			var refused *api.Error
			if !errors.As(err, &refused) || !strings.Contains(refused.Says, tt.says) || (refused.Cause == causeQuota) != tt.quota || refused.Final != tt.final {
				t.Errorf("got %+v, want quota %t, final %t and %q", err, tt.quota, tt.final, tt.says)
			}
		})
	}
}

// FuzzShapes: no response causes a panic, and no more than four characters of a key are returned.
func FuzzShapes(f *testing.F) {
	for _, seed := range []string{`{"id": 1, "created_at": 1e300}`, `null`, `{"data": {"data": {"key": "x"}}}`, `{"choices": [{}]}`, `{"key": {"id": "a", "key": "b"}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var item wireKey
		if err := loose.Unmarshal(raw, &item); err == nil && len(item.key().Last) > 4 {
			t.Errorf("got %+v from %s, want at most 4 characters of the key", item.key(), raw)
		}
		done := &Completion{}
		_, _ = (&Client{&api.Client{}}).readChunk(done, raw)
	})
}
