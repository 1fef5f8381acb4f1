package lamina

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestAppsAreListedAndSearched(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for query, want := range map[string][]string{
		"":                        {"Poster", "Product Shots", "Palette", "Slideshow", "Countdown"},
		"?search=GIF":             {"Slideshow"},
		"?search=nothing+at+all":  {},
		"?limit=2":                {"Poster", "Product Shots"},
		"?search=colour&limit=10": {"Palette"},
	} {
		var got []string
		for _, a := range wiretest.Data[[]api.AppSummary](rg.Call("GET", "/v1/apps"+query, nil).Want(200)) {
			got = append(got, a.Name)
		}
		if len(got) != len(want) {
			t.Errorf("%q: %q, want %q", query, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%q: %q, want %q", query, got, want)
			}
		}
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
				t.Errorf("%s%s: %+v", id, path, got)
			}
		}
	}
	for _, path := range []string{"/v1/apps/nothing", "/v1/apps/nothing/workflow", "/v1/apps/..%2f..%2fetc"} {
		if e := rg.Call("GET", path, nil).WantError(404, "NOT_FOUND"); e.Error != "App not found" {
			t.Errorf("%s: %q", path, e.Error)
		}
	}
	rg.Call("POST", "/v1/apps/nothing/estimate", nil).WantError(404, "NOT_FOUND")
	rg.Call("POST", "/v1/apps/nothing/runs", `{}`).WantError(404, "NOT_FOUND")
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	e := wiretest.Data[api.CostEstimate](rg.Call("POST", "/v1/apps/product-shots/estimate", nil).Want(200))
	if e.EstimatedCredits != (api.CreditRange{Expected: 8, Min: 2, Max: 8}) || !e.Affordable || e.CurrentBalance != 1000 {
		t.Errorf("%+v", e)
	}
	rg.Update(func(tx *wire.Tx) { wire.Put(tx, bucketLedgers, "wsp_atelier", ledger{Earned: 10, Spent: 3}) })
	e = wiretest.Data[api.CostEstimate](rg.Call("POST", "/v1/apps/product-shots/estimate", nil).Want(200))
	if e.Affordable || e.CurrentBalance != 7 {
		t.Errorf("%+v", e)
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
		t.Errorf("%+v", found)
	}
	for i := 1; i < len(found.Matches); i++ {
		if found.Matches[i].RelevanceScore > found.Matches[i-1].RelevanceScore {
			t.Error("the best match is not first")
		}
	}
	if found = ask(api.DiscoverRequest{Intent: "xyzzy"}); len(found.Matches) != 0 {
		t.Errorf("%+v", found)
	}
	if found = ask(api.DiscoverRequest{Intent: "picture", Limit: 1}); len(found.Matches) != 1 {
		t.Errorf("limit 1: %d matches", len(found.Matches))
	}
	found = ask(api.DiscoverRequest{Intent: "picture", Limit: 20, Constraints: &api.DiscoverConstraints{OutputFormat: "gif"}})
	if len(found.Matches) != 1 || found.Matches[0].Name != "Slideshow" {
		t.Errorf("gif: %+v", found)
	}
	for _, m := range ask(api.DiscoverRequest{Intent: "picture", Constraints: &api.DiscoverConstraints{MaxCredits: 3}}).Matches {
		if *m.EstimatedCredits > 3 {
			t.Errorf("%s costs %v", m.Name, *m.EstimatedCredits)
		}
	}
	rg.Call("POST", "/v1/apps/discover", `{"intent":"  "}`).WantError(400, "VALIDATION_ERROR")
	rg.Call("POST", "/v1/apps/discover", nil).WantError(400, "VALIDATION_ERROR")
}

func TestBadInputsAreAllReportedAtOnce(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	tests := []struct {
		name, app, body string
		fields          []string
	}{
		{"nothing", "poster", `{}`, []string{"text"}},
		{"no body", "poster", ``, []string{"text"}},
		{"null inputs", "poster", `{"inputs":null}`, []string{"text"}},
		{"null for a needed one", "poster", `{"inputs":{"text":null}}`, []string{"text"}},
		{"blank", "poster", `{"inputs":{"text":" "}}`, []string{"text"}},
		{"everything", "poster", `{"inputs":{"style":"Loud","aspect_ratio":7,"txt":"x"},"outputs":["Nope"]}`,
			[]string{"aspect_ratio", "style", "txt", "text", "outputs"}},
		{"option in another case", "poster", `{"inputs":{"text":"x","style":"bold"}}`, []string{"style"}},
		{"two names of one", "poster", `{"inputs":{"text":"x","Text":"y"}}`, []string{"text"}},
		{"a list for one value", "palette", `{"inputs":{"image":["http://127.0.0.1/x"]}}`, []string{"image"}},
		{"numbers in a list", "slideshow", `{"inputs":{"images":[1,2]}}`, []string{"images"}},
		{"an empty list", "slideshow", `{"inputs":{"images":[]}}`, []string{"images"}},
		{"no URL", "palette", `{"inputs":{"image":"photo.png"}}`, []string{"image"}},
		{"a file URL", "palette", `{"inputs":{"image":"file:///etc/passwd"}}`, []string{"image"}},
	}
	for _, tt := range tests {
		e := rg.Call("POST", "/v1/apps/"+tt.app+"/runs", tt.body).WantError(400, "VALIDATION_ERROR")
		problems := decode[[]wire.Problem](t, e.Details)
		var fields []string
		for _, p := range problems {
			fields = append(fields, p.Field)
		}
		if e.Error != "Invalid inputs" || len(fields) != len(tt.fields) {
			t.Errorf("%s: %q %q, want %q", tt.name, e.Error, fields, tt.fields)
			continue
		}
		for i := range fields {
			if fields[i] != tt.fields[i] {
				t.Errorf("%s: %q, want %q", tt.name, fields, tt.fields)
			}
		}
	}
	if runs := wiretest.Data[[]api.RunSummary](rg.Call("GET", "/v1/runs", nil)); len(runs) != 0 {
		t.Errorf("%d runs were started by refused requests", len(runs))
	}
}

func TestInputsGoByKeyNameOrID(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, name := range []string{"seconds", "Seconds", "countdown.seconds"} {
		if r := rg.make("countdown", map[string]any{name: "0", "ending": nil}, "log"); value(t, r.Outputs[0]) != "0" {
			t.Errorf("%s: %s", name, r.Outputs[0].Value)
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
