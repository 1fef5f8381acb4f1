package lamina

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/platform/openapitest"
)

// endpoints are the endpoints of the service with their successful responses: the status and the golden files. There are 44, because
// /v1/models/{model} is two: the models of a modality, and one model. The golden files of the stream are the runs in its events.
var endpoints = map[string]struct {
	status int
	golden string
}{
	"GET /v1/account":                      {200, "account"},
	"GET /v1/account/usage":                {200, "usage"},
	"GET /v1/apps":                         {200, "apps"},
	"POST /v1/apps/discover":               {200, "discover"},
	"GET /v1/apps/{appId}":                 {200, "app_poster app_slideshow"},
	"GET /v1/apps/{appId}/workflow":        {200, "workflow"},
	"POST /v1/apps/{appId}/estimate":       {200, "estimate"},
	"POST /v1/apps/{appId}/runs":           {202, "run_started run_started_webhook"},
	"POST /v1/content/create":              {200, "content_ran content_needs_input content_needs_clarification content_unmatched"},
	"POST /v1/content/plan":                {200, "content_plan content_needs_clarification content_unmatched"},
	"POST /v1/content/brief":               {200, "content_brief"},
	"POST /v1/content/score":               {200, "content_score"},
	"POST /v1/content/batch":               {200, "content_batch"},
	"POST /v1/content/auto-generate":       {200, "content_started content_needs_choice"},
	"POST /v1/content/preview-run":         {200, "content_preview_app content_preview_freestyle content_preview_failed"},
	"POST /v1/content/run":                 {200, "content_run_app content_run_freestyle"},
	"GET /v1/templates":                    {200, "templates"},
	"GET /v1/templates/{templateId}":       {200, "template"},
	"GET /v1/intelligence/brand-context":   {200, "brand_context brand_context_empty"},
	"POST /v1/intelligence/predict":        {200, "prediction"},
	"GET /v1/intelligence/recommendations": {200, "recommendations"},
	"GET /v1/intelligence/trends":          {200, "trends"},
	"GET /v1/runs":                         {200, "runs"},
	"GET /v1/runs/{runId}":                 {200, "run_running run_completed run_completed_text run_failed"},
	"GET /v1/runs/{runId}/wait":            {200, "run_waited"},
	"GET /v1/runs/{runId}/stream":          {200, "run_running run_completed run_failed"},
	"POST /v1/runs/{runId}/cancel":         {200, "cancelled"},
	"POST /v1/runs/{runId}/feedback":       {200, "feedback"},
	"GET /v1/models/{model}":               {200, "models model_image"}, // image or video: a list; else one model
	"GET /v1/models/{model}/{modelId}":     {200, "model_image model_video"},
	"POST /v1/generate/image":              {202, "generation_started"},
	"POST /v1/generate/video":              {202, "generation_started"},
	"GET /v1/generate/runs/{runId}":        {200, "generation_queued generation_completed"},
	"GET /v1/freestyle/{runId}":            {200, "run_completed"},
	"GET /v1/assets":                       {200, "assets"},
	"POST /v1/assets/upload-urls":          {200, "uploads"},
	"GET /v1/brand-profiles":               {200, "brand_profiles"},
	"GET /v1/campaigns":                    {200, "campaigns"},
	"GET /v1/publishing/channels":          {200, "channels"},
	"POST /v1/publishing/publish":          {200, "published"},
	"POST /v1/publishing/transfer-asset":   {200, "transferred"},
	"GET /v1/publishing/history":           {200, "history"},
	"GET /v1/webhooks/signing-key":         {200, "signing_key"},
}

// TestEveryEndpointIsDescribed: docs/openapi.yaml describes the endpoints of the service and no others.
func TestEveryEndpointIsDescribed(t *testing.T) {
	t.Parallel()
	d, err := description()
	if err != nil {
		t.Fatal(err)
	}
	got, want := slices.Sorted(maps.Keys(d.Operations())), slices.Sorted(maps.Keys(endpoints))
	if !slices.Equal(got, want) {
		t.Errorf("got the operations\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestGoldenRepliesAreAsDescribed: docs/openapi.yaml accepts the responses that were written from the documentation of the service.
func TestGoldenRepliesAreAsDescribed(t *testing.T) {
	t.Parallel()
	d, err := description()
	if err != nil {
		t.Fatal(err)
	}
	for address, endpoint := range endpoints {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			for name := range strings.FieldsSeq(endpoint.golden) {
				if err := d.CheckResponse(goldenExchange(t, address, endpoint.status, name)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// goldenExchange returns a request to an endpoint, without a body, and the golden response.
func goldenExchange(t *testing.T, address string, status int, name string) (*http.Request, openapitest.Response) {
	t.Helper()
	body, err := os.ReadFile("testdata/golden/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	method, path, _ := strings.Cut(address, " ")
	req := httptest.NewRequest(method, strings.NewReplacer("{", "", "}", "").Replace(path), nil)
	header := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"q"}}
	if strings.HasSuffix(path, "/stream") {
		header.Set("Content-Type", "text/event-stream")
		run := decode[struct{ Data map[string]any }](t, body).Data
		if body, err = json.Marshal(run); err != nil {
			t.Fatal(err)
		}
		body = append([]byte("event: progress\ndata: "), body...)
	}
	return req, openapitest.Response{Status: status, Header: header, Body: body}
}
