//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The torture tests run real processes against a real local platform and judge them by the platform's request log and the
// stored configuration. docs/sessions.md states the promises, docs/testing.md explains the tests and their failures.

// tortureRounds returns how often each torture test repeats its rounds: LAMINA_TEST_TORTURE, by default once.
func tortureRounds() int {
	n, _ := strconv.Atoi(os.Getenv("LAMINA_TEST_TORTURE"))
	return max(1, n)
}

// lostAnswer is the part of an error that says that the response with the new tokens was lost.
const lostAnswer = "but its response was lost before it was stored"

// A signedInUser has a session at a local platform that serves no other user.
type signedInUser struct {
	t    testing.TB
	home string
	url  string // of the platform
}

// newSignedInUser starts a platform with some flags and signs in.
func newSignedInUser(t testing.TB, devFlags ...string) *signedInUser {
	t.Helper()
	u := &signedInUser{t: t, home: t.TempDir()}
	dev, err := startDev(u.home, u.home, nil, append([]string{"--auto-approve", "--rate-limit", "0"}, devFlags...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.stop() })
	u.url = dev.BaseURL
	u.login()
	return u
}

// with returns the same user for a subtest.
func (u *signedInUser) with(t *testing.T) *signedInUser {
	return &signedInUser{t: t, home: u.home, url: u.url}
}

// login signs in and adds two fields that only a later version would know. No command may lose them.
func (u *signedInUser) login() {
	u.t.Helper()
	cmd := u.command("login", "--no-browser", "-o", "text")
	cmd.Env = append(cmd.Env, "LAMINA_BASE_URL="+u.url)
	screen, err := cmd.StderrPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		u.t.Fatal(err)
	}
	var seen []string
	for lines := bufio.NewScanner(screen); lines.Scan(); {
		seen = append(seen, lines.Text())
		if page := regexp.MustCompile(`http://\S+/cli/oauth/authorize\?\S+`).FindString(lines.Text()); page != "" {
			if resp, err := http.Get(page); err == nil { // the platform approves and redirects to the program
				resp.Body.Close()
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		u.t.Fatalf("login: %v\n%s", err, strings.Join(seen, "\n"))
	}
	u.edit(func(doc, credentials, _ map[string]any) {
		doc["future"], credentials["device"] = map[string]any{"deep": []any{1.0}}, "laptop"
	})
}

// command returns a command of this user, not yet started.
func (u *signedInUser) command(args ...string) *exec.Cmd {
	cmd := exec.Command("lamina", args...)
	cmd.Env = append(os.Environ(), "HOME="+u.home, "NO_COLOR=1", "LAMINA_OUTPUT=json", "LAMINA_CONFIG_DIR=", "LAMINA_API_KEY=", "CI=")
	return cmd
}

// An exit is the result of a process.
type exit struct {
	status int
	stderr string
}

// run runs a command to its end.
func (u *signedInUser) run(cmd *exec.Cmd) exit {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		u.t.Error(err)
	}
	return exit{cmd.ProcessState.ExitCode(), stderr.String()}
}

// runParallel runs n processes of the same command at once.
func (u *signedInUser) runParallel(n int, args ...string) []exit {
	return u.runAll(n, func() *exec.Cmd { return u.command(args...) })
}

// runAll runs n commands at once.
func (u *signedInUser) runAll(n int, command func() *exec.Cmd) []exit {
	exits := make([]exit, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { exits[i] = u.run(command()) })
	}
	all.Wait()
	return exits
}

// wantSuccess checks that all processes succeeded.
func (u *signedInUser) wantSuccess(exits []exit) {
	u.t.Helper()
	for i, e := range exits {
		if e.status != 0 {
			u.t.Errorf("process %d of %d: got exit status %d, want 0: %s", i, len(exits), e.status, e.stderr)
		}
	}
}

// configPath returns the path of the file that is shared with the Node client.
func (u *signedInUser) configPath() string { return filepath.Join(u.home, ".lamina", "config.json") }

// profilesPath returns the path of the file with everything else.
func (u *signedInUser) profilesPath() string {
	return filepath.Join(u.home, ".lamina", "profiles.json")
}

// edit changes the configuration while no command runs.
func (u *signedInUser) edit(change func(doc, credentials, session map[string]any)) {
	u.t.Helper()
	doc, own := u.document(), u.read(u.profilesPath())
	credentials, _ := doc["credentials"].(map[string]any)
	session := own
	for _, name := range []string{"profiles", "default", "credentials", "session"} {
		session, _ = session[name].(map[string]any)
	}
	change(doc, credentials, session)
	for path, fields := range map[string]map[string]any{u.configPath(): doc, u.profilesPath(): own} {
		raw, err := json.Marshal(fields)
		if err := errors.Join(err, os.WriteFile(path, raw, 0o600)); err != nil {
			u.t.Fatal(err)
		}
	}
}

// document returns the shared file, which must be complete JSON at any time.
func (u *signedInUser) document() map[string]any {
	u.t.Helper()
	return u.read(u.configPath())
}

func (u *signedInUser) read(path string) map[string]any {
	u.t.Helper()
	raw, err := os.ReadFile(path)
	var doc map[string]any
	if err := errors.Join(err, json.Unmarshal(raw, &doc)); err != nil {
		u.t.Fatalf("the configuration is torn: %v: %q", err, raw)
	}
	return doc
}

// refreshToken returns the stored refresh token and checks that the fields of a later version are still there.
func (u *signedInUser) refreshToken() string {
	u.t.Helper()
	doc := u.document()
	credentials, _ := doc["credentials"].(map[string]any)
	if doc["future"] == nil || credentials["device"] != "laptop" {
		u.t.Errorf("got the fields %v and device %v, want \"future\" and \"laptop\" kept", slices.Collect(maps.Keys(doc)), credentials["device"])
	}
	token, _ := credentials["refreshToken"].(string)
	return token
}

// shiftToken moves the stored times of the token: by -2h it looks as it would in two hours.
func (u *signedInUser) shiftToken(by time.Duration) {
	u.t.Helper()
	u.edit(func(_, credentials, session map[string]any) {
		for _, in := range []struct {
			fields map[string]any
			name   string
		}{{credentials, "expiresAt"}, {session, "obtainedAt"}, {session, "issuedAt"}} {
			text, _ := in.fields[in.name].(string)
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				u.t.Fatalf("%s: %v", in.name, err)
			}
			in.fields[in.name] = at.Add(by).UTC().Format("2006-01-02T15:04:05.000Z")
		}
	})
}

// setAddress replaces the platform's address in the stored session.
func (u *signedInUser) setAddress(address string) {
	u.t.Helper()
	for _, path := range []string{u.configPath(), u.profilesPath()} {
		raw, err := os.ReadFile(path)
		if err != nil {
			u.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(raw), u.url, address)), 0o600); err != nil {
			u.t.Fatal(err)
		}
	}
}

// control sends a request to a control endpoint of the platform and returns the response body.
func (u *signedInUser) control(method, path, body string) []byte {
	u.t.Helper()
	req, err := http.NewRequest(method, u.url+path, strings.NewReader(body))
	if err != nil {
		u.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		u.t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, raw, err)
	}
	return raw
}

// advanceClock moves the platform's clock forward by two hours, which is longer than an access token lives.
func (u *signedInUser) advanceClock() { u.control(http.MethodPost, "/dev/clock", `{"advance": "2h"}`) }

// expireToken lets the access token expire, both for the service and in the configuration.
func (u *signedInUser) expireToken() {
	u.t.Helper()
	u.advanceClock()
	u.shiftToken(-2 * time.Hour)
	u.clearPlatform()
}

// clearPlatform clears the platform's request log and its planned faults.
func (u *signedInUser) clearPlatform() {
	u.control(http.MethodDelete, "/dev/requests", "")
	u.control(http.MethodDelete, "/dev/faults", "")
}

// planFault lets later requests fail, as docs/dev.md describes.
func (u *signedInUser) planFault(plan string) { u.control(http.MethodPost, "/dev/faults", plan) }

// A loggedRequest is an entry of the platform's request log.
type loggedRequest struct {
	Path, GrantType string
	Status          int
	Time            time.Time
}

// requests returns the platform's request log since it was last cleared.
func (u *signedInUser) requests() []loggedRequest {
	u.t.Helper()
	var reply struct{ Data []loggedRequest }
	if err := json.Unmarshal(u.control(http.MethodGet, "/dev/requests", ""), &reply); err != nil {
		u.t.Fatal(err)
	}
	return reply.Data
}

// countRefreshes returns how many refreshes the platform received, and how many of them it granted.
func (u *signedInUser) countRefreshes() (received, granted int) {
	for _, r := range u.requests() {
		if r.GrantType == "refresh_token" {
			received++
			if r.Status == http.StatusOK {
				granted++
			}
		}
	}
	return received, granted
}

// wantRefreshes checks the number of refreshes, all of them granted.
func (u *signedInUser) wantRefreshes(want int) {
	u.t.Helper()
	if received, granted := u.countRefreshes(); received != want || granted != want {
		u.t.Errorf("got %d refreshes of which %d were granted, want %d", received, granted, want)
	}
}
