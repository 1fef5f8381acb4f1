package provider

import "time"

// Laghav is laghav.ai, a proxy that shortens prompts before a model reads them.
func Laghav() Provider {
	return Provider{
		Name: "laghav", Title: "Laghav",
		Source:     "www.laghav.ai/docs/api, Authentication, Errors and Rate limits",
		BaseURL:    "https://api.laghav.ai",
		BaseURLEnv: []string{"LAGHAV_BASE_URL"},
		KeyHeader:  "Authorization", KeyScheme: "Bearer",
		EnvKey: "LAGHAV_API_KEY",
		KeyShapes: []KeyShape{
			{Prefix: "lgh_live_", Class: "live"},
			{Prefix: "lgh_test_", Class: "test", Note: "a test key makes 100 free calls a day"},
		},
		KeysHelp:    "in the dashboard: Settings, API Keys",
		Roots:       []string{"/v1"},
		RequestTime: time.Minute, // the model behind the service may take 30 seconds
		Checks:      []Check{{Method: "GET", Path: "/api/keys"}},
		Errors: Errors{
			Code: []string{"code"}, Message: []string{"error"}, RequestID: []string{"request_id"}, RequestIDHeader: "X-Laghav-Request-Id",
		},
		Rules: []Rule{
			{Code: "UNAUTHORIZED", Kind: Refused},
			{Code: "INVALID_KEY", Kind: Refused, Explanation: "it may be incomplete"},
			{Code: "KEY_REVOKED", Kind: Revoked, Explanation: "it cannot be restored; create a new one"},
			{Code: "BUDGET_EXCEEDED", Kind: Quota, Explanation: "the budget is spent, and its limit is hard", Hint: "lamina laghav budgets list"},
			{Code: "MONTHLY_LIMIT_REACHED", Kind: Quota, Explanation: "the calls of the month are used up; waiting does not help"},
			{Code: "PLAYGROUND_LIMIT_EXCEEDED", Kind: Quota, Explanation: "the playground's calls of the day are used up"},
			{Code: "PLAN_FEATURE_LOCKED", Kind: Forbidden, Explanation: "the plan does not include this"},
			{Code: "PROTOCOL_BLOCKED", Kind: Forbidden, Explanation: "a governance protocol forbids it"},
			{Code: "COMPRESSOR_UNAVAILABLE", Kind: Unavailable, Explanation: "the compressor is not available", Hint: "the same command with --no-compress"},
			{Code: "PROVIDER_ERROR", Kind: Unavailable, Explanation: "the model behind it failed"},
			{Code: "PROVIDER_TIMEOUT", Kind: Unavailable, Explanation: "the model behind it did not answer within 30 seconds"},
			{Code: "RATE_LIMIT_EXCEEDED", Kind: RateLimited},
			{Status: 401, Kind: Refused},
			{Status: 403, Kind: Forbidden},
			{Status: 402, Kind: Quota},
			{Status: 429, Kind: RateLimited},
			{Status: 400, Kind: Invalid},
		},
		RateLimit: RateLimit{Limit: "X-RateLimit-Limit", Remaining: "X-RateLimit-Remaining", Reset: "X-RateLimit-Reset"},
	}
}
