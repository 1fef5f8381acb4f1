package oauth

import (
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A scope is a permission with its description for users.
type scope struct{ name, description string }

// supportedScopes returns all scopes. A request without scopes asks for all of them.
func supportedScopes() []scope {
	return []scope{
		{wire.ScopeRead, "See your apps, runs, results and assets"},
		{wire.ScopeWrite, "Start and cancel runs, upload assets, use credits"},
		{"lamina:brand:read", "See your brand profiles and insights"},
	}
}

func allScopes() string {
	var names []string
	for _, sc := range supportedScopes() {
		names = append(names, sc.name)
	}
	return strings.Join(names, " ")
}

// narrowScope returns the requested scopes in the order of supportedScopes, or the allowed scopes if none is requested.
// It refuses scopes that are not supported or not allowed.
func narrowScope(requested, allowed string) (string, *refusal) {
	if strings.TrimSpace(requested) == "" {
		return allowed, nil
	}
	names, granted := strings.Fields(requested), strings.Fields(allowed)
	for _, name := range names {
		if !slices.ContainsFunc(supportedScopes(), func(sc scope) bool { return sc.name == name }) {
			return "", refuse("invalid_scope", "Unsupported MCP OAuth scope")
		}
		if !slices.Contains(granted, name) {
			return "", refuse("invalid_scope", "The scope "+name+" exceeds the scopes that were allowed before")
		}
	}
	granted = slices.DeleteFunc(granted, func(name string) bool { return !slices.Contains(names, name) })
	return strings.Join(granted, " "), nil
}
