package lamina

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestAppsAreListedAndSearched(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"", []string{"Poster", "Product Shots", "Palette", "Slideshow", "Countdown", "Noop"}},
		{"?search=GIF", []string{"Slideshow"}},
		{"?search=nothing+at+all", nil},
		{"?limit=2", []string{"Poster", "Product Shots"}},
		{"?search=colour&limit=10", []string{"Palette"}},
	} {
		t.Run(tt.query, func(t *testing.T) {
			var got []string
			for _, a := range wiretest.Data[[]api.AppSummary](rg.Call("GET", "/v1/apps"+tt.query, nil).Want(200)) {
				got = append(got, a.Name)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("apps: got %q, want %q", got, tt.want)
			}
		})
	}
	for _, bad := range []string{"0", "101", "-1", "ten", "1.5"} {
		rg.Call("GET", "/v1/apps?limit="+bad, nil).WantError(400, "VALIDATION_ERROR")
	}
}

func TestAppIsFoundByIDAndSlug(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	poster, _ := apps.Find("poster")
	for _, id := range []string{poster.ID, "poster", "POSTER"} {
		for _, path := range []string{"", "/workflow"} {
			if got := wiretest.Data[api.App](rg.Call("GET", "/v1/apps/"+id+path, nil).Want(200)); got.AppID != poster.ID || got.Name != "Poster" {
				t.Errorf("%s%s: got %+v, want the app Poster", id, path, got)
			}
		}
	}
	for _, path := range []string{"/v1/apps/nothing", "/v1/apps/nothing/workflow", "/v1/apps/..%2f..%2fetc"} {
		if e := rg.Call("GET", path, nil).WantError(404, "NOT_FOUND"); e.Error != "App not found" {
			t.Errorf("%s: got %q, want App not found", path, e.Error)
		}
	}
	rg.Call("POST", "/v1/apps/nothing/estimate", nil).WantError(404, "NOT_FOUND")
	rg.Call("POST", "/v1/apps/nothing/runs", `{}`).WantError(404, "NOT_FOUND")
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	e := wiretest.Data[api.CostEstimate](rg.Call("POST", "/v1/apps/product-shots/estimate", nil).Want(200))
	if got := e.EstimatedCredits; got.Expected != 8 || got.Min != 2 || got.Max != 8 || !e.Affordable || e.CurrentBalance != 1000 {
		t.Errorf("estimate: got %+v, want 2 to 8 of 1000 credits", e)
	}
	rg.Update(func(tx *wire.Tx) { wire.Put(tx, bucketLedgers, "wsp_atelier", ledger{Earned: 10, Spent: 3}) })
	e = wiretest.Data[api.CostEstimate](rg.Call("POST", "/v1/apps/product-shots/estimate", nil).Want(200))
	if e.Affordable || e.CurrentBalance != 7 {
		t.Errorf("estimate: got %+v, want not affordable with 7 credits", e)
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	ask := func(req api.DiscoverRequest) api.Discovery {
		return wiretest.Data[api.Discovery](rg.Call("POST", "/v1/apps/discover", req).Want(200))
	}
	found := ask(api.DiscoverRequest{Intent: "posters for a summer sale"})
	if len(found.Matches) == 0 || found.Matches[0].Name != "Poster" || found.Matches[0].WhyMatch == "" {
		t.Errorf("discovery: got %+v, want Poster first, with a reason", found)
	}
	for i := 1; i < len(found.Matches); i++ {
		if found.Matches[i].RelevanceScore > found.Matches[i-1].RelevanceScore {
			t.Errorf("match %d: got a larger relevance than the one before", i)
		}
	}
	if found = ask(api.DiscoverRequest{Intent: "xyzzy"}); len(found.Matches) != 0 {
		t.Errorf("discovery of an unknown word: got %+v, want no matches", found)
	}
	if found = ask(api.DiscoverRequest{Intent: "picture", Limit: 1}); len(found.Matches) != 1 {
		t.Errorf("limit 1: got %d matches, want 1", len(found.Matches))
	}
	found = ask(api.DiscoverRequest{Intent: "picture", Limit: 20, Constraints: &api.DiscoverConstraints{OutputFormat: "gif"}})
	if len(found.Matches) != 1 || found.Matches[0].Name != "Slideshow" {
		t.Errorf("format gif: got %+v, want Slideshow", found)
	}
	for _, m := range ask(api.DiscoverRequest{Intent: "picture", Constraints: &api.DiscoverConstraints{MaxCredits: 3}}).Matches {
		if *m.EstimatedCredits > 3 {
			t.Errorf("%s: got %v credits, want at most 3", m.Name, *m.EstimatedCredits)
		}
	}
	rg.Call("POST", "/v1/apps/discover", `{"intent":"  "}`).WantError(400, "VALIDATION_ERROR")
	rg.Call("POST", "/v1/apps/discover", nil).WantError(400, "VALIDATION_ERROR")
}

func TestAllBadInputsAreReported(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	tests := []struct {
		name, app, body string
		fields          []string
	}{
		{"nothing", "poster", `{}`, []string{"text"}},
		{"no body", "poster", ``, []string{"text"}},
		{"null inputs", "poster", `{"inputs":null}`, []string{"text"}},
		{"null for a required one", "poster", `{"inputs":{"text":null}}`, []string{"text"}},
		{"blank", "poster", `{"inputs":{"text":" "}}`, []string{"text"}},
		{"everything", "poster", `{"inputs":{"style":"Loud","aspect_ratio":7,"txt":"x"},"outputs":["Nope"]}`,
			[]string{"aspect_ratio", "style", "txt", "text", "outputs"}},
		{"option in another case", "poster", `{"inputs":{"text":"x","style":"bold"}}`, []string{"style"}},
		{"two names of one input", "poster", `{"inputs":{"text":"x","Text":"y"}}`, []string{"text"}},
		{"a list for one value", "palette", `{"inputs":{"image":["http://127.0.0.1/x"]}}`, []string{"image"}},
		{"numbers in a list", "slideshow", `{"inputs":{"images":[1,2]}}`, []string{"images"}},
		{"an empty list", "slideshow", `{"inputs":{"images":[]}}`, []string{"images"}},
		{"no URL", "palette", `{"inputs":{"image":"photo.png"}}`, []string{"image"}},
		{"a file URL", "palette", `{"inputs":{"image":"file:///etc/passwd"}}`, []string{"image"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := rg.Call("POST", "/v1/apps/"+tt.app+"/runs", tt.body)
			res.T = t
			e := res.WantError(400, "VALIDATION_ERROR")
			var fields []string
			for _, p := range decode[[]wire.Problem](t, e.Details) {
				fields = append(fields, p.Field)
			}
			if e.Error != "Invalid inputs" || !slices.Equal(fields, tt.fields) {
				t.Errorf("got %q for the fields %q, want Invalid inputs for %q", e.Error, fields, tt.fields)
			}
		})
	}
	if runs := wiretest.Data[[]api.RunSummary](rg.Call("GET", "/v1/runs", nil)); len(runs) != 0 {
		t.Errorf("got %d runs, want none from refused requests", len(runs))
	}
}

func TestInputsGoByKeyNameOrID(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, name := range []string{"seconds", "Seconds", "countdown.seconds"} {
		if r := rg.make("countdown", map[string]any{name: "0", "ending": nil}, "log"); value(t, r.Outputs[0]) != "0" {
			t.Errorf("input %s: got %s, want 0", name, r.Outputs[0].Value)
		}
	}
}

func TestWebhookURLs(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, bad := range []string{"", "none", "ftp://example.com/", "http://", "https:///path", "//example.com", "javascript:alert(1)", "http://[::1", ":"} {
		rg.Call("POST", "/v1/apps/countdown/runs?webhook="+url.QueryEscape(bad), `{}`).WantError(http.StatusBadRequest, "WEBHOOK_INVALID_URL")
	}
}
