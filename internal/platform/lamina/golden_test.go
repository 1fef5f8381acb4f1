package lamina

import (
	"net/http"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestRepliesHaveTheGoldenShapes(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	get := func(path string) wiretest.Reply { return rg.Call("GET", path, nil).Want(http.StatusOK) }
	get("/v1/account").WantShape("account")
	get("/v1/account/usage").WantShape("usage")
	get("/v1/apps?search=slide").WantShape("apps")
	get("/v1/apps/poster").WantShape("app_poster")
	get("/v1/apps/slideshow").WantShape("app_slideshow")
	get("/v1/apps/poster/workflow").WantShape("workflow")
	get("/v1/webhooks/signing-key").WantShape("signing_key")
	rg.Call("POST", "/v1/apps/poster/estimate", nil).Want(200).WantShape("estimate")
	rg.Call("POST", "/v1/apps/discover", api.DiscoverRequest{Intent: "a poster"}).Want(200).WantShape("discover")

	started := rg.Call("POST", "/v1/apps/poster/runs", `{"inputs":{"text":"Hello"}}`).Want(202)
	started.WantShape("run_started")
	poster := wiretest.Data[api.RunStarted](started).RunID
	get("/v1/runs/" + poster + "/wait?timeout=120").WantShape("run_waited")
	get("/v1/runs/" + poster).WantShape("run_completed")
	get("/v1/runs").WantShape("runs")
	get("/v1/assets").WantShape("assets")

	counting := rg.Call("POST", "/v1/apps/countdown/runs?webhook=http%3A%2F%2F127.0.0.1%3A9%2Fhook",
		`{"inputs":{"seconds":"2","ending":"Fail"}}`).Want(202)
	counting.WantShape("run_started_webhook")
	failing := wiretest.Data[api.RunStarted](counting).RunID
	rg.Fire(time.Second)
	rg.Fire(time.Second)
	rg.finish(failing)
	get("/v1/runs/" + failing).WantShape("run_failed")

	long := rg.start("countdown", map[string]any{"seconds": "9"}, "Log")
	rg.running(long)
	get("/v1/runs/" + long).WantShape("run_running")
	rg.Call("POST", "/v1/runs/"+long+"/cancel", nil).Want(200).WantShape("cancelled")

	rg.Call("POST", "/v1/assets/upload-urls", `{"files":[{"filename":"a.png","mediaType":"image"}]}`).Want(200).WantShape("uploads")
	rg.Call("GET", "/v1/apps/nothing", nil).Want(404).WantShape("error")
	rg.Call("POST", "/v1/apps/poster/runs", `{}`).Want(400).WantShape("error_validation")
}
