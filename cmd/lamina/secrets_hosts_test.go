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

// A otherHost is a server that must not be told any secret. It answers everything with a file.
type otherHost struct {
	URL string

	mu   sync.Mutex
	seen []string
}

func newOtherHost(t *testing.T) *otherHost {
	t.Helper()
	s := &otherHost{}
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

// checkRequests returns how many requests came, and fails the test if there was a secret in one.
func (s *otherHost) checkRequests(t *testing.T) int {
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

// TestCredentialStaysWithItsHost points LAMINA_BASE_URL elsewhere, with good and with expired sessions.
func TestCredentialStaysWithItsHost(t *testing.T) {
	t.Parallel()
	home, other := newCanaryService(t, good), newOtherHost(t)
	for _, args := range []string{"whoami", "apps list", "run poster -i text=x", "runs list", "auth token", "auth status"} {
		for _, expired := range []bool{false, true} {
			u := newUser(t, other.URL).withSession(t, home.URL, expired)
			run := u.start(t, strings.Fields(args)...)
			run.exits(t, 4)
			if !strings.Contains(run.stderr.String(), "auth_wrong_host") {
				t.Errorf("%s: %s", args, run.stderr.String())
			}
		}
	}
	if got := other.checkRequests(t); got != 0 {
		t.Errorf("another host got %d requests", got)
	}
	newUser(t, other.URL).withSession(t, home.URL, false).start(t, "doctor").wait() // looks at it without a credential
	if other.checkRequests(t) == 0 {
		t.Error("doctor asked nobody: does this test still see what is sent?")
	}
}

// TestRedirectsGetNoSecret lets the API and the token endpoint lead elsewhere, in every way there is.
func TestRedirectsGetNoSecret(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		other := newOtherHost(t)
		var sent sync.Map
		home := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
			sent.Store(r.URL.Path, r.Header.Get("X-Api-Key"))
			http.Redirect(w, r, other.URL+r.URL.Path, status)
		})
		newUser(t, home).withSession(t, home, false).start(t, "whoami").exits(t, 8)
		newUser(t, home).withSession(t, home, true).start(t, "whoami").exits(t, 8) // its refresh is led away
		newUser(t, home, "LAMINA_API_KEY="+canaryKey).start(t, "run", "poster", "-i", "text=x").exits(t, 8)
		newUser(t, home).start(t, "login", "--api-key", canaryKey).exits(t, 8)
		newUser(t, home).withSession(t, home, false).start(t, "logout").wait()
		for path, key := range map[string]string{"/v1/account": canaryKey, "/v1/apps/poster": canaryKey, "/cli/oauth/token": ""} {
			if got, _ := sent.Load(path); got != key {
				t.Errorf("%d: %s was sent %q, not %q: does this test still ask?", status, path, got, key)
			}
		}
		if got := other.checkRequests(t); got != 0 { // a redirect of the API or of the token endpoint is somebody else's
			t.Errorf("%d: %d redirects were followed", status, got)
		}
	}
}

// TestDownloadsGetNoSecret saves outputs that are at the service's own host and at others, directly and by a
// redirect.
func TestDownloadsGetNoSecret(t *testing.T) {
	t.Parallel()
	other := newOtherHost(t)
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
	newUser(t, home).withSession(t, home, false).start(t, "runs", "download", "r", "./out/").exits(t, 0)
	shown := newUser(t, home, "LAMINA_API_KEY="+canaryKey).start(t, "runs", "download", "r", "./out/", "--debug")
	shown.exits(t, 0)
	if text := shown.stderr.String(); strings.Contains(text, "of-the-address") || !strings.Contains(text, "/direct.png?signature=…") {
		t.Errorf("an address that is a secret is shown, or nothing is:\n%s", text)
	}
	if got := other.checkRequests(t); got != 4 {
		t.Errorf("%d downloads, not 4", got)
	}
}

// TestPlainHTTPIsRefused watches, as a proxy, what would go to another machine without encryption.
func TestPlainHTTPIsRefused(t *testing.T) {
	t.Parallel()
	proxy := newOtherHost(t)
	const plain = "http://lamina.example"
	through := []string{"HTTP_PROXY=" + proxy.URL, "http_proxy=" + proxy.URL}
	for _, expired := range []bool{false, true} {
		u := newUser(t, "", through...).withSession(t, plain, expired)
		for _, args := range []string{"whoami", "runs list", "run poster -i text=x", "logout"} {
			u.start(t, strings.Fields(args)...).wait()
		}
		newUser(t, plain, through...).withSession(t, plain, expired).start(t, "whoami").wait()
	}
	newUser(t, plain, append(through, "LAMINA_API_KEY="+canaryKey)...).start(t, "whoami").exits(t, 2)
	newUser(t, plain, through...).start(t, "login", "--api-key", canaryKey).exits(t, 2)
	newUser(t, plain, through...).start(t, "login", "--device").exits(t, 2)
	if got := proxy.checkRequests(t); got != 0 {
		t.Errorf("%d requests went out in the clear", got)
	}
}

// TestTokenEndpointStaysWithItsHost: neither a stored endpoint nor a description elsewhere gets the refresh token.
func TestTokenEndpointStaysWithItsHost(t *testing.T) {
	t.Parallel()
	other, home := newOtherHost(t), newCanaryService(t, good)
	u := newUser(t, home.URL).withSession(t, home.URL, true)
	file := filepath.Join(u.home, ".lamina", "config.json")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.Replace(string(raw), `"clientId"`, fmt.Sprintf(`"tokenEndpoint": %q, "revocationEndpoint": %q, "clientId"`,
		other.URL+"/token", other.URL+"/revoke"), 1)
	if err := os.WriteFile(file, []byte(moved), 0o600); err != nil {
		t.Fatal(err)
	}
	u.start(t, "whoami").exits(t, 0) // by the endpoint of its own host
	u.start(t, "logout").exits(t, 0)
	lying := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		base := "http://" + r.Host + "/cli/oauth"
		answer(w, http.StatusOK, object{
			"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": other.URL + "/token",
			"registration_endpoint": other.URL + "/register", "device_authorization_endpoint": other.URL + "/device",
		})
	})
	newUser(t, lying).start(t, "login", "--device").exits(t, 4)
	if got := other.checkRequests(t); got != 0 {
		t.Errorf("another host got %d requests", got)
	}
}
