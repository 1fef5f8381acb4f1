package provider

// Laghav is laghav.ai, a proxy that shortens prompts before a model reads them.
func Laghav() Provider {
	const login = "lamina login --provider laghav"
	return Provider{
		Name: "laghav", Title: "Laghav",
		Source:     "www.laghav.ai/docs/api, Authentication, Errors and Rate limits",
		BaseURL:    "https://api.laghav.ai",
		BaseURLEnv: []string{"LAGHAV_BASE_URL"},
		KeyHeader:  "Authorization", KeyScheme: "Bearer",
		EnvKey: "LAGHAV_API_KEY",
		KeyShapes: []KeyShape{
			{Prefix: "lgh_live_", Class: "live"},
			{Prefix: "lgh_test_", Class: "test", Note: "a test key does 100 calls a day and costs nothing"},
		},
		KeysHelp: "in the dashboard: Settings, API Keys; or lamina laghav keys create",
		Checks:   []Check{{Method: "GET", Path: "/api/keys"}},
		Errors: Errors{
			Code: []string{"code"}, Message: []string{"error"}, RequestID: []string{"request_id"}, RequestIDHeader: "X-Laghav-Request-Id",
		},
		Answers: []Answer{
			{Code: "UNAUTHORIZED", Means: Refused, Try: login},
			{Code: "INVALID_KEY", Means: Refused, Says: "perhaps it was not copied whole", Try: login},
			{Code: "KEY_REVOKED", Means: Revoked, Says: "it cannot be brought back; make a new one", Try: login},
			{Code: "BUDGET_EXCEEDED", Means: Quota, Says: "the budget is spent, and it stops hard", Try: "lamina laghav budgets list"},
			{Code: "MONTHLY_LIMIT_REACHED", Means: Quota, Says: "the calls of the month are used up; waiting does not help"},
			{Code: "PLAYGROUND_LIMIT_EXCEEDED", Means: Quota, Says: "the playground's calls of the day are used up"},
			{Code: "PLAN_FEATURE_LOCKED", Means: Forbidden, Says: "the plan does not include this"},
			{Code: "PROTOCOL_BLOCKED", Means: Forbidden, Says: "a governance protocol forbids it"},
			{Code: "COMPRESSOR_UNAVAILABLE", Means: Unavailable, Says: "prompts cannot be shortened now", Try: "the same with --no-compress"},
			{Code: "PROVIDER_ERROR", Means: Unavailable, Says: "the model behind it failed"},
			{Code: "PROVIDER_TIMEOUT", Means: Unavailable, Says: "the model behind it did not answer within 30 seconds"},
			{Code: "RATE_LIMIT_EXCEEDED", Means: RateLimited},
			{Status: 401, Means: Refused, Try: login},
			{Status: 403, Means: Forbidden},
			{Status: 402, Means: Quota},
			{Status: 429, Means: RateLimited},
			{Status: 400, Means: Invalid},
		},
		RateLimit: RateLimit{Limit: "X-RateLimit-Limit", Remaining: "X-RateLimit-Remaining", Reset: "X-RateLimit-Reset"},
	}
}
