package lamina

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// generate starts a generation and returns its id.
func (rg *rig) generate(modality, body string) string {
	rg.T.Helper()
	return wiretest.Data[api.GenerationStarted](rg.Call("POST", "/v1/generate/"+modality, body).Want(http.StatusAccepted)).RunID
}

// generated waits for a generation to end.
func (rg *rig) generated(id string) api.Generation {
	rg.T.Helper()
	var g api.Generation
	rg.Await("generation "+id+" to end", func() bool {
		g = wiretest.Data[api.Generation](rg.Call("GET", "/v1/generate/runs/"+id, nil).Want(http.StatusOK))
		return g.Status.Final()
	})
	return g
}

// occupyWorkers starts as many long runs as there are workers, so that what follows stays queued.
func (rg *rig) occupyWorkers() {
	rg.T.Helper()
	for range workerCount {
		rg.running(rg.start("countdown", map[string]any{"seconds": "60"}))
	}
}

func TestModelRepliesHaveTheGoldenShapes(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	get := func(path string) wiretest.Reply { return rg.Call("GET", path, nil).Want(http.StatusOK) }
	get("/v1/models/image").WantShape("models")
	get("/v1/models/video").WantShape("models")
	get("/v1/models/mosaic-1").WantShape("model_image")
	get("/v1/models/image/mosaic-1").WantShape("model_image")
	get("/v1/models/video/shots-1").WantShape("model_video")

	started := rg.Call("POST", "/v1/generate/image", `{"model":"hills-1","prompt":"Dawn"}`).Want(202)
	started.WantShape("generation_started")
	id := wiretest.Data[api.GenerationStarted](started).RunID
	rg.generated(id)
	get("/v1/generate/runs/" + id).WantShape("generation_completed")
	rg.Call("POST", "/v1/generate/image", `{"model":"hills-1","prompt":"Dawn","params":{"layers":99}}`).Want(400).WantShape("error_generate")

	poster := rg.make("poster", map[string]any{"text": "Hello"})
	rg.Call("POST", "/v1/runs/"+poster.RunID+"/feedback", `{"feedback":"make it neon"}`).Want(200).WantShape("feedback")

	rg.occupyWorkers()
	get("/v1/generate/runs/" + rg.generate("image", `{"model":"hills-1","prompt":"Dawn"}`)).WantShape("generation_queued")
}

func TestUnknownModels(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, path := range []string{"/v1/models/nothing", "/v1/models/video/hills-1"} {
		if e := rg.Call("GET", path, nil).WantError(404, "NOT_FOUND"); e.Error != "Model not found" {
			t.Errorf("%s: got %q, want Model not found", path, e.Error)
		}
	}
}

func TestGenerationIsARunOfAFamilyOfItsOwn(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	received := make(chan string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received <- string(body)
	}))
	defer hook.Close()
	id := rg.generate("image", `{"model":"hills-1","prompt":"Dawn","webhookUrl":"`+hook.URL+`"}`)
	g := rg.generated(id)
	if g.Status != api.Completed || *g.Model != "hills-1" || g.Output.Type != "image" || !strings.HasSuffix(*g.Output.URL, ".png") {
		t.Errorf("got %+v, want a completed picture", g)
	}
	state := rg.Call("GET", "/v1/generate/runs/"+id, nil).Body
	if got := <-received; !reflect.DeepEqual(decode[any](t, []byte(got)), decode[any](t, []byte(state))) {
		t.Errorf("delivery: got %s, want the state %s", got, state)
	}
	app := rg.make("countdown", map[string]any{"seconds": "0"})
	for _, path := range []string{"/v1/runs/" + id, "/v1/runs/" + id + "/wait", "/v1/freestyle/" + id, "/v1/generate/runs/" + app.RunID, "/v1/freestyle/nothing", "/v1/generate/runs/nothing"} {
		if e := rg.Call("GET", path, nil).WantError(404, "NOT_FOUND"); e.Error != "Run not found" {
			t.Errorf("%s: got %q, want Run not found", path, e.Error)
		}
	}
	for _, r := range wiretest.Data[[]api.RunSummary](rg.Call("GET", "/v1/runs", nil)) {
		if r.RunID == id {
			t.Error("the list of runs, which are those of apps, has a generation")
		}
	}
	if assets := wiretest.Data[[]assetEntry](rg.Call("GET", "/v1/assets?runId="+id, nil)); len(assets) != 1 || assets[0].OutputType != "image" {
		t.Errorf("assets: got %+v, want the picture", assets)
	}
	if u := wiretest.Data[usage](rg.Call("GET", "/v1/account/usage", nil)); u.Credits.TotalSpent != 4.5 { // 4 for the picture
		t.Errorf("spent: got %v, want 4.5", u.Credits.TotalSpent)
	}
}

// TestRecipeRunHasAnOlderAddress: the run of a recipe is a freestyle run, and one of the runs.
func TestRecipeRunHasAnOlderAddress(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	started := rg.Call("POST", "/v1/content/run", `{"mode":"freestyle","freestyleRecipe":{"modality":"image","variants":[{"prompt":"the sea"}]}}`).Want(200)
	id := wiretest.Data[struct{ RunID string }](started).RunID
	rg.finish(id)
	rg.Call("GET", "/v1/freestyle/"+id, nil).Want(200).WantShape("run_completed")
	rg.Call("GET", "/v1/runs/"+id, nil).Want(200).WantShape("run_completed")
	app := rg.make("poster", map[string]any{"text": "Hello"})
	rg.Call("GET", "/v1/freestyle/"+app.RunID, nil).WantError(404, "NOT_FOUND")
}

func TestFailedGeneration(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	g := rg.generated(rg.generate("video", `{"model":"shots-1","params":{"startImageUrl":"`+rg.URL+`/media/nothing.png","shots":[{"duration":1}]}}`))
	if g.Status != api.Failed || text(g.ErrorMessage) == "" || g.Output != nil {
		t.Errorf("got %+v, want a failure with a reason and no output", g)
	}
}

func TestCancelledGeneration(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rg.occupyWorkers()
	id := rg.generate("image", `{"model":"hills-1","prompt":"Dawn"}`)
	if got := wiretest.Data[api.CancelledRun](rg.Call("POST", "/v1/runs/"+id+"/cancel", nil).Want(200)); got.Status != api.Cancelled {
		t.Errorf("got %+v, want cancelled", got)
	}
	if g := rg.generated(id); g.Status != api.Cancelled || g.Output != nil {
		t.Errorf("got %+v, want cancelled without an output", g)
	}
}

func TestGenerateRefusesEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	tests := []struct {
		modality, body string
		want           []string // fields
	}{
		{"image", `{}`, []string{"model"}},
		{"image", `{"model":"nothing"}`, []string{"model"}},
		{"video", `{"model":"hills-1","prompt":"x"}`, []string{"model"}},
		{"image", `{"model":"hills-1"}`, []string{"prompt"}},
		{"image", `{"model":"hills-1","params":{"layers":1,"hue":3,"sun":"on"}}`, []string{"hue", "layers", "sun", "prompt"}},
	}
	for _, test := range tests {
		e := rg.Call("POST", "/v1/generate/"+test.modality, test.body).WantError(400, "VALIDATION_ERROR")
		var fields []string
		for _, d := range api.ParseDetails(e.Details) {
			fields = append(fields, d.Field)
		}
		if !slices.Equal(fields, test.want) {
			t.Errorf("%s: got problems with %v, want %v: %s", test.body, fields, test.want, e.Details)
		}
	}
	rg.Call("POST", "/v1/generate/image", `{"model":"hills-1","prompt":"x","webhookUrl":"ftp://h"}`).WantError(400, "WEBHOOK_INVALID_URL")
	rg.Call("POST", "/v1/generate/image", `{"model":"hills-1","prompt":"x","params":[]}`).WantError(400, "VALIDATION_ERROR")
}

func TestFeedbackChangesTheSameRun(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	before := rg.make("poster", map[string]any{"text": "Hello"})
	got := wiretest.Data[api.Refinement](rg.Call("POST", "/v1/runs/"+before.RunID+"/feedback", `{"feedback":"Make it Neon and 16:9, and say \"Bye\""}`).Want(200))
	if got.RunID != before.RunID || got.Status != api.Completed || len(got.RefinedNodes) != 2 || got.ErrorMessage != nil {
		t.Errorf("got %+v, want the same run with two steps", got)
	}
	after := wiretest.Data[api.Run](rg.Call("GET", "/v1/runs/"+before.RunID, nil).Want(200))
	if !reflect.DeepEqual(after.Outputs, got.Outputs) || after.Outputs[0].ID != before.Outputs[0].ID {
		t.Errorf("outputs: got %+v, want those of the answer, %+v", after.Outputs, got.Outputs)
	}
	if o := after.Outputs[0]; o.Dimensions.Width != 1600 || !strings.Contains(o.ContentDescription, "Neon that says: Bye") {
		t.Errorf("output: got %+v, want a wide neon poster", o)
	}
	if u := wiretest.Data[usage](rg.Call("GET", "/v1/account/usage", nil)); u.Credits.TotalSpent != 10 {
		t.Errorf("spent: got %v, want 10", u.Credits.TotalSpent)
	}
}

func TestFeedbackIsForCompletedRuns(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	counting := rg.start("countdown", map[string]any{"seconds": "60"})
	rg.running(counting)
	rg.Call("POST", "/v1/runs/"+counting+"/feedback", `{"feedback":"x"}`).WantError(400, "VALIDATION_ERROR")
	rg.Call("POST", "/v1/runs/nothing/feedback", `{"feedback":"x"}`).WantError(404, "NOT_FOUND")
	done := rg.make("countdown", map[string]any{"seconds": "0"})
	rg.Call("POST", "/v1/runs/"+done.RunID+"/feedback", `{"feedback":" "}`).WantError(400, "VALIDATION_ERROR")
	rg.Update(func(tx *wire.Tx) { wire.Put(tx, bucketLedgers, "wsp_atelier", ledger{Earned: 0.1}) })
	got := wiretest.Data[api.Refinement](rg.Call("POST", "/v1/runs/"+done.RunID+"/feedback", `{"feedback":"again"}`).Want(200))
	if text(got.ErrorMessage) != "Insufficient credits" || len(got.RefinedNodes) != 0 || !reflect.DeepEqual(got.Outputs, done.Outputs) {
		raw, _ := json.Marshal(got)
		t.Errorf("got %s, want the outputs as they were, and the reason", raw)
	}
}
