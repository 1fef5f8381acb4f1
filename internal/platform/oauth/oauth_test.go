package oauth

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	want := map[string]any{}
	err := json.Unmarshal([]byte(strings.ReplaceAll(`{
		"issuer": "BASE/cli/oauth",
		"authorization_endpoint": "BASE/cli/oauth/authorize",
		"token_endpoint": "BASE/cli/oauth/token",
		"registration_endpoint": "BASE/cli/oauth/register",
		"revocation_endpoint": "BASE/cli/oauth/revoke",
		"device_authorization_endpoint": "BASE/cli/oauth/device_authorization",
		"scopes_supported": ["lamina:creative:read", "lamina:creative:write", "lamina:brand:read"],
		"response_types_supported": ["code"],
		"response_modes_supported": ["query"],
		"grant_types_supported": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
		"token_endpoint_auth_methods_supported": ["none"],
		"revocation_endpoint_auth_methods_supported": ["none"],
		"code_challenge_methods_supported": ["S256"],
		"authorization_response_iss_parameter_supported": true,
		"service_documentation": "https://docs.uselamina.ai"
	}`, "BASE", f.URL)), &want)
	if err != nil {
		t.Fatal(err)
	}
	res := f.Get("/.well-known/oauth-authorization-server/cli/oauth")
	if got := res.Object(); !reflect.DeepEqual(got, want) {
		t.Errorf("metadata: got %v, want %v", got, want)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type: got %q, want application/json", got)
	}
}
