package provider_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/provider"
)

// Every row of the table must be usable as it stands: a slip in the data would otherwise show up as a failed sign-in.
func TestTable(t *testing.T) {
	t.Parallel()
	names, envs := map[string]bool{}, map[string]bool{}
	for _, p := range provider.All() {
		t.Run(p.Name, func(t *testing.T) {
			if err := p.Validate(); err != nil {
				t.Error(err)
			}
			for _, name := range append([]string{p.Name}, p.Aliases...) {
				if names[name] {
					t.Errorf("%q names two services", name)
				}
				names[name] = true
			}
			for _, env := range append([]string{p.EnvKey}, p.BaseURLEnv...) {
				if envs[env] {
					t.Errorf("the variable %s is used twice", env)
				}
				envs[env] = true
			}
			if p.Source == "" {
				t.Error("Source is missing")
			}
			if p.KeysURL == "" && p.KeysHelp == "" {
				t.Error("nothing says where keys are made")
			}
			if len(p.Checks) == 0 {
				t.Error("Checks are missing")
			}
			if p.OAuth != nil {
				checkOAuth(t, p)
			}
		})
	}
}

func checkOAuth(t *testing.T, p provider.Provider) {
	t.Helper()
	o := p.OAuth
	for field, path := range map[string]string{
		"IssuerPath": o.IssuerPath, "RegisterPath": o.RegisterPath, "AuthorizePath": o.AuthorizePath, "TokenPath": o.TokenPath,
	} {
		if u, err := url.Parse(path); err != nil || !strings.HasPrefix(path, "/") || u.Host != "" || u.Path != path {
			t.Errorf("%s %q is not a plain absolute path", field, path)
		}
	}
	if len(o.Scopes) == 0 {
		t.Error("Scopes are missing")
	}
	for _, scope := range o.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \t\"\\") {
			t.Errorf("scope %q is not a scope-token of RFC 6749 section 3.3", scope)
		}
	}
	if !strings.HasPrefix(o.TokenPrefix, o.IssuedPrefix) {
		t.Errorf("TokenPrefix %q does not start with IssuedPrefix %q", o.TokenPrefix, o.IssuedPrefix)
	}
	if o.ClientName == "" {
		t.Error("ClientName is missing")
	}
	checkHTTPS(t, "ClientURI", o.ClientURI)
}

func checkHTTPS(t *testing.T, field, raw string) {
	t.Helper()
	if u, err := url.Parse(raw); err != nil || u.Scheme != "https" || u.Host == "" {
		t.Errorf("%s %q is not an https address", field, raw)
	}
}

func TestLaminaFacts(t *testing.T) {
	t.Parallel()
	p := provider.Lamina()
	got := []string{p.BaseURL, p.KeyHeader, p.KeyShapes[0].Prefix, p.EnvKey, p.KeysURL, p.OAuth.TokenPath, p.OAuth.TokenPrefix}
	want := []string{
		"https://app.uselamina.ai", "x-api-key", "lma_", "LAMINA_API_KEY", "https://app.uselamina.ai/settings?tab=api",
		"/cli/oauth/token", "lma_mcp_at_",
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
	if scopes := strings.Join(p.OAuth.Scopes, " "); scopes != "lamina:creative:read lamina:creative:write lamina:brand:read" {
		t.Errorf("scopes are %q", scopes)
	}
}
