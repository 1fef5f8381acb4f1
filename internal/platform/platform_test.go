package platform

import (
	"net/http"
	"strings"
	"testing"
)

func TestHomePage(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	home := f.Get("/").Want(http.StatusOK)
	home.WantLivePage()
	if !strings.Contains(home.Body, "export LAMINA_BASE_URL="+f.URL) {
		t.Errorf("the page does not have the address %s: %s", f.URL, home.Body)
	}
	for _, tt := range []struct {
		path, contentType string
		status            int
	}{
		{"/pages/style.css", "text/css; charset=utf-8", 200},
		{"/pages/icon.svg", "image/svg+xml", 200},
		{"/pages/live.js", "text/javascript; charset=utf-8", 200},
		{"/pages/consent.html", "text/plain; charset=utf-8", 404},
		{"/pages/", "text/plain; charset=utf-8", 404},
		{"/templates/layout.html", "text/plain; charset=utf-8", 404},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			res := f.Get(tt.path)
			if got := res.Header.Get("Content-Type"); res.Status != tt.status || got != tt.contentType || res.Body == "" {
				t.Errorf("got %d %q %q, want %d %q and a body", res.Status, got, res.Body, tt.status, tt.contentType)
			}
		})
	}
}

func TestHostIsChecked(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	for _, tt := range []struct {
		host string
		want int
	}{
		{"localhost", 200},
		{"localhost:1", 200},
		{"LocalHost:80", 200},
		{"app.localhost:8080", 200},
		{"127.0.0.1", 200},
		{"127.9.9.9:1", 200},
		{"[::1]:8080", 200},
		{"[::1]", 200},
		{"evil.example", 421},
		{"evil.example:80", 421},
		{"localhost.evil.example", 421},
		{"127.0.0.1.evil.example", 421},
		{"192.168.1.5", 421},
		{"0.0.0.0", 421},
		{"notlocalhost", 421},
		{"[::2]", 421},
	} {
		t.Run(tt.host, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/", "/dev/requests"} {
				req := f.Request("GET", path, "", "")
				req.Host = tt.host
				if got := f.Do(req).Status; got != tt.want {
					t.Errorf("%s: got %d, want %d", path, got, tt.want)
				}
			}
		})
	}
}

// Workflows of Lamatic fetch files of Lamina: the platform connects the two.
func TestWorkflowFetchesAFile(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	services, err := f.s.NewServiceKeys("test")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, address, want string }{
		{"data", `data:text/html,<a href='https://example.com/a'>`, "https://example.com/a"},
		{"missing file", f.URL + "/media/none.png", "There is no uploaded file at /media/none.png"},
		{"other machine", "https://example.com/", "does not fetch from example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := f.Call("POST", "/lamatic/graphql", map[string]any{
				"query":     `query($u: String) { executeWorkflow(workflowId: "extract-links", payload: {url: $u}) { result } }`,
				"variables": map[string]string{"u": tt.address},
			}, "Authorization", "Bearer "+services["lamatic"].APIKey, "X-Project-Id", "prj_sample").Want(http.StatusOK)
			if !strings.Contains(got.Body, tt.want) {
				t.Errorf("got %s, want %q", got.Body, tt.want)
			}
		})
	}
}
