package provider_test

import (
	"encoding/json"
	"testing"

	"github.com/uselamina/lamina/internal/provider"
)

// Whatever is accepted must be usable as it stands.
func FuzzParse(f *testing.F) {
	for _, p := range provider.All() {
		raw, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"name": "larder", "title": "Larder", "keyHeader": "X-Key", "envKey": "LARDER", "errors": {}, "rateLimit": {}}`))
	f.Add([]byte(`{"name": "larder"} {}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := provider.Parse(raw)
		if err != nil {
			return
		}
		if !provider.IsName(p.Name) || p.EnvKey == "" || p.KeyHeader == "" {
			t.Errorf("accepted %q", raw)
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.Parse(again); err != nil {
			t.Errorf("%s: %v", again, err)
		}
	})
}

func FuzzReadRefusal(f *testing.F) {
	f.Add([]byte(`{"error":{"code":"unauthorized","message":"Invalid or missing API key"}}`))
	f.Add([]byte(`{"errors":[{"message":"x","extensions":{"code":"Y"}}]}`))
	f.Add([]byte(`{"error":"text","code":"INVALID_KEY","request_id":"r"}`))
	f.Add([]byte(`[[[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, p := range provider.All() {
			if r, shaped := p.Errors.Read(body); shaped && r.Message == "" {
				t.Errorf("%s: a refusal without words in %q", p.Name, body)
			}
		}
	})
}

// The refusals are those of the services' own pages.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		of     provider.Provider
		status int
		body   string
		want   provider.Refusal
		means  provider.Kind
	}{
		{
			provider.Laminr(), 401, `{"error": {"code": "unauthorized", "message": "Invalid or missing API key"}}`,
			provider.Refusal{Code: "unauthorized", Message: "Invalid or missing API key"}, provider.Refused,
		},
		{
			provider.Laminr(), 403, `{"error": {"code": "forbidden", "message": "Insufficient permissions for this resource"}}`,
			provider.Refusal{Code: "forbidden", Message: "Insufficient permissions for this resource"}, provider.WrongClass,
		},
		{
			provider.Lightfast(), 401, `{"error": "UNAUTHORIZED", "message": "Authentication required.", "requestId": "req_abc123"}`,
			provider.Refusal{Code: "UNAUTHORIZED", Message: "Authentication required.", RequestID: "req_abc123"}, provider.Refused,
		},
		{
			provider.Lightfast(), 500, `{"error": "CONFIG_ERROR", "message": "No sources", "requestId": "req_1"}`,
			provider.Refusal{Code: "CONFIG_ERROR", Message: "No sources", RequestID: "req_1"}, provider.NotReady,
		},
		{
			provider.Lightfast(), 400, `{"defined": true, "code": "BAD_REQUEST", "status": 400, "message": "X-Org-ID is missing"}`,
			provider.Refusal{Code: "BAD_REQUEST", Message: "X-Org-ID is missing"}, provider.Misplaced,
		},
		{
			provider.Laghav(), 401, `{"error": "Key revoked", "code": "KEY_REVOKED", "request_id": "lgh_req_1", "docs_url": "https://docs.laghav.ai/errors/KEY_REVOKED"}`,
			provider.Refusal{Code: "KEY_REVOKED", Message: "Key revoked", RequestID: "lgh_req_1"}, provider.Revoked,
		},
		{
			provider.Laghav(), 429, `{"error": "Monthly limit reached", "code": "MONTHLY_LIMIT_REACHED"}`,
			provider.Refusal{Code: "MONTHLY_LIMIT_REACHED", Message: "Monthly limit reached"}, provider.Quota,
		},
		{
			provider.Lamatic(), 404, `{"errors": [{"message": "Project not found"}]}`,
			provider.Refusal{Message: "Project not found"}, provider.Misplaced,
		},
	}
	for _, tt := range tests {
		got, shaped := tt.of.Errors.Read([]byte(tt.body))
		if !shaped || got != tt.want {
			t.Errorf("%s: read %+v (%t), want %+v", tt.of.Name, got, shaped, tt.want)
		}
		if means := tt.of.Classify(tt.status, got.Code).Kind; means != tt.means {
			t.Errorf("%s %d %s means %s, want %s", tt.of.Name, tt.status, got.Code, means, tt.means)
		}
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	all := provider.All()
	for key, want := range map[string]string{
		"lma_x": "lamina", "lma_mcp_at_x": "lamina", "sk_live_x": "laminr", "sk-lf-x": "lightfast", "lf_pk_x": "lightfast", "sk_lf_x": "lightfast",
		"lgh_live_x": "laghav", "lgh_test_x": "laghav",
	} {
		for _, p := range all {
			other, foreign := p.OtherOwner(key, all)
			if foreign != (p.Name != want) || foreign && other.Name != want {
				t.Errorf("%s at %s: %q, foreign %t", key, p.Name, other.Name, foreign)
			}
		}
	}
	if _, foreign := provider.Lamatic().OtherOwner("opaque", all); foreign {
		t.Error("a key without a shape is nobody's")
	}
}
