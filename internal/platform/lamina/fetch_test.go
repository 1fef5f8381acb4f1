package lamina

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/api"
)

func TestFetch(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	var far *httptest.Server
	far = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/red.png":
			_, _ = w.Write([]byte(redPNG(t)))
		case "/away":
			http.Redirect(w, r, far.URL+"/red.png", http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, maxFetch+1))
		default:
			http.NotFound(w, r)
		}
	}))
	defer far.Close()
	tests := []struct {
		name, address, want string // want: in the error; "" is success
	}{
		{"loopback", far.URL + "/red.png", ""},
		{"localhost", strings.Replace(far.URL, "127.0.0.1", "localhost", 1) + "/red.png", ""},
		{"data URL", "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(redPNG(t))), ""},
		{"data URL with bad base64", "data:image/png;base64,####", "base64"},
		{"data URL without a comma", "data:nocomma", "no comma"},
		{"data URL with text", "data:,text", "not a picture"},
		{"missing", far.URL + "/missing", "answered 404"},
		{"redirect", far.URL + "/away", "redirect"},
		{"too large", far.URL + "/large", "larger than the 32 MiB"},
		{"closed port", "http://127.0.0.1:1/x", "could not be fetched"},
		{"another machine", "https://example.com/x.png", "does not fetch from example.com"},
		{"link-local address", "http://169.254.169.254/latest", "does not fetch from 169.254.169.254"},
		{"name that begins like loopback", "http://127.0.0.1.example.com/x", "does not fetch from"},
		{"unspecified address", "http://0.0.0.0/x", "does not fetch from"},
		{"private address with a user", "http://user@10.0.0.1/x", "does not fetch from 10.0.0.1"},
		{"missing file of the platform", rg.URL + "/media/none.png", "no uploaded file"},
		{"path out of the files", rg.URL + "/media/../v1/account", "no uploaded file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := rg.finish(rg.start("palette", map[string]any{"image": tt.address}, "Colors"))
			if tt.want == "" && r.Status != api.Completed || tt.want != "" && !strings.Contains(text(r.ErrorMessage), tt.want) {
				t.Errorf("%.60s: got %s %q, want the error %q", tt.address, r.Status, text(r.ErrorMessage), tt.want)
			}
		})
	}
}

func TestLoopbackClientCannotLeave(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://192.0.2.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newLoopbackClient().Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, errNotLoopback) {
		t.Errorf("got %v, want %v", err, errNotLoopback)
	}
}

func FuzzDecodeDataURL(f *testing.F) {
	f.Add("data:,x")
	f.Add("data:;base64,eA==")
	f.Add("data:text/plain;base64,%zz")
	f.Fuzz(func(t *testing.T, address string) {
		if raw, err := decodeDataURL(address); err == nil && len(raw) > len(address) {
			t.Errorf("decodeDataURL: got %d bytes, want at most %d", len(raw), len(address))
		}
	})
}
