package lamina

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// tokenFor returns an access token with a scope.
func (rg *rig) tokenFor(scope string) (token string) {
	token = wire.RandomToken(8)
	rg.tokens[token] = wire.Principal{
		UserID: wire.SampleUser().ID, WorkspaceID: wire.SampleWorkspaces()[0].ID, ClientID: "lmc_scoped", Scope: scope,
	}
	return token
}

// A credential with a scope may call exactly the addresses that need it.
func TestScopes(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	credentials := []struct {
		name     string
		headers  []string
		canRead  bool
		canWrite bool
	}{
		{"API key", nil, true, true},
		{"all scopes", []string{"X-Api-Key", "", "Authorization", "Bearer " + rg.tokenFor(wire.ScopeRead+" "+wire.ScopeWrite)}, true, true},
		{"read", []string{"X-Api-Key", rg.tokenFor(wire.ScopeRead)}, true, false},
		{"write", []string{"X-Api-Key", rg.tokenFor("lamina:brand:read " + wire.ScopeWrite)}, false, true},
		{"neither", []string{"X-Api-Key", rg.tokenFor("lamina:brand:read")}, false, false},
	}
	run := rg.start("countdown", map[string]any{"seconds": "0"})
	rg.finish(run)
	files := api.UploadFiles{Files: []api.UploadFile{{Filename: "a.png", MediaType: "image"}}}
	tests := []struct {
		needs, method, path string
		body                any
		status              int
	}{
		{"", "GET", "/v1/account", nil, 200},
		{"", "GET", "/v1/account/usage", nil, 200},
		{"", "GET", "/v1/webhooks/signing-key", nil, 200},
		{"read", "GET", "/v1/apps", nil, 200},
		{"read", "GET", "/v1/apps/poster", nil, 200},
		{"read", "GET", "/v1/apps/poster/workflow", nil, 200},
		{"read", "POST", "/v1/apps/poster/estimate", "{}", 200},
		{"read", "POST", "/v1/apps/discover", `{"intent":"a poster"}`, 200},
		{"read", "GET", "/v1/runs", nil, 200},
		{"read", "GET", "/v1/runs/" + run, nil, 200},
		{"read", "GET", "/v1/runs/" + run + "/wait", nil, 200},
		{"read", "GET", "/v1/runs/" + run + "/stream", nil, 200},
		{"read", "GET", "/v1/assets", nil, 200},
		{"write", "POST", "/v1/apps/countdown/runs", `{"inputs":{"seconds":"0"}}`, 202},
		{"write", "POST", "/v1/runs/" + run + "/cancel", nil, 200},
		{"write", "POST", "/v1/assets/upload-urls", files, 200},
		{"write", "POST", "/v1/content/create", `{"brief":"a picture"}`, 200},
		{"read", "POST", "/v1/content/plan", `{"brief":"a picture"}`, 200},
		{"read", "POST", "/v1/content/brief", `{"goal":"a sale"}`, 200},
		{"write", "POST", "/v1/content/score", `{}`, 200},
		{"write", "POST", "/v1/content/batch", `{"items":[{}]}`, 200},
		{"write", "POST", "/v1/content/auto-generate", `{"brief":"a picture","document":{}}`, 200},
		{"read", "POST", "/v1/content/preview-run", `{"brief":"a picture","document":{}}`, 200},
		{"write", "POST", "/v1/content/run", `{"mode":"app","appId":"countdown","inputs":{"seconds":"0"}}`, 200},
		{"read", "GET", "/v1/templates", nil, 200},
		{"read", "GET", "/v1/templates/tpl_quote_card", nil, 200},
		{"read", "GET", "/v1/intelligence/brand-context", nil, 200},
		{"read", "POST", "/v1/intelligence/predict", `{"concept":"x","platform":"x","modality":"image"}`, 200},
		{"read", "GET", "/v1/intelligence/recommendations", nil, 200},
		{"read", "GET", "/v1/intelligence/trends", nil, 200},
	}
	for _, c := range credentials {
		for _, tt := range tests {
			t.Run(fmt.Sprint(c.name, " ", tt.method, " ", tt.path), func(t *testing.T) {
				got := rg.Call(tt.method, tt.path, tt.body, c.headers...)
				got.T = t
				if tt.needs == "" || tt.needs == "read" && c.canRead || tt.needs == "write" && c.canWrite {
					got.Want(tt.status)
				} else {
					got.WantError(http.StatusForbidden, "FORBIDDEN")
				}
			})
		}
	}
}
