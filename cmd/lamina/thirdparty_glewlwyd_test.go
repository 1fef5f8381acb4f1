package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pemKey returns a new key pair for the signatures of a server.
func pemKey(t *testing.T) (private, public string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public8, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	private = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	return private, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public8}))
}

// A glewlwydSession is a signed-in session of glewlwyd's own API.
type glewlwydSession struct {
	api  string
	http *http.Client
}

// glewlwydLogin signs a user in.
func glewlwydLogin(t *testing.T, api, user string) glewlwydSession {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := glewlwydSession{api: api, http: &http.Client{Jar: jar, Timeout: patience}}
	s.send(t, http.MethodPost, "/auth/", map[string]any{"username": user, "password": "password"})
	return s
}

// send sends a request that must succeed.
func (s glewlwydSession) send(t *testing.T, method, path string, body map[string]any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(method, s.api+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(resp.Body)
		t.Fatalf("glewlwyd: %s %s: %s\n%s", method, path, resp.Status, said)
	}
}

// newGlewlwyd starts Debian's glewlwyd with an OpenID plugin, a user and a client that is bound to one callback port.
func newGlewlwyd(t *testing.T, callbackPort int) *thirdParty {
	t.Helper()
	folder, port := t.TempDir(), freePort(t)
	schema, err := os.Open("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
	if err != nil {
		t.Fatal(err)
	}
	defer schema.Close()
	create := exec.Command("sqlite3", filepath.Join(folder, "db"))
	create.Stdin = schema
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	root := fmt.Sprintf("http://localhost:%d", port)
	api, conf := root+"/api", filepath.Join(folder, "glewlwyd.conf")
	raw, err := os.ReadFile("testdata/thirdparty/glewlwyd.conf")
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("FOLDER", folder, "ROOT", root).Replace(string(raw))
	if err := os.WriteFile(conf, []byte(filled), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command("glewlwyd", "--config-file", conf, "--port", strconv.Itoa(port))
	var messages transcript
	server.Stdout, server.Stderr = &messages, &messages
	server.WaitDelay = time.Second
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("messages of glewlwyd:\n%s", messages.String())
		}
	})
	awaitServer(t, root)

	private, public := pemKey(t)
	var parameters map[string]any
	if raw, err = os.ReadFile("testdata/thirdparty/glewlwyd-oidc.json"); err == nil {
		err = json.Unmarshal(raw, &parameters)
	}
	if err != nil {
		t.Fatal(err)
	}
	issuer := api + "/oidc"
	parameters["iss"], parameters["key"], parameters["cert"] = issuer, private, public
	admin := glewlwydLogin(t, api, "admin")
	admin.send(t, http.MethodPost, "/mod/plugin/", map[string]any{
		"module": "oidc", "name": "oidc", "display_name": "oidc", "enabled": true, "parameters": parameters,
	})
	admin.send(t, http.MethodPost, "/user/", map[string]any{
		"username": "sam", "password": "password", "name": "Sam", "scope": []string{"openid", "g_profile"}, "enabled": true,
	})
	admin.send(t, http.MethodPost, "/client/", map[string]any{
		"client_id": "by-hand", "name": "Lamina", "confidential": false, "enabled": true,
		"redirect_uri":       []string{fmt.Sprintf("http://127.0.0.1:%d/callback", callbackPort)},
		"authorization_type": []string{"code", "refresh_token", "device_authorization"},
	})
	sam := glewlwydLogin(t, api, "sam")
	consent := func(t *testing.T, clientID string) {
		t.Helper()
		sam.send(t, http.MethodPut, "/auth/grant/"+clientID, map[string]any{"scope": "openid"})
	}
	consent(t, "by-hand")
	return &thirdParty{
		issuer: issuer, clientID: "by-hand", consent: consent,
		approve: func(t *testing.T, address string) string {
			t.Helper()
			resp, err := sam.http.Get(address + "&g_continue") // which its pages add after the sign-in
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			page, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(page)
		},
		accepts: func(t *testing.T, token string) bool { return acceptsToken(t, issuer+"/userinfo", token) },
	}
}

// TestThirdPartyGlewlwyd signs in at glewlwyd, which deviates from the specifications in two places. One sign-in follows the other:
// glewlwyd fails where concurrent requests write to its database.
func TestThirdPartyGlewlwyd(t *testing.T) {
	t.Parallel()
	requireThirdParty(t)
	port := freePort(t)
	server := newGlewlwyd(t, port)

	t.Run("registration", func(t *testing.T) { // it refuses the grant of device codes, and is asked again without
		u := newUser(t, "")
		run := u.start(t, "login", "--no-browser", "--issuer", server.issuer, "--scope", "openid", "-o", "text")
		address := run.stderr.expect(t, `\n  (http://\S+)`)[1]
		page, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		server.consent(t, page.Query().Get("client_id"))
		server.approve(t, address) // it does not let a client that registered itself sign users in, and says so in its response
		run.exits(t, 4)
		mustContain(t, run.stderr.String(), "does not accept the client ID", "unauthorized_client", "--client-id")
	})
	t.Run("unknown client", func(t *testing.T) {
		server.checkUnknownClient(t, "unknown")
		server.checkUnknownClient(t, server.clientID) // with another port than the registered one
	})
	t.Run("loopback", func(t *testing.T) {
		u := newUser(t, "")
		server.signIn(t, u, "--issuer", server.issuer, "--client-id", server.clientID, "--callback-port", strconv.Itoa(port))
		server.signIn(t, u) // the client and its port are remembered
		server.checkUnrevokedSession(t, u)
	})
	t.Run("device", func(t *testing.T) {
		u := newUser(t, "")
		run := u.start(t, "login", "--device", "--issuer", server.issuer, "--client-id", server.clientID, "-o", "text")
		server.approve(t, run.stderr.expect(t, `\n  (http://\S+code=\S+)`)[1])
		run.exits(t, 0)
		server.checkUnrevokedSession(t, u)
	})
	t.Run("device in two steps", func(t *testing.T) {
		u := newUser(t, "")
		signInTwoSteps(t, server, u, "--client-id", server.clientID)
		server.checkUnrevokedSession(t, u)
	})
}

// checkUnrevokedSession is checkSession at glewlwyd, which lets only confidential clients revoke, and answers a refresh
// token that was used before with a bare 400 instead of invalid_grant. The errors say so, and the session ends.
func (server *thirdParty) checkUnrevokedSession(t *testing.T, u user) {
	t.Helper()
	farewell, first, _ := server.checkSession(t, u)
	mustContain(t, farewell, "the session could not be revoked")
	mustContain(t, u.failsWithConfig(t, first, 4), "session expired: the service refuses to refresh it (status 400 Bad Request)", "lamina login")
}
