package provider_test

import (
	"testing"

	"github.com/uselamina/lamina/internal/provider"
)

func TestJoin(t *testing.T) {
	t.Parallel()
	tests := []struct{ base, path, want string }{
		{"https://a.example", "/v1/files", "https://a.example/v1/files"},
		{"https://a.example/v1", "/v1/files", "https://a.example/v1/files"},
		{"https://a.example/v1/", "/v1", "https://a.example/v1"},
		{"https://a.example/api/v1", "/api/v1/search?q=1", "https://a.example/api/v1/search?q=1"},
		{"https://a.example/api", "/v1/files", "https://a.example/api/v1/files"},
		{"https://a.example/v1", "/v11/files", "https://a.example/v1/v11/files"},
		{"https://v1", "/v1/files", "https://v1/v1/files"},
		{"https://a.example/graphql", "", "https://a.example/graphql"},
	}
	for _, tt := range tests {
		if got := provider.Join(tt.base, tt.path); got != tt.want {
			t.Errorf("Join(%q, %q) = %q, want %q", tt.base, tt.path, got, tt.want)
		}
	}
}

func TestBase(t *testing.T) {
	t.Parallel()
	described := provider.Provider{Name: "larder", BaseURL: "https://l.example/jars", Checks: []provider.Check{{Path: "/jars?limit=1"}}}
	tests := []struct {
		provider      provider.Provider
		address, want string
	}{
		{provider.Lamina(), "https://app.uselamina.ai/v1", "https://app.uselamina.ai"},
		{provider.Laminr(), "https://api.laminr.ai/v1", "https://api.laminr.ai"},
		{provider.Laminr(), "https://api.laminr.ai/api/v1", "https://api.laminr.ai/api"},
		{provider.Laminr(), "https://api.laminr.ai/api", "https://api.laminr.ai/api"},
		{provider.Laghav(), "https://api.laghav.ai/v1", "https://api.laghav.ai"},
		{provider.Laghav(), "https://api.laghav.ai/api", "https://api.laghav.ai"},
		{provider.Lightfast(), "https://lightfast.ai/api/v1", "https://lightfast.ai/api/v1"},
		{provider.Lamatic(), "https://x.lamatic.dev/graphql", "https://x.lamatic.dev/graphql"},
		{described, "https://l.example/jars", "https://l.example/jars"},
		{described, "https://m.example/v2/jars", "https://m.example/v2"},
	}
	for _, tt := range tests {
		if got := tt.provider.Base(tt.address); got != tt.want {
			t.Errorf("%s: Base(%q) = %q, want %q", tt.provider.Name, tt.address, got, tt.want)
		}
	}
}

func TestCheckVariables(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, variable string
		others         []string
		isAllowed      bool
	}{
		{"larder", "LARDER_TOKEN", nil, true},
		{"larder", "GITHUB_TOKEN", nil, false},
		{"larder", "LAMINA_API_KEY", nil, false},
		{"lamina-api", "LAMINA_API_KEY", nil, false},
		{"acme", "ACME_PROD_API_KEY", []string{"acme", "acme-prod"}, false},
		{"acme-prod", "ACME_PROD_API_KEY", []string{"acme", "acme-prod"}, true},
	}
	for _, tt := range tests {
		p := provider.Provider{Name: tt.name, EnvKey: tt.variable}
		if err := p.CheckVariables(tt.others); (err == nil) != tt.isAllowed {
			t.Errorf("%s with %s: got %v, want it allowed: %v", tt.name, tt.variable, err, tt.isAllowed)
		}
		p = provider.Provider{Name: tt.name, EnvKey: "X", Settings: []provider.Setting{{Env: []string{tt.variable}}}}
		if err := p.CheckVariables(tt.others); err == nil {
			t.Errorf("%s: the key variable X is allowed", tt.name)
		}
	}
}
