package lamina

import (
	"net/http"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// TestPublishingShapes: the replies have the shapes of the specification.
func TestPublishingShapes(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	get := func(path string) wiretest.Reply { return rg.Call("GET", path, nil).Want(http.StatusOK) }
	get("/v1/brand-profiles").WantShape("brand_profiles")
	get("/v1/campaigns").WantShape("campaigns")
	get("/v1/publishing/channels").WantShape("channels")
	rg.publish(`{"accountIds":["chn_atelier_linkedin"],"imageUrl":"https://example.com/a.png","caption":"Hello"}`).WantShape("published")
	get("/v1/publishing/history").WantShape("history")
	up := rg.uploadURL("a.png", "image")
	rg.file("PUT", up.UploadURL, redPNG(t), "Content-Type", "image/png").Want(200)
	copied := rg.Call("POST", "/v1/publishing/transfer-asset", api.TransferAsset{SourceURL: up.AssetURL, MediaType: "image", Filename: "b.png"}).Want(200)
	copied.WantShape("transferred")
	got := wiretest.Data[struct{ CdnURL, AssetID, Filename string }](copied)
	if got.Filename != "b.png" || got.CdnURL == up.AssetURL || rg.file("GET", got.CdnURL, "").Want(200).Body != redPNG(t) {
		t.Errorf("copy: got %+v, want another URL with the same bytes", got)
	}
}

func (rg *rig) publish(body string) wiretest.Reply {
	rg.T.Helper()
	return rg.Call("POST", "/v1/publishing/publish", body).Want(http.StatusOK)
}

// TestChannelsKeepWhatTheyGet: each channel answers for itself, and the history has what it got, newest first.
func TestChannelsKeepWhatTheyGet(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	type result struct {
		Results []publishResult
		Summary publishSummary
	}
	got := wiretest.Data[result](rg.publish(`{"accountIds":["chn_atelier_linkedin","chn_atelier_instagram","chn_atelier_tiktok","nowhere"],"caption":"Words"}`))
	var states []string
	for _, r := range got.Results {
		states = append(states, r.Platform+" "+r.Status+" "+r.Error)
	}
	want := "linkedin success |instagram error Instagram takes no post without an image or a video|tiktok error TikTok takes only videos| error Channel not found"
	if strings.Join(states, "|") != want || got.Summary != (publishSummary{Total: 4, Success: 1, Failed: 3}) {
		t.Errorf("got %q, %+v, want %q", states, got.Summary, want)
	}
	rg.publish(`{"accountIds":["chn_atelier_tiktok"],"videoUrl":"https://example.com/a.mp4"}`)
	history := func(query string) []historyEntry {
		return wiretest.Data[[]historyEntry](rg.Call("GET", "/v1/publishing/history"+query, nil).Want(200))
	}
	if all := history(""); len(all) != 4 || all[0].ContentType != "video" || all[3].ContentType != "text" || text(all[3].Caption) != "Words" {
		t.Errorf("history: got %+v, want all four, the newest first", all)
	}
	if failed := history("?status=failed&platform=tiktok"); len(failed) != 1 || text(failed[0].Error) == "" || failed[0].PublishedAt != nil {
		t.Errorf("failed: got %+v, want the one of TikTok", failed)
	}
	if one := history("?limit=1"); len(one) != 1 {
		t.Errorf("limit: got %d, want 1", len(one))
	}
	if page := rg.file("GET", text(got.Results[0].PostURL), "").Want(200); !strings.Contains(page.Body, "Words") {
		t.Errorf("post: got %q, want the caption", page.Body)
	}
	rg.Call("GET", "/media/posts/none", nil).WantError(404, "NOT_FOUND")
	other := wiretest.Data[[]historyEntry](rg.Call("GET", "/v1/publishing/history", nil, "X-Api-Key", rg.NewKey(Service, "", "wsp_northwind")))
	if len(other) != 0 {
		t.Errorf("another workspace: got %+v, want nothing", other)
	}
}

func TestPublishingRefusals(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, tt := range []struct{ name, method, path, body string }{
		{"nothing", "POST", "publish", `{}`},
		{"no channel", "POST", "publish", `{"accountIds":[],"caption":"x"}`},
		{"no content", "POST", "publish", `{"accountIds":["a"]}`},
		{"a channel twice", "POST", "publish", `{"accountIds":["a","a"],"caption":"x"}`},
		{"no list", "POST", "publish", `{"accountIds":"a","caption":"x"}`},
		{"no URL", "POST", "publish", `{"accountIds":["a"],"imageUrl":"a.png"}`},
		{"long caption", "POST", "publish", `{"accountIds":["a"],"caption":"` + strings.Repeat("x", maxCaption+1) + `"}`},
		{"no media type", "POST", "transfer-asset", `{"sourceUrl":"https://example.com/a.png"}`},
		{"text", "POST", "transfer-asset", `{"sourceUrl":"https://example.com/a.png","mediaType":"text"}`},
		{"no source", "POST", "transfer-asset", `{"mediaType":"image"}`},
		{"a file", "POST", "transfer-asset", `{"sourceUrl":"file:///etc/passwd","mediaType":"image"}`},
		{"another network", "POST", "transfer-asset", `{"sourceUrl":"https://example.com/a.png","mediaType":"image"}`},
		{"unknown status", "GET", "history?status=done", ``},
		{"large limit", "GET", "history?limit=101", ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var body any
			if tt.body != "" {
				body = tt.body
			}
			res := rg.Call(tt.method, "/v1/publishing/"+tt.path, body)
			res.T = t
			res.WantError(400, "VALIDATION_ERROR")
		})
	}
	rg.Call("GET", "/v1/publishing/publish", nil).WantError(405, "METHOD_NOT_ALLOWED")
	reader := []string{"X-Api-Key", rg.tokenFor(wire.ScopeRead)}
	rg.Call("POST", "/v1/publishing/publish", `{"accountIds":["a"],"caption":"x"}`, reader...).WantError(403, "FORBIDDEN")
	rg.Call("GET", "/v1/publishing/channels", nil, reader...).Want(200)
}
