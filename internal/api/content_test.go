package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// goldenFile returns a golden reply of the local platform, which has the shape of the specification.
func goldenFile(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "platform", "lamina", "testdata", "golden", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestContentOutcomes reads each documented outcome of a brief, and what other generations of the service send.
func TestContentOutcomes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, data string
		want       ContentKind
		says       []string // parts of the decoded outcome
	}{
		{"content_ran", goldenFile(t, "content_ran"), ContentRan, []string{"AppName:Poster", "Name:text Value:[34 83", "Field:colour"}},
		{"content_needs_input", goldenFile(t, "content_needs_input"), ContentNeedsInput, []string{"Name:image Text:The address", "Outputs:[Square]"}},
		{"content_plan", goldenFile(t, "content_plan"), ContentPlanned, []string{"Name:image Text:The address"}},
		{"content_needs_clarification", goldenFile(t, "content_needs_clarification"), ContentNeedsClarification, []string{"Text:Which app do you mean?"}},
		{"content_unmatched", goldenFile(t, "content_unmatched"), ContentUnmatched, []string{"Reason:No app fits"}},
		{"content_started", goldenFile(t, "content_started"), ContentRan, []string{"Variants:2 Submitted:2"}},
		{"content_needs_choice", goldenFile(t, "content_needs_choice"), ContentNeedsChoice, []string{"Missing:[image] Draftable:[background]"}},
		{"content_preview_app", goldenFile(t, "content_preview_app"), ContentPreviewed, []string{"Source:brief", "Kind:select Name:style", "Credits:{Value:5"}},
		{"content_preview_freestyle", goldenFile(t, "content_preview_freestyle"), ContentPreviewed, []string{"Freestyle:[123"}},
		{"content_preview_failed", goldenFile(t, "content_preview_failed"), ContentAgentFailed, []string{"Message:e"}},
		{"content_run_app", goldenFile(t, "content_run_app"), ContentRan, nil},
		{"content_run_freestyle", goldenFile(t, "content_run_freestyle"), ContentRan, []string{"Reason:r"}},
		{"the older create", `{"data":{"runId":"r","workflowId":"w","workflowName":"Poster","status":"queued"}}`, ContentRan, []string{"AppID:w AppName:Poster"}},
		{"the oldest id", `{"data":{"executionId":"r","status":"running"}}`, ContentRan, []string{"RunID:r"}},
		{"the older plan", `{"data":{"status":"needs_input","drafted":{"a":1},"defaulted":{},"askUser":[{"key":"text","purpose":"p"}],"cost":1,"runType":"app"}}`,
			ContentNeedsInput, []string{"Name:text Text:p", "Inputs:[{Name:a Value:[49]"}},
		{"a failed agent by status", `{"data":{"status":"agent_failed","reason":"r","errors":"none"}}`, ContentAgentFailed, nil},
		{"an object with a value is a value", `{"data":{"status":"ran","runId":"r","draftedInputs":{"a":{"value":1,"unit":"px"}}}}`, ContentRan, []string{"Value:[123"}},
		{"an unknown status", `{"data":{"status":"later"}}`, ContentUnknown, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var reply struct{ Data ContentOutcome }
			if err := json.Unmarshal([]byte(tt.data), &reply); err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%+v", reply.Data)
			if reply.Data.Kind != tt.want {
				t.Errorf("got %q, want %q: %s", reply.Data.Kind, tt.want, got)
			}
			for _, part := range tt.says {
				if !strings.Contains(got, part) {
					t.Errorf("got %s, want %q in it", got, part)
				}
			}
		})
	}
}

// TestContentRequests checks what is sent.
func TestContentRequests(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, tt := range []struct {
		path, body string
		reply      string
		call       func(c *Client) error
	}{
		{"/v1/content/create", `{"brief":"x","appId":"a","inputs":{"n":1},"webhookUrl":"https://h"}`, goldenFile(t, "content_ran"), func(c *Client) error {
			_, err := c.CreateContent(ctx, ContentRequest{Brief: "x", AppID: "a", Inputs: map[string]any{"n": 1}, WebhookURL: "https://h"})
			return err
		}},
		{"/v1/content/plan", `{"brief":"x"}`, goldenFile(t, "content_plan"), func(c *Client) error {
			_, err := c.PlanContent(ctx, ContentRequest{Brief: "x"})
			return err
		}},
		{"/v1/content/brief", `{"goal":"x","count":2}`, goldenFile(t, "content_brief"), func(c *Client) error {
			reply, err := c.Concepts(ctx, ConceptsRequest{Goal: "x", Count: 2})
			if err == nil && (len(reply.Data.Concepts) != 1 || reply.Data.Concepts[0].PredictedPerformance != "0.5") {
				err = fmt.Errorf("got %+v", reply.Data)
			}
			return err
		}},
		{"/v1/content/score", `{"limit":3}`, `{"data":{"scores":[{"contentItemId":"c","overallScore":81,"dimensions":{},"feedback":"good"},{"contentItemId":"d","score":0.5}]}}`, func(c *Client) error {
			reply, err := c.ScoreContent(ctx, ScoreRequest{Limit: 3})
			if s := reply.Data.Scores; err == nil && (s[0].Score.Value != 81 || s[0].Label != "good" || s[1].Score.Value != 0.5) {
				err = fmt.Errorf("got %+v", s)
			}
			return err
		}},
		{"/v1/content/batch", `{"items":[{"brief":"x","later":1}]}`, goldenFile(t, "content_batch"), func(c *Client) error {
			reply, err := c.CreateBatch(ctx, BatchRequest{Items: []json.RawMessage{[]byte(`{"brief":"x","later":1}`)}})
			if i := reply.Data.Items; err == nil && (i[0].IsFailed() || !i[1].IsFailed() || i[1].Error.Message != "No app fits") {
				err = fmt.Errorf("got %+v", i)
			}
			return err
		}},
		{"/v1/content/auto-generate", `{"brief":"x","document":{}}`, goldenFile(t, "content_started"), func(c *Client) error {
			_, err := c.AutoGenerate(ctx, FieldRequest{Brief: "x", Document: map[string]any{}})
			return err
		}},
		{"/v1/content/preview-run", `{"brief":"x","document":{},"constraints":{"modality":"image"}}`, goldenFile(t, "content_preview_app"), func(c *Client) error {
			_, err := c.PreviewRun(ctx, FieldRequest{Brief: "x", Document: map[string]any{}, Constraints: &FieldConstraints{Modality: "image"}})
			return err
		}},
		{"/v1/content/run", `{"mode":"freestyle","freestyleRecipe":{"modality":"image"}}`, goldenFile(t, "content_run_freestyle"), func(c *Client) error {
			_, err := c.RunContent(ctx, ContentRun{Mode: "freestyle", FreestyleRecipe: []byte(`{"modality":"image"}`)})
			return err
		}},
		{"/v1/intelligence/predict", `{"concept":"x","platform":"p","modality":"m"}`, goldenFile(t, "prediction"), func(c *Client) error {
			reply, err := c.Predict(ctx, PredictRequest{Concept: "x", Platform: "p", Modality: "m"})
			if err == nil && (reply.Data.TrendAlignment != "0.5" || reply.Data.Confidence.Value != 0.6) {
				err = fmt.Errorf("got %+v", reply.Data)
			}
			return err
		}},
		{"/v1/intelligence/brand-context?platform=p&topK=3", "", goldenFile(t, "brand_context"), func(c *Client) error {
			reply, err := c.BrandContext(ctx, IntelligenceFilter{Platform: "p", TopK: 3})
			if err == nil && (reply.Data.BrandDNA == nil || reply.Data.TopPatterns.TopItems[0].PerformanceScore != "0.9") {
				err = fmt.Errorf("got %+v", reply.Data)
			}
			return err
		}},
		{"/v1/intelligence/brand-context", "", goldenFile(t, "brand_context_empty"), func(c *Client) error {
			reply, err := c.BrandContext(ctx, IntelligenceFilter{})
			if err == nil && (reply.Data.BrandDNA != nil || reply.Data.Guidance != nil || reply.Data.TopPatterns != nil) {
				err = fmt.Errorf("got %+v", reply.Data)
			}
			return err
		}},
		{"/v1/intelligence/recommendations?limit=5", "", goldenFile(t, "recommendations"), func(c *Client) error {
			_, err := c.Recommendations(ctx, IntelligenceFilter{Limit: 5})
			return err
		}},
		{"/v1/intelligence/trends?category=c&windowDays=9", "", `{"data":{"topPatterns":["Large type"],"emergingPatterns":[{"label":"l","momentum":"rising"}],"decliningPatterns":null}}`, func(c *Client) error {
			reply, err := c.Trends(ctx, TrendFilter{Category: "c", WindowDays: 9})
			if d := reply.Data; err == nil && (d.TopPatterns[0].Label != "Large type" || d.EmergingPatterns[0].Momentum != "rising") {
				err = fmt.Errorf("got %+v", d)
			}
			return err
		}},
		{"/v1/templates", "", goldenFile(t, "templates"), func(c *Client) error {
			reply, err := c.Templates(ctx)
			if err == nil && len(reply.Data) != 3 {
				err = fmt.Errorf("got %+v", reply.Data)
			}
			return err
		}},
		{"/v1/templates", "", `{"data":{"templates":[{"id":"t","name":7,"suggestedModalities":"image"},null]}}`, func(c *Client) error {
			reply, err := c.Templates(ctx)
			if err == nil && (len(reply.Data) != 2 || reply.Data[0].ID != "t") {
				err = fmt.Errorf("got %+v", reply.Data)
			}
			return err
		}},
		{"/v1/templates", "", `{"data":null}`, func(c *Client) error {
			reply, err := c.Templates(ctx)
			if err == nil && len(reply.Data) != 0 {
				err = fmt.Errorf("got %+v", reply.Data)
			}
			return err
		}},
		{"/v1/templates/a%2Fb", "", goldenFile(t, "template"), func(c *Client) error {
			_, err := c.Template(ctx, "a/b")
			return err
		}},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			client, _ := serve(t, func(w http.ResponseWriter, req *http.Request) {
				raw, _ := io.ReadAll(req.Body)
				if req.URL.RequestURI() != tt.path || string(raw) != tt.body {
					t.Errorf("got %s %s, want %s %s", req.URL.RequestURI(), raw, tt.path, tt.body)
				}
				reply(w, http.StatusOK, tt.reply)
			})
			if err := tt.call(client); err != nil {
				t.Error(err)
			}
		})
	}
}

// FuzzContentOutcome checks that every object is read, and has a kind that fits its run.
func FuzzContentOutcome(f *testing.F) {
	f.Add([]byte(`{"status":"ran","runId":"r","draftedInputs":{"a":{"value":1,"source":"x"}},"askUser":["q",{"name":"n"}],"warnings":[null,1]}`))
	f.Add([]byte(`{"mode":"app","form":[{"options":[1,{"label":"x"}]}],"candidates":[{"missingRequiredInputs":["a",{"name":"b"}]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var o ContentOutcome
		err := json.Unmarshal(raw, &o)
		var object map[string]json.RawMessage
		if isObject := json.Unmarshal(raw, &object) == nil && object != nil; isObject && err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		if o.Kind == ContentRan && o.RunID == "" {
			t.Errorf("%s: got a run without an id", raw)
		}
	})
}
