package lamina

import (
	"fmt"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestStoredRunsAreListed(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	var ids []string
	for i := range 5 {
		id := rg.make("noop", map[string]any{"text": fmt.Sprint(i)}).RunID
		ids = append(ids, id)
	}
	after := ""
	for i := 0; i < len(ids); i += 2 {
		r := rg.Call("GET", "/dev/runs?limit=2&after="+after, nil).Want(200)
		runs := wiretest.Data[[]storedRun](r)
		if total := wiretest.Decode[envelope](r).Pagination.Total; total != 5 || len(runs) != min(2, len(ids)-i) {
			t.Fatalf("after %q: got %d of %d runs", after, len(runs), total)
		}
		for k, run := range runs {
			if run.RunID != ids[i+k] || run.Status != api.Completed || run.Inputs.Text("text") != fmt.Sprint(i+k) || run.WorkspaceID != "wsp_atelier" {
				t.Errorf("run %d: got %+v", i+k, run)
			}
			after = run.Order
		}
	}
	if runs := wiretest.Data[[]storedRun](rg.Call("GET", "/dev/runs?after="+after, nil).Want(200)); len(runs) != 0 {
		t.Errorf("after the last: got %d runs, want none", len(runs))
	}
	rg.Call("GET", "/dev/runs?limit=10001", nil).WantError(400, "VALIDATION_ERROR")
}

func TestCreditsAreAdded(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	rg.make("noop", nil)
	rg.Call("POST", "/dev/credits", `{"add": 500}`).Want(200)
	rg.Call("POST", "/dev/credits", `{"add": 0.5, "workspaceId": "wsp_northwind"}`).Want(200)
	if balance, spent := rg.s.Credits("wsp_atelier"); balance != 1499 || spent != 1 {
		t.Errorf("got %v left and %v spent, want 1499 and 1", balance, spent)
	}
	if balance, _ := rg.s.Credits("wsp_northwind"); balance != 1000.5 {
		t.Errorf("the other workspace: got %v left, want 1000.5", balance)
	}
	for _, bad := range []string{`{}`, `{"add": -1}`, `{"add": 1e10}`, `{"ad": 1}`} {
		rg.Call("POST", "/dev/credits", bad).WantError(400, "VALIDATION_ERROR")
	}
	rg.Call("POST", "/dev/credits", `{"add": 1, "workspaceId": "wsp_none"}`).WantError(404, "NOT_FOUND")
}

func TestAppWithoutOutputs(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	started := wiretest.Data[api.RunStarted](rg.Call("POST", "/v1/apps/noop/runs", `{"inputs":{"n":"1"}}`).Want(202))
	run := rg.finish(started.RunID)
	if run.Status != api.Completed || run.Outputs == nil || len(run.Outputs) != 0 || run.Progress.TotalOutputs != 0 {
		t.Errorf("got %+v, want completed with an empty list of outputs", run)
	}
	if balance, spent := rg.s.Credits("wsp_atelier"); balance != 999 || spent != 1 {
		t.Errorf("got %v left and %v spent, want 999 and 1", balance, spent)
	}
	rg.Call("GET", "/v1/apps/noop", nil).Want(200)
	rg.Call("POST", "/v1/apps/noop/estimate", nil).Want(200)
	rg.Call("POST", "/v1/runs/"+run.RunID+"/feedback", `{"feedback":"again"}`).Want(200)
	rg.Call("POST", "/v1/apps/noop/runs", `{"outputs":["Picture"]}`).WantError(400, "VALIDATION_ERROR")
}
