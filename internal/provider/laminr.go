package provider

// Laminr is laminr.ai, which reads financial documents.
func Laminr() Provider {
	return Provider{
		Name: "laminr", Title: "Laminr",
		Source:      "api-docs.laminr.ai, Authentication and File upload",
		BaseURL:     "https://api.laminr.ai",
		BaseURLEnv:  []string{"LAMINR_BASE_URL"},
		BaseURLHelp: "the documentation uses both /v1 and /api/v1 below it; --set url=https://api.laminr.ai/api chooses the second",
		KeyHeader:   "x-api-key",
		EnvKey:      "LAMINR_API_KEY",
		KeyShapes:   []KeyShape{{Prefix: "sk_live_", Class: "live"}},
		KeysHelp:    "in the dashboard: Tenant Admin, Service Accounts, Add API Key; only a tenant administrator can",
		Checks:      []Check{{Method: "GET", Path: "/v1/files"}, {Method: "GET", Path: "/api/v1/files"}},
		Errors:      Errors{Code: []string{"error.code"}, Message: []string{"error.message"}},
		Rules: []Rule{
			{Status: 401, Kind: Refused, Explanation: "the key is missing, malformed, revoked or deleted"},
			{
				Status: 403, Kind: WrongClass,
				Explanation: "the key is known, but it is a test key on a production address, lacks the permission, or the account is limited",
			},
			{Status: 404, Kind: NotFound, Explanation: "the address may need the prefix /api", Set: []string{"url=https://api.laminr.ai/api"}},
		},
	}
}
