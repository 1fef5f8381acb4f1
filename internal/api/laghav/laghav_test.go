package laghav

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
	"github.com/uselamina/lamina/internal/provider"
)

// An exchange is a server that gives one response, and the last request that it received.
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

// serve starts a server that gives one response, and returns a client that does not wait between attempts.
func serve(t *testing.T, answer string) (*exchange, *Client) {
	t.Helper()
	x := &exchange{t: t, answer: answer}
	server := httptest.NewServer(x)
	t.Cleanup(server.Close)
	return x, New(&api.Client{BaseURL: server.URL, Sleep: func(context.Context, time.Duration) error { return nil }})
}

// wantBody compares the body of the last request with a JSON text.
func (x *exchange) wantBody(want string) {
	x.t.Helper()
	var got, expected any
	if json.Unmarshal([]byte(x.body), &got) != nil || json.Unmarshal([]byte(want), &expected) != nil {
		x.t.Fatalf("%q or %q is not JSON", x.body, want)
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
		t.Errorf("got the request %s %s, want POST /v1/complete", x.method, x.path)
	}
	quality := 94.0
	want := &Completion{
		ID: "lgh_req_abc123", Model: "claude-haiku-3-20240307", Content: "Key findings: Revenue declined 12% YoY...", FinishReason: "stop", Whole: true,
		Raw: json.RawMessage(documented),
		Figures: &Figures{
			Original: 847, Compressed: 340, Quality: &quality, CostOriginal: 0.000212, CostActual: 0.000085, Saved: 0.000127,
			RoutingReason: "analytical", Rules: []string{"filler", "preamble"},
		},
	}
	if !reflect.DeepEqual(done, want) {
		t.Errorf("got %+v with %+v, want %+v with %+v", done, done.Figures, want, want.Figures)
	}
	if got := int(done.Figures.SavedPct()); got != 59 {
		t.Errorf("got %d%% saved tokens, want 59%%", got)
	}
}

func TestUnexpectedResponses(t *testing.T) {
	t.Parallel()
	calls := []struct {
		name string
		call func(context.Context, *Client) error
	}{
		{"complete", func(ctx context.Context, c *Client) error { _, err := c.Complete(ctx, Request{}); return err }},
		{"keys", func(ctx context.Context, c *Client) error { _, _, err := c.Keys(ctx); return err }},
		{"make key", func(ctx context.Context, c *Client) error { _, _, err := c.CreateKey(ctx, "a", "b"); return err }},
		{"apps", func(ctx context.Context, c *Client) error { _, _, err := c.Apps(ctx); return err }},
		{"find app", func(ctx context.Context, c *Client) error { _, err := c.FindApp(ctx, ""); return err }},
		{"budgets", func(ctx context.Context, c *Client) error { _, _, err := c.Budgets(ctx); return err }},
		{"playground", func(ctx context.Context, c *Client) error {
			_, _, err := c.Playground(ctx, "a", "auto", 0.5)
			return err
		}},
	}
	for _, answer := range []string{`{}`, `[]`, `{"choices": []}`, `{"choices": 1}`, `null`, `{"data": 3}`, `"text"`, `{"keys": "none"}`} {
		for _, tt := range calls {
			if answer == "[]" && (tt.name == "keys" || tt.name == "apps" || tt.name == "find app" || tt.name == "budgets") {
				continue // an empty list, in one of the plausible forms
			}
			t.Run(tt.name+" "+answer, func(t *testing.T) {
				t.Parallel()
				_, c := serve(t, answer)
				var want *api.UnexpectedError
				if got := tt.call(t.Context(), c); !errors.As(got, &want) {
					t.Errorf("got the error %v, want %T", got, want)
				}
			})
		}
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	const pieces = `data: {"choices":[{"delta":{"content":"Here"}}]}` + "\n\n: ping\n\n" + `data: {"choices":[{"delta":{"content":" it is"}}]}` + "\n\n"
	const last = `data: {"model": "m", "choices":[{"delta":{},"finish_reason":"stop"}],"laghav_meta":{"original_tokens":3}}` + "\n\n"
	const refusal = `data: {"error": "The provider failed", "code": "PROVIDER_ERROR"}` + "\n\n"
	tests := []struct {
		name      string
		events    string
		wantWhole bool
		wantErr   bool
		wantCode  string // of a refusal
	}{
		{name: "end marker", events: pieces + "data: [DONE]\n\n", wantWhole: true},
		{name: "finish reason", events: pieces + last, wantWhole: true},
		{name: "no end", events: pieces},
		{name: "garbage after the end marker", events: pieces + "data: [DONE]\n\ndata: nonsense\n\n", wantWhole: true},
		{name: "garbage", events: pieces + "data: {\n\n", wantErr: true},
		{name: "refusal", events: pieces + refusal, wantErr: true, wantCode: "PROVIDER_ERROR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x, client := serve(t, tt.events)
			x.header = map[string]string{"Content-Type": "text/event-stream"}
			var chunks strings.Builder
			done, err := client.Stream(t.Context(), Request{}, func(chunk Chunk) error {
				chunks.WriteString(chunk.Content)
				return nil
			})
			const want = "Here it is"
			if done.Content != want || chunks.String() != want {
				t.Errorf("got the answer %q in the chunks %q, want %q", done.Content, chunks.String(), want)
			}
			if got := err != nil; got != tt.wantErr || done.Whole != tt.wantWhole {
				t.Errorf("got the error %v, whole: %t; want an error: %t, whole: %t", err, done.Whole, tt.wantErr, tt.wantWhole)
			}
			var refused *api.Error
			if errors.As(err, &refused); tt.wantCode != "" && (refused == nil || refused.Code != tt.wantCode) {
				t.Errorf("got the error %v, want code %s", err, tt.wantCode)
			}
		})
	}
}

func TestStreamRefused(t *testing.T) {
	t.Parallel()
	x, client := serve(t, `{"error": "messages must not be empty", "code": "INVALID_MESSAGES"}`)
	x.status = 400
	const want = "INVALID_MESSAGES"
	var refused *api.Error
	if _, err := client.Stream(t.Context(), Request{}, nil); !errors.As(err, &refused) || refused.Code != want {
		t.Errorf("got the error %v, want code %s", err, want)
	}
	x.wantBody(`{"messages": null, "stream": true}`)
}

func TestPlayground(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, answer string }{
		{"flat", `{"compressed_text": "Short", "original_tokens": 9, "compressed_tokens": 3, "quality_score": 90, "rules_applied": ["filler"]}`},
		{"in data", `{"data": {"compressed": "Short", "laghav_meta": {"original_tokens": 9, "compressed_tokens": 3, "quality_score": 90, "rules_applied": ["filler"]}}}`},
		{"in result", `{"result": {"output": "Short", "tokens_original": 9, "tokens_compressed": 3, "quality_score": 90, "rules_applied": ["filler"]}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			quality := 90.0
			want := Shortened{Text: "Short", Figures: Figures{Original: 9, Compressed: 3, Quality: &quality}, Rules: []string{"filler"}}
			x, c := serve(t, tt.answer)
			got, _, err := c.Playground(t.Context(), "Long", "auto", 0.5)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
			x.wantBody(`{"text": "Long", "content_type": "auto", "aggressiveness": 0.5, "cf_turnstile_token": ""}`)
		})
	}
}

// The refusals are those on the pages Agent Cost Control, Budget Controls and Rate Limits.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		status          int
		remaining       string // of the header X-RateLimit-Remaining
		answer          string
		wantKind        provider.Kind
		wantExplanation string
		wantRetryable   bool
	}{
		{
			name: "agent loop", status: 429, wantKind: provider.Quota, wantExplanation: "agent_abc123 made more than 50 steps in 2 hours",
			answer: `{"error": "Agent loop limit exceeded", "code": "RATE_LIMIT_EXCEEDED", "agent_loop_detected": true, "agent_run_id": "agent_abc123",
				"steps_used": 51, "steps_max": 50, "window_hours": 2, "request_id": "lgh_req_xyz"}`,
		},
		{
			name: "budget", status: 402, wantKind: provider.Quota, wantExplanation: "limit of $500.00 and spent $500.12",
			answer: `{"error": "Team monthly budget cap reached", "code": "BUDGET_EXCEEDED", "budget_id": "budget_abc", "spent_usd": 500.12,
				"limit_usd": 500.00, "request_id": "lgh_req_xyz"}`,
		},
		{
			name: "playground", status: 429, wantKind: provider.Quota, wantExplanation: "10 calls of the day are used up until 2025-06-02T00:00:00Z",
			answer: `{"error": "Daily playground limit reached", "code": "PLAYGROUND_LIMIT_EXCEEDED", "calls_used": 10, "reset_at": "2025-06-02T00:00:00Z"}`,
		},
		{
			name: "limit of a day", status: 429, remaining: "7", wantKind: provider.Quota, wantExplanation: "a test key makes 100 calls a day",
			answer: `{"error": "x", "code": "RATE_LIMIT_EXCEEDED"}`,
		},
		{
			name: "limit of a minute", status: 429, remaining: "0", wantKind: provider.RateLimited, wantRetryable: true,
			answer: `{"error": "x", "code": "RATE_LIMIT_EXCEEDED"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x, client := serve(t, tt.answer)
			x.status = tt.status
			if tt.remaining != "" {
				x.header = map[string]string{"X-RateLimit-Remaining": tt.remaining}
			}
			_, err := client.Complete(t.Context(), Request{})
			var got *api.Error
			if !errors.As(err, &got) {
				t.Fatalf("got the error %v, want %T", err, got)
			}
			if got.Rule.Kind != tt.wantKind || got.Retryable != tt.wantRetryable {
				t.Errorf("got kind %s, retryable: %t; want kind %s, retryable: %t", got.Rule.Kind, got.Retryable, tt.wantKind, tt.wantRetryable)
			}
			if !strings.Contains(got.Rule.Explanation, tt.wantExplanation) {
				t.Errorf("got the explanation %q, want %q in it", got.Rule.Explanation, tt.wantExplanation)
			}
		})
	}
}

// FuzzShapes feeds the decoders with any response: each must decode it or return an error.
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
		_, _ = New(&api.Client{}).readChunk(done, raw)
	})
}
