package platform

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// shapeDiff says how the shape of a JSON value differs from a golden one: the names of fields, the nesting, the kinds
// of values and where null stands. Values are not compared. An array with one golden element is one for all.
func shapeDiff(at string, got, want any) []string {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return []string{at + " is no object"}
		}
		var diffs []string
		names := maps.Clone(want)
		maps.Copy(names, got)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			w, wanted := want[name]
			g, there := got[name]
			switch {
			case !wanted:
				diffs = append(diffs, at+"."+name+" is too much")
			case !there:
				diffs = append(diffs, at+"."+name+" is missing")
			default:
				diffs = append(diffs, shapeDiff(at+"."+name, g, w)...)
			}
		}
		return diffs
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) == 0 || len(want) > 1 && len(got) != len(want) {
			return []string{fmt.Sprintf("%s is no array of %d", at, len(want))}
		}
		var diffs []string
		for i := range got {
			diffs = append(diffs, shapeDiff(fmt.Sprintf("%s[%d]", at, i), got[i], want[min(i, len(want)-1)])...)
		}
		return diffs
	default:
		if fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) {
			return []string{fmt.Sprintf("%s is %T, want %T", at, got, want)}
		}
		return nil
	}
}

// wantShape fails the test if a reply has not the shape of a golden one.
func (r reply) wantShape(golden string) {
	r.t.Helper()
	var got, want any
	if err := json.Unmarshal(r.body, &got); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "golden", golden+".json"))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		r.t.Fatalf("%s: %v", golden, err)
	}
	for _, diff := range shapeDiff(golden, got, want) {
		r.t.Error(diff)
	}
}

func TestShapeDiffSeesDifferences(t *testing.T) {
	t.Parallel()
	parse := func(s string) (v any) {
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct {
		got, want string
		diffs     int
	}{
		{`{"a":1,"b":[{"c":"x"},{"c":"y"}]}`, `{"a":2,"b":[{"c":"z"}]}`, 0},
		{`{"A":1}`, `{"a":1}`, 2},
		{`{"a":null}`, `{"a":1}`, 1},
		{`{"a":"1"}`, `{"a":1}`, 1},
		{`{"a":[]}`, `{"a":[1]}`, 1},
		{`{"a":[{"b":1},{"c":1}]}`, `{"a":[{"b":1}]}`, 2},
		{`{"a":[1]}`, `{"a":[1,2]}`, 1},
		{`{"a":1}`, `{"a":{"b":1}}`, 1},
	} {
		if diffs := shapeDiff("", parse(tt.got), parse(tt.want)); len(diffs) != tt.diffs {
			t.Errorf("%s against %s: %q, want %d differences", tt.got, tt.want, diffs, tt.diffs)
		}
	}
}

func TestRepliesHaveTheGoldenShapes(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	get := func(path string) reply { return rg.call("GET", path, nil).want(http.StatusOK) }
	get("/v1/account").wantShape("account")
	get("/v1/account/usage").wantShape("usage")
	get("/v1/apps?search=slide").wantShape("apps")
	get("/v1/apps/poster").wantShape("app_poster")
	get("/v1/apps/slideshow").wantShape("app_slideshow")
	get("/v1/apps/poster/workflow").wantShape("workflow")
	get("/v1/webhooks/signing-key").wantShape("signing_key")
	rg.call("POST", "/v1/apps/poster/estimate", nil).want(200).wantShape("estimate")
	rg.call("POST", "/v1/apps/discover", api.DiscoverRequest{Intent: "a poster"}).want(200).wantShape("discover")

	started := rg.call("POST", "/v1/apps/poster/runs", `{"inputs":{"text":"Hello"}}`).want(202)
	started.wantShape("run_started")
	poster := data[api.RunStarted](started).RunID
	get("/v1/runs/" + poster + "/wait?timeout=120").wantShape("run_waited")
	get("/v1/runs/" + poster).wantShape("run_completed")
	get("/v1/runs").wantShape("runs")
	get("/v1/assets").wantShape("assets")

	counting := rg.call("POST", "/v1/apps/countdown/runs?webhook=http%3A%2F%2F127.0.0.1%3A9%2Fhook",
		`{"inputs":{"seconds":"2","ending":"Fail"}}`).want(202)
	counting.wantShape("run_started_webhook")
	failing := data[api.RunStarted](counting).RunID
	rg.fire(time.Second)
	rg.fire(time.Second)
	rg.finish(failing)
	get("/v1/runs/" + failing).wantShape("run_failed")

	long := rg.start("countdown", map[string]any{"seconds": "9"}, "Log")
	rg.running(long)
	get("/v1/runs/" + long).wantShape("run_running")
	rg.call("POST", "/v1/runs/"+long+"/cancel", nil).want(200).wantShape("cancelled")

	rg.call("POST", "/v1/assets/upload-urls", `{"files":[{"filename":"a.png","mediaType":"image"}]}`).want(200).wantShape("uploads")
	rg.call("GET", "/v1/apps/nothing", nil).want(404).wantShape("error")
	rg.call("POST", "/v1/apps/poster/runs", `{}`).want(400).wantShape("error_validation")
}
