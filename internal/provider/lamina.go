package provider

// Lamina is uselamina.ai.
func Lamina() Provider {
	return Provider{
		Name: "lamina", Title: "Lamina", Aliases: []string{"uselamina"},
		Source:     "docs.uselamina.ai, Authentication",
		BaseURL:    "https://app.uselamina.ai",
		BaseURLEnv: []string{"LAMINA_BASE_URL"},
		KeyHeader:  "x-api-key",
		EnvKey:     "LAMINA_API_KEY",
		KeyShapes:  []KeyShape{{Prefix: "lma_"}},
		// The Sanity plug-in links to the page of a run. That of an app is not documented; its path follows the same pattern.
		RunPagePath: "/runs/",
		AppPagePath: "/apps/",
		KeysURL:     "https://app.uselamina.ai/settings?tab=api",
		KeysHelp:    "Settings, API",
		Settings: []Setting{{
			Name: "workspace", Title: "Workspace", Header: "x-workspace-id", Env: []string{"LAMINA_WORKSPACE"},
			Help: "a key belongs to one workspace; with this setting the service refuses a key of another workspace",
		}},
		AccountPath: "/v1/account",
		Checks:      []Check{{Method: "GET", Path: "/v1/account"}},
		Errors: Errors{
			Code: []string{"code"}, Message: []string{"error"}, RequestID: []string{"requestId"}, RequestIDHeader: "X-Request-Id",
		},
		Rules: []Rule{
			{Status: 401, Kind: Refused, Explanation: "the key is malformed, revoked or unknown"},
			{Status: 403, Kind: Forbidden},
			{Status: 402, Kind: Quota},
			{Status: 429, Kind: RateLimited},
		},
		RateLimit: RateLimit{Limit: "RateLimit-Limit", Remaining: "RateLimit-Remaining", Reset: "RateLimit-Reset"},
		OAuth: &OAuth{
			IssuerPath:    "/cli/oauth",
			RegisterPath:  "/cli/oauth/register",
			AuthorizePath: "/cli/oauth/authorize",
			TokenPath:     "/cli/oauth/token",
			Scopes:        []string{"lamina:creative:read", "lamina:creative:write", "lamina:brand:read"},
			JSONBodies:    true,
			IssuedPrefix:  "lma_mcp_",
			TokenPrefix:   "lma_mcp_at_",
			ClientName:    "Lamina CLI",
			ClientURI:     "https://github.com/uselamina/lamina",
		},
	}
}

// ThirdPartyOAuth returns the OAuth of Lamina's programs at a server that is not Lamina's own: its endpoints come from its metadata
// alone, and requests are forms. What belongs to Lamina is still recognised, so that it is not handed to strangers.
func ThirdPartyOAuth(scopes []string) *OAuth {
	own := Lamina().OAuth
	return &OAuth{
		Scopes: scopes, IssuedPrefix: own.IssuedPrefix, TokenPrefix: own.TokenPrefix,
		ClientName: own.ClientName, ClientURI: own.ClientURI,
	}
}
