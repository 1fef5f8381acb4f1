package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The tests of this file's name sign in at authorization servers that other projects wrote, so that the local platform is
// not the only server that the client agrees with.

// requireThirdParty skips a test unless the servers are installed.
func requireThirdParty(t *testing.T) {
	t.Helper()
	if os.Getenv("LAMINA_TEST_THIRD_PARTY") == "" {
		t.Skip("needs node, npm and glewlwyd (a Debian package): LAMINA_TEST_THIRD_PARTY=1 go test ./cmd/lamina -run TestThirdParty")
	}
}

// A thirdParty is an authorization server of another project.
type thirdParty struct {
	issuer   string
	clientID string // registered by hand, "" for none
	key      string // the private key of the client with-a-key, if there is one
	// approve opens an address as a browser does, signs in and consents. It returns the last page.
	approve func(t *testing.T, address string) string
	// consent records the user's consent to a client, where approve does not ask for it; may be nil.
	consent func(t *testing.T, clientID string)
	// accepts reports whether a protected resource accepts a token.
	accepts func(t *testing.T, token string) bool
}

// startServer runs a server that prints one line once it listens and ends when its stdin is closed. It returns the line.
func startServer(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var messages transcript
	cmd.Stderr = &messages
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd.WaitDelay = time.Second
	t.Cleanup(func() {
		_ = in.Close()
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("messages of %v:\n%s", cmd.Args, messages.String())
		}
	})
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%v did not start: %v\n%s", cmd.Args, err, messages.String())
	}
	go func() { _, _ = io.Copy(&messages, lines) }()
	return line
}

// acceptsToken reports whether a resource accepts a bearer token.
func acceptsToken(t *testing.T, address, token string) bool {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// freePort returns a port of this machine that is not in use.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// awaitServer waits until a server responds.
func awaitServer(t *testing.T, address string) {
	t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(20 * time.Millisecond) {
		if resp, err := (&http.Client{Timeout: patience}).Get(address); err == nil {
			_ = resp.Body.Close()
			return
		}
	}
	t.Fatalf("got no response from %s", address)
}

// signIn runs a login with the loopback redirect.
func (server *thirdParty) signIn(t *testing.T, u user, args ...string) {
	t.Helper()
	run := u.start(t, append([]string{"login", "--no-browser", "-o", "text"}, args...)...)
	page := server.approve(t, run.stderr.expect(t, `\n  (http://\S+)`)[1])
	run.exits(t, 0)
	mustContain(t, page, "Signed in to "+server.issuer)
	mustContain(t, run.stdout.String(), "Signed in as", server.issuer)
	mustContain(t, u.output(t, "whoami", "-o", "text"), "user id", server.issuer) // from the userinfo endpoint
}

// checkUnknownClient checks that a client or a redirect URI that the server does not know is noticed before anything waits.
func (server *thirdParty) checkUnknownClient(t *testing.T, clientID string) {
	t.Helper()
	said := newUser(t, "").fails(t, 4, "login", "--no-browser", "--issuer", server.issuer, "--client-id", clientID, "-o", "text")
	mustContain(t, said, "does not accept the client ID "+clientID, "--client-id")
}

// signInTwoSteps signs in with the device flow in two commands.
func signInTwoSteps(t *testing.T, server *thirdParty, u user, args ...string) {
	t.Helper()
	var first struct{ VerificationURIComplete, Next string }
	if err := json.Unmarshal([]byte(u.output(t, append([]string{"login", "--device", "--json", "--issuer", server.issuer}, args...)...)), &first); err != nil {
		t.Fatal(err)
	}
	server.approve(t, first.VerificationURIComplete)
	u.output(t, strings.Fields(first.Next)[1:]...)
}

// waitForRefresh waits until the access token has expired and returns the new one.
func (server *thirdParty) waitForRefresh(t *testing.T, u user, old string) string {
	t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(100 * time.Millisecond) {
		if token := strings.TrimSpace(u.output(t, "auth", "token")); token != old {
			return token
		}
	}
	t.Fatalf("got the same access token for %s, want a refresh", patience)
	return ""
}

// checkSession uses a session through two refreshes and signs out. It returns what the sign-out prints and the
// configuration after the sign-in and before the sign-out.
func (server *thirdParty) checkSession(t *testing.T, u user) (farewell string, first, last []byte) {
	t.Helper()
	first = u.readConfig(t)
	token := server.waitForRefresh(t, u, strings.TrimSpace(u.output(t, "auth", "token")))
	if !server.accepts(t, token) {
		t.Error("the server does not accept the refreshed token")
	}
	server.waitForRefresh(t, u, token)
	mustContain(t, u.output(t, "auth", "status", "--jq", ".credential.issuer"), server.issuer)
	last = u.readConfig(t)
	return u.output(t, "logout", "-o", "text"), first, last
}

// checkRevokedSession is checkSession at a server that revokes: the sign-out leaves nothing behind, and neither the last
// refresh token nor the first one works any more.
func (server *thirdParty) checkRevokedSession(t *testing.T, u user) {
	t.Helper()
	farewell, first, last := server.checkSession(t, u)
	if strings.Contains(farewell, "note:") {
		t.Errorf("got a note in %q, want none", farewell)
	}
	mustContain(t, u.failsWithConfig(t, last, 4), "session expired", "lamina login")
	mustContain(t, u.failsWithConfig(t, first, 4), "session expired", "lamina login")
}

// readConfig returns the user's configuration.
func (u user) readConfig(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(u.home, ".lamina", "profiles.json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// failsWithConfig restores a configuration, waits until it no longer gives a token, and returns the error.
func (u user) failsWithConfig(t *testing.T, config []byte, status int) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(u.home, ".lamina", "profiles.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(100 * time.Millisecond) {
		if run := u.start(t, "auth", "token", "-o", "text"); run.wait() == status {
			return run.stderr.String()
		}
	}
	t.Fatalf("got a token for %s, want exit status %d", patience, status)
	return ""
}
