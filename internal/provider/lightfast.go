package provider

// Lightfast is lightfast.ai, which searches what an engineering organization's tools know.
func Lightfast() Provider {
	return Provider{
		Name: "lightfast", Title: "Lightfast", Aliases: []string{"lightfast.ai"},
		Source:      "lightfast.ai/docs/api-reference, Authentication; older versions of the same pages",
		BaseURL:     "https://lightfast.ai/api/v1",
		BaseURLEnv:  []string{"LIGHTFAST_BASE_URL"},
		BaseURLHelp: "older generations of the API have other addresses: https://api.lightfast.ai/v1 and https://lightfast.ai/v1",
		KeyHeader:   "Authorization", KeyScheme: "Bearer",
		EnvKey: "LIGHTFAST_API_KEY",
		KeyShapes: []KeyShape{
			{Prefix: "sk-lf-"},
			{Prefix: "lf_"}, {Prefix: "lf_sk_"}, {Prefix: "lf_rk_"}, {Prefix: "sk_lf_"},
			{Prefix: "lf_pk_", Note: "a publishable key can only read"},
		},
		KeysURL:  "https://lightfast.ai/settings/api-keys",
		KeysHelp: "in the Console: Settings, API Keys, Create New Key",
		Settings: []Setting{
			{
				Name: "generation", Title: "Generation of the API", Values: []string{"d", "a", "b", "c", "e"}, Env: []string{"LIGHTFAST_GENERATION"},
				Help: "the version of the API that the key belongs to; d is the documented one",
			},
			{Name: "workspace-id", Title: "Workspace ID", Header: "X-Workspace-ID", Env: []string{"LIGHTFAST_WORKSPACE_ID"}, Help: "for generation b"},
			{Name: "org-id", Title: "Organization ID", Header: "X-Org-ID", Env: []string{"LIGHTFAST_ORG_ID"}, Help: "if the service asks for it"},
		},
		Checks: []Check{
			{Method: "GET", Path: "/system/health"},
			{Method: "POST", Path: "/search", Body: `{"query":"lamina","limit":1,"mode":"fast"}`, Cost: "a search for one result"},
		},
		Errors: Errors{
			Code: []string{"code", "error"}, Message: []string{"message"}, RequestID: []string{"requestId"}, RequestIDHeader: "X-Request-Id",
		},
		Rules: []Rule{
			{Status: 401, Kind: Refused, Explanation: "the key is missing, malformed, unknown, expired or revoked"},
			{Status: 403, Kind: Misplaced, Explanation: "the key is not of this organization, or lacks the permission"},
			{
				Status: 400, Code: "BAD_REQUEST", Kind: Misplaced, Explanation: "the service needs the workspace or the organization",
				Set: []string{"org-id=ID"},
			},
			{Status: 500, Code: "CONFIG_ERROR", Kind: NotReady, Explanation: "the organization has no source that is connected and indexed"},
			{Status: 404, Code: "NOT_FOUND", Kind: NotFound},
			{Status: 404, Kind: NotFound, Explanation: "the address may need the path /api/v1", Set: []string{"url=https://lightfast.ai/api/v1"}},
			{Status: 429, Kind: RateLimited},
		},
		RateLimit: RateLimit{Limit: "X-RateLimit-Limit", Remaining: "X-RateLimit-Remaining", Reset: "X-RateLimit-Reset"},
	}
}
