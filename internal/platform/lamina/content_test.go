package lamina

import (
	"net/http"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestContentRepliesHaveTheGoldenShapes(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, tt := range []struct{ golden, method, path, body string }{
		{"content_ran", "POST", "content/create", `{"brief":"a neon poster for the summer sale","inputs":{"colour":"red"}}`},
		{"content_needs_input", "POST", "content/create", `{"brief":"square product shots","inputs":{"background":"white","colour":"red"}}`},
		{"content_plan", "POST", "content/plan", `{"brief":"square product shots","inputs":{"background":"white","colour":"red"}}`},
		{"content_needs_clarification", "POST", "content/create", `{"brief":"a picture"}`},
		{"content_needs_clarification", "POST", "content/plan", `{"brief":"a picture"}`},
		{"content_unmatched", "POST", "content/create", `{"brief":"a symphony"}`},
		{"content_unmatched", "POST", "content/plan", `{"brief":"a poster","modality":"audio"}`},
		{"content_brief", "POST", "content/brief", `{"goal":"a summer sale"}`},
		{"content_score", "POST", "content/score", `{"platform":"instagram"}`},
		{"content_batch", "POST", "content/batch", `{"items":[{"brief":"a poster: sale"},{"brief":"a symphony"}]}`},
		{"content_started", "POST", "content/auto-generate", `{"brief":"a poster","document":{"title":"Summer sale"},"numVariants":2}`},
		{"content_needs_choice", "POST", "content/auto-generate", `{"brief":"product shots in white","document":{}}`},
		{"content_preview_app", "POST", "content/preview-run", `{"brief":"a poster","document":{"title":"Summer sale"}}`},
		{"content_preview_freestyle", "POST", "content/preview-run", `{"brief":"a symphony","document":{}}`},
		{"content_preview_failed", "POST", "content/preview-run", `{"brief":"a symphony","document":{},"constraints":{"modality":"audio"}}`},
		{"content_run_app", "POST", "content/run", `{"mode":"app","appId":"poster","inputs":{"text":"Summer sale"}}`},
		{"content_run_freestyle", "POST", "content/run", `{"mode":"freestyle","freestyleRecipe":{"modality":"image","variants":[{"prompt":"the sea"}]}}`},
		{"brand_context", "GET", "intelligence/brand-context?topK=1", ""},
		{"prediction", "POST", "intelligence/predict", `{"concept":"a poster of mugs","platform":"instagram","modality":"image"}`},
		{"recommendations", "GET", "intelligence/recommendations?limit=1", ""},
		{"trends", "GET", "intelligence/trends?category=retail&platform=instagram&limit=1", ""},
		{"templates", "GET", "templates", ""},
		{"template", "GET", "templates/tpl_product_set", ""},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			var body any
			if tt.body != "" {
				body = tt.body
			}
			got := rg.Call(tt.method, "/v1/"+tt.path, body).Want(http.StatusOK)
			got.T = t
			got.WantShape(tt.golden)
		})
	}
}

// A new workspace has no brand: this is no error.
func TestANewWorkspaceHasNoBrand(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rg.Header.Set("X-Api-Key", rg.NewKey(Service, "", wire.SampleWorkspaces()[1].ID))
	rg.Call("GET", "/v1/intelligence/brand-context", nil).Want(200).WantShape("brand_context_empty")
	for path, want := range map[string]string{
		"/v1/intelligence/recommendations": `{"data":[]}`,
		"/v1/intelligence/trends":          `"topPatterns":[],"emergingPatterns":[],"decliningPatterns":[]`,
	} {
		if got := rg.Call("GET", path, nil).Want(200).Body; !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s in it", path, got, want)
		}
	}
	if got := rg.Call("POST", "/v1/content/score", `{}`).Want(200).Body; !strings.Contains(got, `"itemsScanned":0,"scoresCreated":0,"contentItemIds":[],"scores":[]`) {
		t.Errorf("scores: got %s, want none", got)
	}
}

// TestContentStartsRealRuns follows the run of each way to start one.
func TestContentStartsRealRuns(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, tt := range []struct{ name, path, body, want string }{
		{"create", "create", `{"brief":"a neon poster for the summer sale"}`, "in the style Neon that says: summer sale"},
		{"a template", "create", `{"brief":"Everything must go","templateId":"tpl_quote_card"}`, "in the style Elegant that says: Everything must go"},
		{"a platform", "create", `{"brief":"a poster that says \"Open\"","platform":"youtube"}`, "that says: Open"},
		{"auto-generate", "auto-generate", `{"brief":"a poster","document":{"title":"Our mugs"}}`, "that says: Our mugs"},
		{"an app", "run", `{"mode":"app","appId":"poster","inputs":{"text":"Hi"}}`, "that says: Hi"},
		{"a recipe", "run", `{"mode":"freestyle","freestyleRecipe":{"modality":"image","variants":[{"prompt":"the sea"}]}}`, "that says: the sea"},
		{"a recipe without a prompt", "run", `{"mode":"freestyle","intent":"waves","freestyleRecipe":{"modality":"image","variants":[{}]}}`, "that says: waves"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := rg.Call("POST", "/v1/content/"+tt.path, tt.body).Want(200)
			got.T = t
			run := rg.finish(wiretest.Data[struct{ RunID string }](got).RunID)
			if run.Status != api.Completed || !strings.Contains(run.Outputs[0].ContentDescription, tt.want) {
				t.Errorf("got %s: %+v, want a completed run: %s", run.Status, run.Outputs, tt.want)
			}
		})
	}
}

func TestContentVariantsAreRuns(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	got := rg.Call("POST", "/v1/content/auto-generate", `{"brief":"a poster: Hello","document":{},"numVariants":99}`).Want(200)
	if v := wiretest.Data[variants](got); v != (variants{8, 8, 0}) {
		t.Errorf("got %+v, want 8 variants", v)
	}
	if total := rg.Call("GET", "/v1/runs", nil).Object()["pagination"].(map[string]any)["total"]; total != 8.0 {
		t.Errorf("got %v runs, want 8", total)
	}
	rg.Call("POST", "/v1/content/plan", `{"brief":"a poster: Hello","numVariants":3}`).Want(200)
	if total := rg.Call("GET", "/v1/runs", nil).Object()["pagination"].(map[string]any)["total"]; total != 8.0 {
		t.Errorf("got %v runs after a plan, want still 8", total)
	}
}

func TestContentRefusals(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, tt := range []struct {
		path, body string
		status     int
		code, want string
	}{
		{"content/create", `{}`, 400, "VALIDATION_ERROR", `"field":"brief"`},
		{"content/create", `{"brief":" ","appId":"poster"}`, 400, "VALIDATION_ERROR", `"field":"brief"`},
		{"content/plan", `{"appId":"poster"}`, 400, "VALIDATION_ERROR", `"field":"brief"`},
		{"content/create", `{"brief":"x","appId":"nothing"}`, 404, "NOT_FOUND", "App not found"},
		{"content/create", `{"brief":"x","templateId":"nothing"}`, 404, "NOT_FOUND", "Template not found"},
		{"content/create", `{"brief":"a poster: x","webhookUrl":"ftp://x"}`, 400, "WEBHOOK_INVALID_URL", "webhook"},
		{"content/create?webhook=ftp%3A%2F%2Fx", `{"brief":"a poster: x"}`, 400, "WEBHOOK_INVALID_URL", "webhook"},
		{"content/create", `{"brief":"a poster: x","numVariants":-1}`, 400, "VALIDATION_ERROR", "numVariants"},
		{"content/create", `{"brief":"a poster","inputs":{"text":["a"]}}`, 400, "VALIDATION_ERROR", "takes one value"},
		{"content/brief", `{"count":11}`, 400, "VALIDATION_ERROR", `"field":"goal"`},
		{"content/score", `{"limit":-1}`, 400, "VALIDATION_ERROR", `"field":"limit"`},
		{"content/batch", `{"items":[]}`, 400, "VALIDATION_ERROR", "1 to 10"},
		{"content/batch", `{"items":[{},{},{},{},{},{},{},{},{},{},{}]}`, 400, "VALIDATION_ERROR", "1 to 10"},
		{"content/auto-generate", `{}`, 400, "VALIDATION_ERROR", `"field":"document"`},
		{"content/preview-run", `{"brief":"x"}`, 400, "VALIDATION_ERROR", `"field":"document"`},
		{"content/run", `{}`, 400, "VALIDATION_ERROR", `"allowed":["app","freestyle"]`},
		{"content/run", `{"mode":"app"}`, 400, "VALIDATION_ERROR", `"field":"appId"`},
		{"content/run", `{"mode":"app","appId":"poster"}`, 400, "VALIDATION_ERROR", `"field":"text"`},
		{"content/run", `{"mode":"freestyle"}`, 400, "VALIDATION_ERROR", `"field":"freestyleRecipe"`},
		{"content/run", `{"mode":"freestyle","freestyleRecipe":{"modality":"video","variants":[{}]}}`, 400, "VALIDATION_ERROR", `"allowed":["image","text"]`},
		{"intelligence/predict", `{"concept":"x"}`, 400, "VALIDATION_ERROR", `"field":"modality"`},
	} {
		got := rg.Call("POST", "/v1/"+tt.path, tt.body)
		if got.WantError(tt.status, tt.code); !strings.Contains(got.Body, tt.want) {
			t.Errorf("%s %s: got %s, want %s in it", tt.path, tt.body, got.Body, tt.want)
		}
	}
	for _, path := range []string{"intelligence/brand-context?topK=0", "intelligence/recommendations?limit=101", "intelligence/trends?windowDays=x"} {
		rg.Call("GET", "/v1/"+path, nil).WantError(400, "VALIDATION_ERROR")
	}
	rg.Call("GET", "/v1/templates/nothing", nil).WantError(404, "NOT_FOUND")
}

// An item of a batch may pin its app and inputs; what it lacks is its own failure.
func TestBatchItems(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	got := rg.Call("POST", "/v1/content/batch", `{"items":[{"brief":"","appId":"poster","inputs":{"text":"Hi"}},{"brief":"product shots"},
		{"brief":"a picture"},{"brief":"x","appId":"nothing"},{"brief":"a poster","inputs":{"text":["a"]}},{}]}`).Want(200)
	reply := wiretest.Data[struct {
		Queued, Failed int
		Items          []batchItem
	}](got)
	if reply.Queued != 1 || reply.Failed != 5 {
		t.Fatalf("got %+v, want 1 queued and 5 failed", reply)
	}
	for i, want := range []string{"", "image is missing", "Which app do you mean", "App not found", "text takes one value", "brief is missing"} {
		if item := reply.Items[i]; item.Index != i || !strings.Contains(item.Error, want) || (item.Error == "") != (item.RunID != "") {
			t.Errorf("item %d: got %+v, want the error %q", i, item, want)
		}
	}
}
