package lamina

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// TestUnknownAddresses: the Node client recognizes an unknown address by the words "not found".
func TestUnknownAddresses(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for path, want := range map[string]string{
		"/v1/horoscope": "Endpoint not found", "/v1/runs/none": "Run not found", "/v1/runs/none/wait": "Run not found", "/v1/apps/none": "App not found",
	} {
		if e := rg.Call("GET", path, nil).WantError(http.StatusNotFound, "NOT_FOUND"); e.Error != want {
			t.Errorf("%s: got %q, want %q", path, e.Error, want)
		}
	}
}

// TestTypesOfUnfinishedOutputs: only the status says how an output ended; without a value, its type stays pending.
func TestTypesOfUnfinishedOutputs(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	failing := rg.start("countdown", map[string]any{"seconds": "1", "ending": "Fail"})
	rg.Fire(time.Second)
	failed := rg.finish(failing)
	long := rg.start("countdown", map[string]any{"seconds": "9"})
	rg.running(long)
	rg.Call("POST", "/v1/runs/"+long+"/cancel", nil).Want(200)
	cancelled := rg.finish(long)
	for _, tt := range []struct {
		run  api.Run
		want string
	}{{failed, "error"}, {cancelled, "cancelled"}} {
		ended := 0
		for _, o := range tt.run.Outputs {
			if o.Status == tt.want && o.Type == "pending" && string(o.Value) == "null" {
				ended++
			} else if o.Status != "completed" {
				t.Errorf("%s run: got an output %+v, want the type pending and the status %s", tt.run.Status, o, tt.want)
			}
		}
		if ended == 0 {
			t.Errorf("%s run: got no output with the status %s", tt.run.Status, tt.want)
		}
	}
}

// TestEveryParameterIsRequired: what must be supplied is an input without a default.
func TestEveryParameterIsRequired(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, summary := range wiretest.Data[[]api.AppSummary](rg.Call("GET", "/v1/apps", nil).Want(200)) {
		for _, p := range wiretest.Data[api.App](rg.Call("GET", "/v1/apps/"+summary.AppID, nil).Want(200)).Parameters {
			if !p.Required {
				t.Errorf("%s: the input %s is not required, want every input to be", summary.Name, p.Key)
			}
		}
	}
}

func TestCodesOfInputProblems(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, tt := range []struct{ app, body, want string }{
		{"poster", `{}`, "missing_no_default"},
		{"poster", `{"inputs":{"text":" "}}`, "missing_no_default"},
		{"poster", `{"inputs":{"text":"x","style":"Loud"}}`, "invalid_option"},
		{"poster", `{"inputs":{"text":"x","txt":"x"}}`, "unknown_parameter"},
		{"poster", `{"inputs":{"text":["x"]}}`, "invalid_type"},
		{"poster", `{"inputs":{"text":7}}`, "invalid_type"},
		{"palette", `{"inputs":{"image":"photo.png"}}`, "invalid_media"},
	} {
		e := rg.Call("POST", "/v1/apps/"+tt.app+"/runs", tt.body).WantError(400, "VALIDATION_ERROR")
		if problems := decode[[]wire.Problem](t, e.Details); len(problems) != 1 || problems[0].Code != tt.want {
			t.Errorf("%s: got %s, want one problem with the code %s", tt.body, e.Details, tt.want)
		}
	}
}

func TestDiscoverLimits(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, limit := range []int{0, -1} {
		rg.Call("POST", "/v1/apps/discover", fmt.Sprintf(`{"intent":"picture","limit":%d}`, limit)).WantError(400, "VALIDATION_ERROR")
	}
	for limit, most := range map[int]int{1: 1, 10: 10, 20: 10} {
		found := wiretest.Data[api.Discovery](rg.Call("POST", "/v1/apps/discover", fmt.Sprintf(`{"intent":"picture image text number","limit":%d}`, limit)).Want(200))
		if len(found.Matches) == 0 || len(found.Matches) > most {
			t.Errorf("limit %d: got %d apps, want 1 to %d", limit, len(found.Matches), most)
		}
	}
}
