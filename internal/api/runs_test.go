package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
	"time"
)

// golden are responses by request. They follow the documentation of the API, not the local platform.
var golden = map[string]string{
	"GET /v1/runs/r1": `{"data":{"runId":"r1","workflowId":"w1","status":"completed","outputs":[
		{"id":"o1","label":"Poster","type":"image","value":"https://media.example/api/assetlib/a.png","status":"completed","error":null,
		 "mimeType":"image/png","contentDescription":"a poster","compatibleInputTypes":["image"],
		 "suggestedNextSteps":["animate it",{"description":"publish it","toolHint":"publish"}],"canChainAs":["image"],
		 "platformsOptimized":["instagram"],"dimensions":{"width":1024,"height":768},"durationSeconds":2.5,"new":1},
		{"id":"o2","label":"Caption","type":"text","value":"Hello","status":"completed","error":null},
		{"id":"o3","label":"Clip","type":"pending","value":null,"status":"error","error":"too long"}],
		"errorMessage":null,"startedAt":"2026-04-11T08:00:01.250Z","completedAt":"2026-04-11T08:00:09Z","createdAt":"2026-04-11T08:00:00Z",
		"quality":{"score":null,"threshold":0.7,"passed":true,"attempts":2},
		"progress":{"totalOutputs":3,"completedOutputs":2,"failedOutputs":1,"percentComplete":null},"future":{"x":[]}}}`,
	"GET /v1/runs/old": `{"data":{"executionId":"old","workflowId":"w1","status":"running","outputs":null,"errorMessage":null,
		"startedAt":null,"completedAt":null,"createdAt":"2026-03-02T08:00:00.000Z"}}`,
	"GET /v1/runs/r1/wait": `{"data":{"runId":"r1","workflowId":"w1","status":"running","outputs":[],"errorMessage":null,
		"startedAt":"2026-04-11T08:00:01Z","completedAt":null,"createdAt":"2026-04-11T08:00:00Z"},"timeout":true}`,
	"GET /v1/runs": `{"data":[
		{"runId":"r2","workflowId":"w1","status":"cancelled","source":"api_app","errorMessage":null,"startedAt":null,"completedAt":null,"createdAt":"2026-04-11T08:00:00Z"},
		{"executionId":"r1","workflowId":"w1","status":"failed","source":"api_app","errorMessage":"Insufficient credits","startedAt":"2026-04-11T08:00:00Z","completedAt":"2026-04-11T08:00:00Z","createdAt":"2026-04-11T08:00:00Z"}],
		"pagination":{"total":2,"limit":25,"offset":0}}`,
	"POST /v1/runs/r1/cancel": `{"data":{"runId":"r1","status":"completed"}}`,
	"POST /v1/apps/a1/runs": `{"data":{"runId":"r9","workflowId":"a1","workflowName":"Poster","status":"queued","webhookUrl":"https://example.com/h",
		"outputs":[{"id":"o1","label":"Poster","type":"pending","value":null,"status":"pending","error":null}]}}`,
	"POST /v1/apps/old/runs": `{"data":{"executionId":"e9","workflowId":"a1","workflowName":"Poster","status":"queued"}}`,
	"GET /v1/apps": `{"data":[
		{"appId":"3f0e7d1c-0000-4000-8000-000000000001","name":"Poster","description":"Makes posters","isPublic":true,
		 "capabilities":{"produces":["image"],"strengths":["type"],"bestFor":["events"],"limitations":[],"outputFormats":["png"],
		   "hasQualityControl":true,"hasHumanApproval":false,"generationStepCount":3,"nodeTypes":["image"]},
		 "icon":"x","modality":"image","outputFormats":["png"],
		 "inputSummary":{"required":[{"name":"text","type":"text"}],"optional":[],"total":1},
		 "thumbnail":{"url":"https://media.example/t.png","type":"image"}},
		{"appId":"a0","name":"Old","description":null,"isPublic":false},
		{"appId":"a2","name":"New","description":null,"isPublic":false,"capabilities":null}]}`,
	"GET /v1/apps/a1": `{"data":{"appId":"a1","name":"Poster","description":null,"parameters":[
		{"id":"p1","key":"headline","name":"Headline","type":"text","required":true,"description":"what it says","default":""},
		{"id":"p2","name":"Size","type":"options","required":false,"options":["S","M"],"default":"M"},
		{"id":"p3","name":"Photo","type":"url","required":false,"accept":["image","video"],"multiple":true,"default":null}],
		"outputs":[{"index":0,"label":"Poster","type":"image"}]}}`,
	"POST /v1/apps/discover": `{"data":{"matches":[{"appId":"a1","name":"Poster","description":"x","relevanceScore":0.93,"capabilities":null,
		"estimatedCredits":null,"whyMatch":"it makes posters"}],"intent":{"medium":"image","summary":"a poster"}}}`,
	"GET /v1/account": `{"data":{"user":{"id":"u1","email":"ada@example.com"},"workspace":{"id":"w1","name":"Ada's","slug":"ada","role":"owner"},
		"memberships":[{"workspaceId":"w1","name":"Ada's","slug":"ada","role":"owner"}]}}`,
}

// goldenClient returns a client of a server with the golden responses.
func goldenClient(t *testing.T) *Client {
	t.Helper()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, ok := golden[r.Method+" "+r.URL.Path]
		if !ok {
			t.Errorf("got %s %s, want a request with a golden response", r.Method, r.URL.Path)
		}
		status := http.StatusOK
		if r.Method == http.MethodPost {
			status = http.StatusAccepted
		}
		reply(w, status, body)
	})
	return c
}

// at parses a time.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// get returns the data of a reply.
func get[T any](t *testing.T, reply *Reply[T], err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return reply.Data
}

// equal compares values.
func equal(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestGoldenRun(t *testing.T) {
	t.Parallel()
	reply, err := goldenClient(t).Run(t.Context(), "r1")
	run := get(t, reply, err)
	started, completed := at(t, "2026-04-11T08:00:01.250Z"), at(t, "2026-04-11T08:00:09Z")
	tooLong := "too long"
	equal(t, run, Run{
		RunID: "r1", WorkflowID: "w1", Status: Completed, StartedAt: &started, CompletedAt: &completed, CreatedAt: at(t, "2026-04-11T08:00:00Z"),
		Quality:  &Quality{Threshold: 0.7, Passed: true, Attempts: 2},
		Progress: &Progress{TotalOutputs: 3, CompletedOutputs: 2, FailedOutputs: 1},
		Outputs: []Output{
			{
				ID: "o1", Label: "Poster", Type: "image", Value: json.RawMessage(`"https://media.example/api/assetlib/a.png"`), Status: "completed",
				MimeType: "image/png", ContentDescription: "a poster", CompatibleInputTypes: []string{"image"},
				SuggestedNextSteps: []json.RawMessage{json.RawMessage(`"animate it"`), json.RawMessage(`{"description":"publish it","toolHint":"publish"}`)},
				CanChainAs:         []string{"image"}, PlatformsOptimized: []string{"instagram"},
				Dimensions: &Dimensions{Width: 1024, Height: 768}, DurationSeconds: 2.5,
			},
			{ID: "o2", Label: "Caption", Type: "text", Value: json.RawMessage(`"Hello"`), Status: "completed"},
			{ID: "o3", Label: "Clip", Type: "pending", Value: json.RawMessage(`null`), Status: "error", Error: &tooLong},
		},
	})
	if !run.Status.Final() {
		t.Error("got Final false for completed, want true")
	}
}

// TestGoldenOldRun: older servers send executionId, and fewer fields.
func TestGoldenOldRun(t *testing.T) {
	t.Parallel()
	c := goldenClient(t)
	reply, err := c.Run(t.Context(), "old")
	equal(t, get(t, reply, err), Run{RunID: "old", ExecutionID: "old", WorkflowID: "w1", Status: Running, CreatedAt: at(t, "2026-03-02T08:00:00Z")})
	started, err := c.StartRun(t.Context(), "old", StartRun{}, "")
	equal(t, get(t, started, err), RunStarted{RunID: "e9", ExecutionID: "e9", WorkflowID: "a1", WorkflowName: "Poster", Status: Queued})
}

func TestGoldenWait(t *testing.T) {
	t.Parallel()
	reply, err := goldenClient(t).WaitRun(t.Context(), "r1", time.Minute)
	run := get(t, reply, err)
	if !reply.Timeout || run.Status != Running || run.CompletedAt != nil || run.StartedAt == nil {
		t.Errorf("got %+v, want a running run with Timeout", reply)
	}
}

func TestGoldenRuns(t *testing.T) {
	t.Parallel()
	reply, err := goldenClient(t).ListRuns(t.Context(), RunFilter{})
	when, reason := at(t, "2026-04-11T08:00:00Z"), "Insufficient credits"
	equal(t, get(t, reply, err), []RunSummary{
		{RunID: "r2", WorkflowID: "w1", Status: Cancelled, Source: "api_app", CreatedAt: when},
		{RunID: "r1", ExecutionID: "r1", WorkflowID: "w1", Status: Failed, Source: "api_app", ErrorMessage: &reason, StartedAt: &when, CompletedAt: &when, CreatedAt: when},
	})
	equal(t, reply.Pagination, &Pagination{Total: 2, Limit: 25})
}

func TestGoldenStartAndCancel(t *testing.T) {
	t.Parallel()
	c := goldenClient(t)
	started, err := c.StartRun(t.Context(), "a1", StartRun{Inputs: map[string]any{}}, "https://example.com/h")
	equal(t, get(t, started, err), RunStarted{
		RunID: "r9", WorkflowID: "a1", WorkflowName: "Poster", Status: Queued, WebhookURL: "https://example.com/h",
		Outputs: []Output{{ID: "o1", Label: "Poster", Type: "pending", Value: json.RawMessage(`null`), Status: "pending"}},
	})
	cancelled, err := c.CancelRun(t.Context(), "r1")
	equal(t, get(t, cancelled, err), CancelledRun{RunID: "r1", Status: Completed})
}

func TestGoldenApps(t *testing.T) {
	t.Parallel()
	c := goldenClient(t)
	list, err := c.ListApps(t.Context(), 0)
	about := "Makes posters"
	equal(t, get(t, list, err), []AppSummary{
		{
			AppID: "3f0e7d1c-0000-4000-8000-000000000001", Name: "Poster", Description: &about, IsPublic: true,
			Capabilities: &Capabilities{
				Produces: []string{"image"}, Strengths: []string{"type"}, BestFor: []string{"events"}, Limitations: []string{},
				OutputFormats: []string{"png"}, HasQualityControl: true, GenerationStepCount: 3, NodeTypes: []string{"image"},
			},
			Icon: "x", Modality: "image", OutputFormats: []string{"png"},
			InputSummary: &InputSummary{Required: []NamedType{{Name: "text", Type: "text"}}, Optional: []NamedType{}, Total: 1},
			Thumbnail:    &Thumbnail{URL: "https://media.example/t.png", Type: "image"},
		},
		{AppID: "a0", Name: "Old"},
		{AppID: "a2", Name: "New"},
	})
	app, err := c.App(t.Context(), "a1")
	equal(t, get(t, app, err), App{
		AppID: "a1", Name: "Poster", Outputs: []OutputDescriptor{{Label: "Poster", Type: "image"}},
		Parameters: []Parameter{
			{ID: "p1", Key: "headline", Name: "Headline", Type: "text", Required: true, Description: "what it says", Default: json.RawMessage(`""`)},
			{ID: "p2", Name: "Size", Type: "options", Options: []string{"S", "M"}, Default: json.RawMessage(`"M"`)},
			{ID: "p3", Name: "Photo", Type: "url", Accept: []string{"image", "video"}, Multiple: true, Default: json.RawMessage(`null`)},
		},
	})
	var supply []string
	for _, p := range app.Data.Parameters {
		if p.MustSupply() {
			supply = append(supply, p.Name)
		}
	}
	equal(t, supply, []string{"Photo"})
	found, err := c.Discover(t.Context(), DiscoverRequest{Intent: "a poster"})
	words := "x"
	equal(t, get(t, found, err), Discovery{
		Matches: []DiscoveredApp{{AppID: "a1", Name: "Poster", Description: &words, RelevanceScore: 0.93, WhyMatch: "it makes posters"}},
		Intent:  Intent{Medium: "image", Summary: "a poster"},
	})
}

func TestGoldenAccount(t *testing.T) {
	t.Parallel()
	reply, err := goldenClient(t).Account(t.Context())
	equal(t, get(t, reply, err), Account{
		User:        User{ID: "u1", Email: "ada@example.com"},
		Workspace:   &Workspace{ID: "w1", Name: "Ada's", Slug: "ada", Role: "owner"},
		Memberships: []Membership{{WorkspaceID: "w1", Name: "Ada's", Slug: "ada", Role: "owner"}},
	})
}

func TestAccountWithoutWorkspace(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `{"data":{"user":{"id":"u1"},"workspace":null}}`)
	})
	got, err := c.Account(context.Background())
	equal(t, get(t, got, err), Account{User: User{ID: "u1"}})
}
