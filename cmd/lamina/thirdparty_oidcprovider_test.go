package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// installTime limits one attempt to install packages: a registry may not answer.
const installTime = 2 * time.Minute

// oidcProviderFolder installs oidc-provider with the versions of its lock file and returns the folder.
func oidcProviderFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/thirdparty/oidc-provider")); err != nil {
		t.Fatal(err)
	}
	for attempt := 1; ; attempt++ {
		out, err := npmInstall(t, folder)
		if err == nil {
			return folder
		}
		t.Logf("npm ci, attempt %d: %v\n%s", attempt, err, out)
		if attempt == 3 {
			t.Fatal("oidc-provider could not be installed")
		}
	}
}

func npmInstall(t *testing.T, folder string) (out []byte, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), installTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--fetch-timeout=30000")
	cmd.Dir = folder
	cmd.WaitDelay = time.Second // a process that npm started may hold its output
	return cmd.CombinedOutput()
}

// newOIDCProvider starts oidc-provider.
func newOIDCProvider(t *testing.T, folder string, args ...string) *thirdParty {
	t.Helper()
	cmd := exec.Command("node", append([]string{"server.mjs"}, args...)...)
	cmd.Dir = folder
	server := &thirdParty{clientID: "registered-by-hand", approve: fillForms}
	if err := json.Unmarshal([]byte(startServer(t, cmd)), &struct {
		Issuer *string `json:"issuer"`
		Key    *string `json:"key"`
	}{&server.issuer, &server.key}); err != nil {
		t.Fatal(err)
	}
	server.accepts = func(t *testing.T, token string) bool { return acceptsToken(t, server.issuer+"/me", token) }
	return server
}

// signInConfidential signs in twice with a client that has a secret. The secret is given once.
func (server *thirdParty) signInConfidential(t *testing.T, u user, client string) {
	t.Helper()
	const secret = "a+secret/with:characters\n"
	status, out, said := u.runWithInput(t, secret, "login", "--device", "--json", "--issuer", server.issuer, "--client-id", client, "--with-client-secret")
	if status != 0 {
		t.Fatalf("got exit status %d, want 0\n%s", status, said)
	}
	var first struct{ VerificationURIComplete, Next string }
	if err := json.Unmarshal([]byte(out), &first); err != nil {
		t.Fatal(err)
	}
	server.approve(t, first.VerificationURIComplete)
	if status, _, said := u.runWithInput(t, secret, strings.Fields(first.Next)[1:]...); status != 0 {
		t.Fatalf("got exit status %d, want 0\n%s", status, said)
	}
	server.signIn(t, u, "--redirect-uri", "http://localhost/signed-in")
}

// TestThirdPartyOIDCProvider signs in with each method at oidc-provider, which implements registration, the device flow and
// revocation.
func TestThirdPartyOIDCProvider(t *testing.T) {
	t.Parallel()
	requireThirdParty(t)
	folder := oidcProviderFolder(t)
	open, closed, hurried := newOIDCProvider(t, folder, "--registration"), newOIDCProvider(t, folder), newOIDCProvider(t, folder, "--registration", "--hurried")
	posting := newOIDCProvider(t, folder, "--post")

	t.Run("loopback", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "")
		open.signIn(t, u, "--issuer", open.issuer)
		open.checkRevokedSession(t, u)
	})
	t.Run("loopback again", func(t *testing.T) { // the profile stores the issuer
		t.Parallel()
		u := newUser(t, "")
		open.signIn(t, u, "--issuer", open.issuer)
		open.signIn(t, u)
	})
	t.Run("client registered by hand", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "")
		mustContain(t, u.fails(t, 4, "login", "--no-browser", "--issuer", closed.issuer, "-o", "text"), "does not offer client registration", "--client-id")
		closed.signIn(t, u, "--issuer", closed.issuer, "--client-id", closed.clientID)
		closed.signIn(t, u)
		closed.checkRevokedSession(t, u)
	})
	t.Run("client with a secret", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "")
		closed.signInConfidential(t, u, "with-a-secret")
		closed.checkRevokedSession(t, u)
	})
	t.Run("client with a posted secret", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "")
		posting.signInConfidential(t, u, "with-a-posted-secret")
		posting.checkRevokedSession(t, u)
	})
	t.Run("client with a key", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "")
		file := filepath.Join(u.home, "client.pem")
		if err := os.WriteFile(file, []byte(closed.key), 0o600); err != nil {
			t.Fatal(err)
		}
		closed.signIn(t, u, "--issuer", closed.issuer, "--client-id", "with-a-key", "--client-key", file, "--redirect-uri", "http://localhost/signed-in")
		closed.signIn(t, u)
		closed.checkRevokedSession(t, u)
	})
	t.Run("unknown client", func(t *testing.T) {
		t.Parallel()
		closed.checkUnknownClient(t, "unknown")
	})
	t.Run("device", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "")
		run := u.start(t, "login", "--device", "--issuer", open.issuer, "-o", "text")
		mustContain(t, open.approve(t, run.stderr.expect(t, `\n  (http://\S+user_code=\S+)`)[1]), "Sign-in Success")
		run.exits(t, 0)
		open.checkRevokedSession(t, u)
	})
	t.Run("device in two steps", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "")
		signInTwoSteps(t, open, u)
		open.checkRevokedSession(t, u)
	})
	t.Run("device denied", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, "")
		run := u.start(t, "login", "--device", "--issuer", open.issuer, "-o", "text")
		browseForms(t, run.stderr.expect(t, `\n  (http://\S+user_code=\S+)`)[1], "abort")
		run.exits(t, 4)
		mustContain(t, run.stderr.String(), "declined")
	})
	t.Run("device expired", func(t *testing.T) {
		t.Parallel()
		mustContain(t, newUser(t, "").fails(t, 4, "login", "--device", "--issuer", hurried.issuer, "-o", "text"), "the code expired")
	})
}
