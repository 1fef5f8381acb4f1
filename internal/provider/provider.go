// Package provider describes the services that lamina signs in to, as plain data: where each one lives, how a
// credential is sent, what a key looks like and which OAuth endpoints exist. It imports nothing and does nothing.
package provider

// Provider is one service.
type Provider struct {
	Name      string // short name, as in a command or a profile
	Title     string // the name people know
	BaseURL   string // default origin, without a trailing slash
	KeyHeader string // request header that carries the API key or the access token
	KeyPrefix string // how API keys start; empty when they have no common start
	EnvKey    string // environment variable that holds an API key
	KeysURL   string // page where a person makes API keys
	OAuth     *OAuth // nil when the service knows only API keys
}

// OAuth is a service's authorization server for command-line clients. The paths are relative to the base URL; they
// hold where the server publishes no metadata document (RFC 8414).
type OAuth struct {
	IssuerPath    string
	RegisterPath  string // dynamic client registration (RFC 7591)
	AuthorizePath string
	TokenPath     string
	Scopes        []string
	JSONBodies    bool   // requests to these endpoints are JSON objects instead of forms (RFC 6749 asks for forms)
	IssuedPrefix  string // how every string issued by the server starts, codes included
	TokenPrefix   string // how its access tokens start
	ClientName    string // what we register as
	ClientURI     string
}

// All returns every service, Lamina first.
func All() []Provider {
	return []Provider{Lamina()}
}

// Lamina is uselamina.ai.
func Lamina() Provider {
	return Provider{
		Name:      "lamina",
		Title:     "Lamina",
		BaseURL:   "https://app.uselamina.ai",
		KeyHeader: "x-api-key",
		KeyPrefix: "lma_",
		EnvKey:    "LAMINA_API_KEY",
		KeysURL:   "https://app.uselamina.ai/settings?tab=api",
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
