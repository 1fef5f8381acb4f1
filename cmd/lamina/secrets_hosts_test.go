//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// An otherHost is a server that must receive no secret. It responds to every request with a picture.
type otherHost struct {
	URL string

	mu   sync.Mutex
	seen []string
}

// newOtherHost starts the server.
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

// checkRequests returns the number of requests, and checks that none contained a secret.
func (s *otherHost) checkRequests(t *testing.T) int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, request := range s.seen {
		if strings.Contains(request, canary) {
			t.Errorf("got a secret at another host:\n%s", request)
		}
	}
	return len(s.seen)
}

// TestCredentialStaysWithItsHost sets LAMINA_BASE_URL to another host, with valid and with expired sessions.
func TestCredentialStaysWithItsHost(t *testing.T) {
	t.Parallel()
	home, other := newCanaryService(t, good), newOtherHost(t)
	for _, args := range []string{"whoami", "apps list", "run poster -i text=x", "runs list", "auth token", "auth status"} {
		t.Run(args, func(t *testing.T) {
			for _, isExpired := range []bool{false, true} {
				u := newUser(t, other.URL).withSession(t, home.URL, isExpired)
				mustContain(t, u.fails(t, 4, strings.Fields(args)...), "auth_wrong_host")
			}
		})
	}
	if got := other.checkRequests(t); got != 0 {
		t.Errorf("got %d requests at another host, want 0", got)
	}
	newUser(t, other.URL).withSession(t, home.URL, false).start(t, "doctor").wait() // sends requests without a credential
	if other.checkRequests(t) == 0 {
		t.Error("got no request from doctor, want some: does this test still see requests?")
	}
}

// TestRedirectsGetNoSecret lets the API and the token endpoint redirect to another host, with each status.
func TestRedirectsGetNoSecret(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			other := newOtherHost(t)
			var sent sync.Map
			home := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
				sent.Store(r.URL.Path, r.Header.Get("X-Api-Key"))
				http.Redirect(w, r, other.URL+r.URL.Path, status)
			})
			newUser(t, home).withSession(t, home, false).start(t, "whoami").exits(t, 8)
			newUser(t, home).withSession(t, home, true).start(t, "whoami").exits(t, 4) // the refresh is redirected, which is a refusal
			newUser(t, home, "LAMINA_API_KEY="+canaryKey).start(t, "run", "poster", "-i", "text=x").exits(t, 8)
			newUser(t, home).start(t, "login", "--api-key", canaryKey).exits(t, 8)
			newUser(t, home).withSession(t, home, false).start(t, "logout").wait()
			for _, want := range []struct{ path, key string }{{"/v1/account", canaryKey}, {"/v1/apps/poster", canaryKey}, {"/cli/oauth/token", ""}} {
				if got, _ := sent.Load(want.path); got != want.key {
					t.Errorf("got the key %q at %s, want %q: does this test still send requests?", got, want.path, want.key)
				}
			}
			if got := other.checkRequests(t); got != 0 {
				t.Errorf("got %d redirects followed, want 0", got)
			}
		})
	}
}

// TestDownloadsGetNoSecret saves outputs from the host of the service and from another, directly and by a redirect.
func TestDownloadsGetNoSecret(t *testing.T) {
	t.Parallel()
	other := newOtherHost(t)
	var home string
	home = newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away.png" {
			if key := r.Header.Get("X-Api-Key"); key != "" {
				t.Errorf("got the key %q in a download, want none", key)
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
		t.Errorf("got the signature of a signed address, or no address:\n%s", text)
	}
	if got := other.checkRequests(t); got != 4 {
		t.Errorf("got %d downloads at another host, want 4", got)
	}
}

// TestPlainHTTPIsRefused uses an http address of another machine. A proxy counts the requests, of which there must be none.
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
		t.Errorf("got %d unencrypted requests, want 0", got)
	}
}

// TestTokenEndpointStaysWithItsHost sends the refresh token neither to a stored endpoint of another host nor to one of the
// server's metadata.
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
	u.start(t, "whoami").exits(t, 0) // with the token endpoint of its own host
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
		t.Errorf("got %d requests at another host, want 0", got)
	}
}
