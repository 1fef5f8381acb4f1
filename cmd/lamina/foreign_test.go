package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// foreignTests skips a test that needs servers which others wrote.
func foreignTests(t *testing.T) {
	t.Helper()
	if os.Getenv("LAMINA_TEST_FOREIGN") == "" {
		t.Skip("needs node, npm and glewlwyd (a Debian package): LAMINA_TEST_FOREIGN=1 go test ./cmd/lamina -run TestForeign")
	}
}

// A foreign is an authorization server that others wrote, and how a person uses it.
type foreign struct {
	issuer   string
	clientID string // registered by hand, "" where nobody did
	// approve opens an address as a browser would, signs in and consents; it returns what the last page says.
	approve func(t *testing.T, address string) string
	// accepts reports whether a protected resource accepts a token.
	accepts func(t *testing.T, token string) bool
}

// startServer runs a foreign server, which prints one line once it listens and ends with its stdin.
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
	var talk transcript
	cmd.Stderr = &talk
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%v said:\n%s", cmd.Args, talk.String())
		}
	})
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%v did not start: %v\n%s", cmd.Args, err, talk.String())
	}
	go func() { _, _ = io.Copy(&talk, lines) }()
	return line
}

// oidcProviderFolder installs oidc-provider from the versions that its lock file names.
func oidcProviderFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/foreign/oidc-provider")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return folder
}

// newOIDCProvider starts oidc-provider.
func newOIDCProvider(t *testing.T, folder string, args ...string) *foreign {
	t.Helper()
	cmd := exec.Command("node", append([]string{"server.mjs"}, args...)...)
	cmd.Dir = folder
	f := &foreign{clientID: "registered-by-hand", approve: fillForms}
	if err := json.Unmarshal([]byte(startServer(t, cmd)), &struct {
		Issuer *string `json:"issuer"`
	}{&f.issuer}); err != nil {
		t.Fatal(err)
	}
	f.accepts = func(t *testing.T, token string) bool { return bearer(t, f.issuer+"/me", token) }
	return f
}

// bearer reports whether a resource answers a request with a token.
func bearer(t *testing.T, address, token string) bool {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

var (
	formTag   = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`(?s)<input[^>]*>`)
	nameAttr  = regexp.MustCompile(`name="([^"]*)"`)
	valueAttr = regexp.MustCompile(`value="([^"]*)"`)
)

// fillForms is a person at a browser: they open a page, and fill in and send whatever form it shows, until none comes.
func fillForms(t *testing.T, address string) string {
	t.Helper()
	return browseForms(t, address, "")
}

// browseForms is fillForms with a button that is pressed instead of the one that confirms, and then no more forms.
func browseForms(t *testing.T, address, button string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: patience}
	resp, err := browser.Get(address)
	pressed := false
	for range 8 {
		if err != nil {
			t.Fatal(err)
		}
		text, action, fields := readForm(t, resp)
		if action == "" || pressed {
			return text
		}
		if button != "" && fields.Has("confirm") {
			fields.Set(button, "yes")
			pressed = true
		}
		resp, err = browser.PostForm(action, fields)
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("%s shows one form after another", address)
	return ""
}

// readForm reads a page with its first form: where it is sent to, "" if there is none, and its fields, those without a value
// filled in.
func readForm(t *testing.T, resp *http.Response) (text, action string, fields url.Values) {
	t.Helper()
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	form := formTag.FindStringSubmatch(string(raw))
	if form == nil {
		return string(raw), "", nil
	}
	to, err := resp.Request.URL.Parse(html.UnescapeString(form[1]))
	if err != nil {
		t.Fatal(err)
	}
	fields = url.Values{}
	for _, input := range inputTag.FindAllString(form[2], -1) {
		name, value := nameAttr.FindStringSubmatch(input), valueAttr.FindStringSubmatch(input)
		switch {
		case name == nil || fields.Has(name[1]): // the first of several radio buttons
		case value != nil:
			fields.Set(name[1], html.UnescapeString(value[1]))
		default:
			fields.Set(name[1], "sam")
		}
	}
	return string(raw), to.String(), fields
}

// pemKey makes a key pair for a server's signatures.
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

// A session is somebody signed in to glewlwyd's own API.
type glewlwydSession struct {
	api  string
	http *http.Client
}

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
func newGlewlwyd(t *testing.T, callbackPort int) *foreign {
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
	raw, err := os.ReadFile("testdata/foreign/glewlwyd.conf")
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("FOLDER", folder, "ROOT", root).Replace(string(raw))
	if err := os.WriteFile(conf, []byte(filled), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command("glewlwyd", "--config-file", conf, "--port", strconv.Itoa(port))
	var talk transcript
	server.Stdout, server.Stderr = &talk, &talk
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("glewlwyd said:\n%s", talk.String())
		}
	})
	awaitServer(t, root)

	private, public := pemKey(t)
	var parameters map[string]any
	if raw, err = os.ReadFile("testdata/foreign/glewlwyd-oidc.json"); err == nil {
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
	sam.send(t, http.MethodPut, "/auth/grant/by-hand", map[string]any{"scope": "openid"})
	return &foreign{
		issuer: issuer, clientID: "by-hand",
		approve: func(t *testing.T, address string) string {
			t.Helper()
			resp, err := sam.http.Get(address + "&g_continue") // which its pages add once somebody is signed in
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
		accepts: func(t *testing.T, token string) bool { return bearer(t, issuer+"/userinfo", token) },
	}
}

// freePort returns a port of this machine that nobody uses.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// awaitServer waits until a server answers.
func awaitServer(t *testing.T, address string) {
	t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(20 * time.Millisecond) {
		if resp, err := http.Get(address); err == nil {
			_ = resp.Body.Close()
			return
		}
	}
	t.Fatalf("%s does not answer", address)
}

// signsIn runs a login over the loopback redirect to its end.
func (f *foreign) signsIn(t *testing.T, p person, args ...string) {
	t.Helper()
	run := p.start(t, append([]string{"login", "--no-browser", "-o", "text"}, args...)...)
	page := f.approve(t, run.stderr.expect(t, `\n  (http://\S+)`)[1])
	run.exits(t, 0)
	has(t, page, "Signed in to "+f.issuer)
	has(t, run.stdout.String(), "Signed in to", f.issuer)
	has(t, run.stderr.String(), "does not say who you are")
}

// fails runs a command that must end with a status, and returns what it says.
func (p person) fails(t *testing.T, status int, args ...string) string {
	t.Helper()
	run := p.start(t, args...)
	run.exits(t, status)
	return run.stderr.String()
}

// renewed waits until the access token has ended, and another one is there.
func (f *foreign) renewed(t *testing.T, p person, old string) string {
	t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(100 * time.Millisecond) {
		if token := strings.TrimSpace(p.output(t, "auth", "token")); token != old {
			return token
		}
	}
	t.Fatal("the access token is never renewed")
	return ""
}

// lives checks a session from its first token to its end: renewal, one time use of refresh tokens, and sign-out. It
// returns what the sign-out says, and the configuration as it was at the beginning and just before.
func (f *foreign) lives(t *testing.T, p person) (farewell string, first, last []byte) {
	t.Helper()
	config := filepath.Join(p.home, ".lamina", "config.json")
	read := func() []byte {
		raw, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	first = read()
	token := f.renewed(t, p, strings.TrimSpace(p.output(t, "auth", "token")))
	if !f.accepts(t, token) {
		t.Error("the server does not accept the renewed token")
	}
	f.renewed(t, p, token)
	has(t, p.output(t, "auth", "status", "--jq", ".credential.issuer"), f.issuer)
	last = read()
	return p.output(t, "logout", "-o", "text"), first, last
}

// revokes checks that the server took the sign-out seriously, and any use of an old refresh token.
func (f *foreign) revokes(t *testing.T, p person, first, last []byte) {
	t.Helper()
	for name, record := range map[string][]byte{"revoked": last, "used before": first} {
		has(t, name+": "+p.failsWith(t, record, 4), "session expired", "lamina login")
	}
}

// failsWith waits until a configuration no longer gives a token, and returns what is said then.
func (p person) failsWith(t *testing.T, config []byte, status int) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.home, ".lamina", "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(100 * time.Millisecond) {
		if run := p.start(t, "auth", "token", "-o", "text"); run.wait() == status {
			return run.stderr.String()
		}
	}
	t.Fatalf("auth token never ends with %d", status)
	return ""
}

// livesAndDies is what is true of a server that revokes.
func (f *foreign) livesAndDies(t *testing.T, p person) {
	t.Helper()
	farewell, first, last := f.lives(t, p)
	if strings.Contains(farewell, "note:") {
		t.Errorf("something remains: %s", farewell)
	}
	f.revokes(t, p, first, last)
}

func TestForeignOIDCProvider(t *testing.T) {
	t.Parallel()
	foreignTests(t)
	folder := oidcProviderFolder(t)
	open, closed, hurried := newOIDCProvider(t, folder, "--registration"), newOIDCProvider(t, folder), newOIDCProvider(t, folder, "--registration", "--hurried")

	t.Run("loopback", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, "")
		open.signsIn(t, p, "--issuer", open.issuer)
		open.livesAndDies(t, p)
	})
	t.Run("loopback again", func(t *testing.T) { // the issuer is remembered with the profile
		t.Parallel()
		p := newPerson(t, "")
		open.signsIn(t, p, "--issuer", open.issuer)
		open.signsIn(t, p)
	})
	t.Run("client of one's own", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, "")
		has(t, p.fails(t, 4, "login", "--no-browser", "--issuer", closed.issuer, "-o", "text"), "does not offer client registration", "--client-id")
		closed.signsIn(t, p, "--issuer", closed.issuer, "--client-id", closed.clientID)
		closed.signsIn(t, p)
		closed.livesAndDies(t, p)
	})
	t.Run("device", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, "")
		run := p.start(t, "login", "--device", "--issuer", open.issuer, "-o", "text")
		has(t, open.approve(t, run.stderr.expect(t, `\n  (http://\S+user_code=\S+)`)[1]), "Sign-in Success")
		run.exits(t, 0)
		open.livesAndDies(t, p)
	})
	t.Run("device in two steps", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, "")
		twoSteps(t, open, p)
		open.livesAndDies(t, p)
	})
	t.Run("device denied", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, "")
		run := p.start(t, "login", "--device", "--issuer", open.issuer, "-o", "text")
		browseForms(t, run.stderr.expect(t, `\n  (http://\S+user_code=\S+)`)[1], "abort")
		run.exits(t, 4)
		has(t, run.stderr.String(), "declined")
	})
	t.Run("device expired", func(t *testing.T) {
		t.Parallel()
		has(t, newPerson(t, "").fails(t, 4, "login", "--device", "--issuer", hurried.issuer, "-o", "text"), "the code expired")
	})
}

func TestForeignGlewlwyd(t *testing.T) {
	t.Parallel()
	foreignTests(t)
	port := freePort(t)
	f := newGlewlwyd(t, port)

	t.Run("registration", func(t *testing.T) { // it refuses redirects to 127.0.0.1, against RFC 8252
		t.Parallel()
		said := newPerson(t, "").fails(t, 4, "login", "--no-browser", "--issuer", f.issuer, "-o", "text")
		has(t, said, "cannot register this program", "--client-id")
	})
	t.Run("loopback", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, "")
		f.signsIn(t, p, "--issuer", f.issuer, "--client-id", f.clientID, "--callback-port", strconv.Itoa(port))
		f.signsIn(t, p) // the client and its port are remembered
		f.livesUnrevoked(t, p)
	})
	t.Run("device", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, "")
		run := p.start(t, "login", "--device", "--issuer", f.issuer, "--client-id", f.clientID, "-o", "text")
		f.approve(t, run.stderr.expect(t, `\n  (http://\S+code=\S+)`)[1])
		run.exits(t, 0)
		f.livesUnrevoked(t, p)
	})
	t.Run("device in two steps", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, "")
		twoSteps(t, f, p, "--client-id", f.clientID)
		f.livesUnrevoked(t, p)
	})
}

// livesUnrevoked is what is true of glewlwyd, which lets only clients with a secret revoke, and answers a refresh token
// that was used before with a bare 400 instead of invalid_grant: both are said as they are, and nothing is given up.
func (f *foreign) livesUnrevoked(t *testing.T, p person) {
	t.Helper()
	farewell, first, _ := f.lives(t, p)
	has(t, farewell, "could not be ended at the service")
	has(t, p.failsWith(t, first, 8), "answered 400 Bad Request; the session is kept", "lamina login")
}

// twoSteps signs in with two commands.
func twoSteps(t *testing.T, f *foreign, p person, args ...string) {
	t.Helper()
	var first struct{ VerificationURIComplete, Next string }
	if err := json.Unmarshal([]byte(p.output(t, append([]string{"login", "--device", "--json", "--issuer", f.issuer}, args...)...)), &first); err != nil {
		t.Fatal(err)
	}
	f.approve(t, first.VerificationURIComplete)
	p.output(t, strings.Fields(first.Next)[1:]...)
}
