//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A stranger is a server that must not be told any secret. It answers everything with a file.
type stranger struct {
	URL string

	mu   sync.Mutex
	seen []string
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	s := &stranger{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := httputil.DumpRequest(r, true)
		s.mu.Lock()
		s.seen = append(s.seen, string(raw))
		s.mu.Unlock()
		_, _ = w.Write([]byte("\x89PNG\r\n\x1a\n"))
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// learned returns how many requests came, and fails the test if there was a secret in one.
func (s *stranger) learned(t *testing.T) int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, request := range s.seen {
		if strings.Contains(request, canary) {
			t.Errorf("another host was told a secret:\n%s", request)
		}
	}
	return len(s.seen)
}

// TestLoginStaysWithItsHost points LAMINA_BASE_URL elsewhere, with good and with expired sessions.
func TestLoginStaysWithItsHost(t *testing.T) {
	t.Parallel()
	home, other := newCanaryService(t, good), newStranger(t)
	for _, args := range []string{"whoami", "apps list", "run poster -i text=x", "runs list", "auth token", "auth status"} {
		for _, expired := range []bool{false, true} {
			p := newPerson(t, other.URL).withSession(t, home.URL, expired)
			run := p.start(t, strings.Fields(args)...)
			run.exits(t, 4)
			if !strings.Contains(run.stderr.String(), "auth_wrong_host") {
				t.Errorf("%s: %s", args, run.stderr.String())
			}
		}
	}
	if got := other.learned(t); got != 0 {
		t.Errorf("another host got %d requests", got)
	}
	newPerson(t, other.URL).withSession(t, home.URL, false).start(t, "doctor").wait() // looks at it without a credential
	if other.learned(t) == 0 {
		t.Error("doctor asked nobody: does this test still see what is sent?")
	}
}

// TestRedirectsTakeNothingAlong lets the API and the token endpoint lead elsewhere, in every way there is.
func TestRedirectsTakeNothingAlong(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		other := newStranger(t)
		var sent sync.Map
		home := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
			sent.Store(r.URL.Path, r.Header.Get("X-Api-Key"))
			http.Redirect(w, r, other.URL+r.URL.Path, status)
		})
		newPerson(t, home).withSession(t, home, false).start(t, "whoami").exits(t, 8)
		newPerson(t, home).withSession(t, home, true).start(t, "whoami").exits(t, 8) // its refresh is led away
		newPerson(t, home, "LAMINA_API_KEY="+canaryKey).start(t, "run", "poster", "-i", "text=x").exits(t, 8)
		newPerson(t, home).start(t, "login", "--api-key", canaryKey).exits(t, 8)
		newPerson(t, home).withSession(t, home, false).start(t, "logout").wait()
		for path, key := range map[string]string{"/v1/account": canaryKey, "/v1/apps/poster": canaryKey, "/cli/oauth/token": ""} {
			if got, _ := sent.Load(path); got != key {
				t.Errorf("%d: %s was sent %q, not %q: does this test still ask?", status, path, got, key)
			}
		}
		if got := other.learned(t); got != 0 { // a redirect of the API or of the token endpoint is somebody else's
			t.Errorf("%d: %d redirects were followed", status, got)
		}
	}
}

// TestDownloadsTakeNothingAlong saves outputs that are at the service's own host and at others, directly and by a
// redirect.
func TestDownloadsTakeNothingAlong(t *testing.T) {
	t.Parallel()
	other := newStranger(t)
	var home string
	home = newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away.png" {
			if key := r.Header.Get("X-Api-Key"); key != "" {
				t.Errorf("a download carried %q", key)
			}
			http.Redirect(w, r, other.URL+"/redirected.png", http.StatusFound)
			return
		}
		var outputs []object
		for i, address := range []string{other.URL + "/direct.png?signature=of-the-address", home + "/away.png"} {
			outputs = append(outputs, object{
				"id": fmt.Sprint(i), "label": fmt.Sprint("picture", i), "type": "image", "status": "completed", "value": address,
			})
		}
		answer(w, http.StatusOK, object{"data": object{"runId": "r", "status": "completed", "outputs": outputs}})
	})
	newPerson(t, home).withSession(t, home, false).start(t, "runs", "download", "r", "./out/").exits(t, 0)
	shown := newPerson(t, home, "LAMINA_API_KEY="+canaryKey).start(t, "runs", "download", "r", "./out/", "--debug")
	shown.exits(t, 0)
	if text := shown.stderr.String(); strings.Contains(text, "of-the-address") || !strings.Contains(text, "/direct.png?signature=…") {
		t.Errorf("an address that is a secret is shown, or nothing is:\n%s", text)
	}
	if got := other.learned(t); got != 4 {
		t.Errorf("%d downloads, not 4", got)
	}
}

// TestPlainHTTPIsRefused watches, as a proxy, what would go to another machine without encryption.
func TestPlainHTTPIsRefused(t *testing.T) {
	t.Parallel()
	proxy := newStranger(t)
	const plain = "http://lamina.example"
	through := []string{"HTTP_PROXY=" + proxy.URL, "http_proxy=" + proxy.URL}
	for _, expired := range []bool{false, true} {
		p := newPerson(t, "", through...).withSession(t, plain, expired)
		for _, args := range []string{"whoami", "runs list", "run poster -i text=x", "logout"} {
			p.start(t, strings.Fields(args)...).wait()
		}
		newPerson(t, plain, through...).withSession(t, plain, expired).start(t, "whoami").wait()
	}
	newPerson(t, plain, append(through, "LAMINA_API_KEY="+canaryKey)...).start(t, "whoami").exits(t, 2)
	newPerson(t, plain, through...).start(t, "login", "--api-key", canaryKey).exits(t, 2)
	newPerson(t, plain, through...).start(t, "login", "--device").exits(t, 2)
	if got := proxy.learned(t); got != 0 {
		t.Errorf("%d requests went out in the clear", got)
	}
}

// TestServerCannotMoveTheTokenEndpoint: neither a stored endpoint nor a description elsewhere gets the refresh token.
func TestServerCannotMoveTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	other, home := newStranger(t), newCanaryService(t, good)
	p := newPerson(t, home.URL).withSession(t, home.URL, true)
	file := filepath.Join(p.home, ".lamina", "config.json")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.Replace(string(raw), `"clientId"`, fmt.Sprintf(`"tokenEndpoint": %q, "revocationEndpoint": %q, "clientId"`,
		other.URL+"/token", other.URL+"/revoke"), 1)
	if err := os.WriteFile(file, []byte(moved), 0o600); err != nil {
		t.Fatal(err)
	}
	p.start(t, "whoami").exits(t, 0) // by the endpoint of its own host
	p.start(t, "logout").exits(t, 0)
	lying := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		base := "http://" + r.Host + "/cli/oauth"
		answer(w, http.StatusOK, object{
			"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": other.URL + "/token",
			"registration_endpoint": other.URL + "/register", "device_authorization_endpoint": other.URL + "/device",
		})
	})
	newPerson(t, lying).start(t, "login", "--device").exits(t, 4)
	if got := other.learned(t); got != 0 {
		t.Errorf("another host got %d requests", got)
	}
}
