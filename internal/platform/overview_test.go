package platform

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// newOverview returns a platform with a key that every request sends.
func newOverview(t *testing.T, opts Options) *rig {
	t.Helper()
	f := newRig(t, opts)
	key, _, err := f.s.NewAPIKey("test")
	if err != nil {
		t.Fatal(err)
	}
	f.Header.Set("X-Api-Key", key)
	return f
}

// run starts a run and waits for its end.
func (f *rig) run(app, query string, inputs map[string]any) api.Run {
	f.T.Helper()
	started := wiretest.Data[api.RunStarted](f.Call("POST", "/v1/apps/"+app+"/runs"+query, api.StartRun{Inputs: inputs}).Want(http.StatusAccepted))
	return wiretest.Data[api.Run](f.Get("/v1/runs/" + started.RunID + "/wait?timeout=120").Want(http.StatusOK))
}

// TestOverviewEscapesWhatClientsSent: names, inputs, addresses and paths of clients are text on every page.
func TestOverviewEscapesWhatClientsSent(t *testing.T) {
	t.Parallel()
	f := newOverview(t, Options{})
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	webhook := "?webhook=" + url.QueryEscape("http://127.0.0.1:9/<script>alert(1)</script>?token=of-the-receiver")
	run := f.run("countdown", webhook, map[string]any{"seconds": "0", "ending": "Fail"})
	poster := f.run("poster", "", map[string]any{"text": hostile})
	f.Call("GET", "/v1/"+url.PathEscape(hostile), nil, "User-Agent", hostile)
	f.Call("POST", "/dev/faults", map[string]any{"path": "/" + hostile, "status": 503, "method": "GET"}).Want(http.StatusCreated)
	for _, path := range []string{"/", "/runs/" + run.RunID, "/runs/" + poster.RunID, "/apps/poster", "/apps/countdown", "/settings"} {
		page := f.Get(path).Want(http.StatusOK)
		page.WantLivePage()
		for _, forbidden := range []string{"<script>", "onerror=alert(1)>", "<img src=x", "of-the-receiver", f.Header.Get("X-Api-Key")} {
			if strings.Contains(page.Body, forbidden) {
				t.Errorf("%s has %q: %s", path, forbidden, page.Body)
			}
		}
		for _, escaped := range map[string][]string{
			"/":                       {html.EscapeString("GET /v1/" + hostile), html.EscapeString("GET /" + hostile), "status 503", "1 of 1", "http://127.0.0.1:9/%3Cscript%3E"},
			"/runs/" + poster.RunID:   {html.EscapeString(hostile)},
			"/runs/" + run.RunID:      {"failed", "http://127.0.0.1:9/%3Cscript%3E"},
			"/apps/" + run.WorkflowID: nil,
		}[path] {
			if !strings.Contains(page.Body, escaped) {
				t.Errorf("%s: got %s, want %q", path, page.Body, escaped)
			}
		}
	}
}

// TestOverviewShowsHiddenCharacters: characters that would change the direction of writing or that control a terminal are shown by their numbers.
func TestOverviewShowsHiddenCharacters(t *testing.T) {
	t.Parallel()
	f := newOverview(t, Options{})
	const hostile, shown = "a\u202eb\u2066c\u001bd", `a\u202eb\u2066c\u001bd`
	run := f.run("poster", "", map[string]any{"text": hostile})
	f.Call("GET", "/v1/"+url.PathEscape(hostile), nil, "User-Agent", "client \u202e")
	f.Call("POST", "/dev/faults", map[string]any{"path": "/" + hostile, "delay": "3s", "cut": "body"}).Want(http.StatusCreated)
	f.Call("POST", "/dev/keys", map[string]any{"service": "lamina", "name": "key \u202e"})
	for path, wanted := range map[string][]string{
		"/":                  {"GET /v1/" + shown, ">/" + shown, "delay 3s, cut body"},
		"/runs/" + run.RunID: {shown},
		"/dev/keys":          nil,
	} {
		page := f.Call("GET", path, nil, "Accept", "text/html").Want(http.StatusOK)
		if strings.ContainsAny(page.Body, "\u202e\u2066\u001b") {
			t.Errorf("%s has a hidden character: %q", path, page.Body)
		}
		for _, want := range wanted {
			if !strings.Contains(page.Body, want) {
				t.Errorf("%s: got %s, want %q", path, page.Body, want)
			}
		}
	}
}

// TestOverviewLinksLead: each link of a page leads to a page or a file, also those of a generation, which has no app.
func TestOverviewLinksLead(t *testing.T) {
	t.Parallel()
	f := newOverview(t, Options{})
	f.run("poster", "", map[string]any{"text": "Hello"})
	made := wiretest.Data[api.Generation](f.Call("POST", "/v1/generate/image", `{"model":"mosaic-1","prompt":"the sea"}`).Want(http.StatusAccepted))
	f.Call("POST", "/v1/content/run", `{"mode":"freestyle","freestyleRecipe":{"modality":"image","variants":[{"prompt":"the sea"}]}}`).Want(http.StatusOK)
	if page := f.Get("/runs/" + made.RunID); !strings.Contains(page.Body, "the sea") {
		t.Errorf("the page of a generation: got %s, want its prompt", page.Body)
	}
	links := regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	seen := map[string]bool{}
	for todo := []string{"/", "/runs/" + made.RunID}; len(todo) > 0; todo = todo[1:] {
		if seen[todo[0]] {
			continue
		}
		seen[todo[0]] = true
		page := f.Call("GET", todo[0], nil, "Accept", "text/html")
		if page.Status != http.StatusOK {
			t.Errorf("a link leads to %s: got status %d", todo[0], page.Status)
		}
		if !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, link := range links.FindAllStringSubmatch(page.Body, -1) {
			todo = append(todo, link[1])
		}
	}
}

// TestOverview: the pages show pictures and states, and a browser that has the page already gets it only once.
func TestOverview(t *testing.T) {
	t.Parallel()
	f := newOverview(t, Options{})
	run := f.run("poster", "", map[string]any{"text": "Hello"})
	picture := strings.TrimPrefix(strings.Trim(string(run.Outputs[0].Value), `"`), f.URL)
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"/", 200, `<img src="` + picture + `"`},
		{"/runs/" + run.RunID, 200, `<img src="` + picture + `"`},
		{"/runs/none", 404, "There is no such run"},
		{"/apps/" + run.WorkflowID, 200, `<img src="` + picture + `"`},
		{"/apps/poster", 200, "aspect_ratio"},
		{"/apps/none", 404, "There is no such app"},
		{"/settings", 200, "995"},
		{"/settings?tab=api", 303, "/dev/keys"},
	} {
		if page := f.Get(tt.path); page.Status != tt.status || !strings.Contains(page.Body, tt.want) {
			t.Errorf("%s: got %d %s, want %d and %q", tt.path, page.Status, page.Body, tt.status, tt.want)
		}
	}
	tag := f.Get("/runs/" + run.RunID).Header.Get("ETag")
	if again := f.Call("GET", "/runs/"+run.RunID, nil, "If-None-Match", tag); again.Status != http.StatusNotModified || again.Body != "" {
		t.Errorf("the same page: got %d %s, want 304", again.Status, again.Body)
	}
	if log := f.Get("/dev/requests"); strings.Contains(log.Body, `"/"`) || strings.Contains(log.Body, `"/runs/`) {
		t.Errorf("the request log has the pages: %s", log.Body)
	}
}

// TestOverviewIsProtected: with a token for the controls, the pages need it, too. Sign-ins and the API do not.
func TestOverviewIsProtected(t *testing.T) {
	t.Parallel()
	f := newOverview(t, Options{DevToken: "secret"})
	for path, want := range map[string]int{"/": 401, "/runs/none": 401, "/apps/poster": 401, "/settings": 401, "/device": 200, "/pages/live.js": 200, "/v1/apps": 200} {
		if got := f.Get(path).Status; got != want {
			t.Errorf("%s: got status %d, want %d", path, got, want)
		}
		if got := f.Call("GET", path, nil, "Authorization", "Bearer secret").Status; got == http.StatusUnauthorized {
			t.Errorf("%s with the token: got status 401", path)
		}
	}
}
