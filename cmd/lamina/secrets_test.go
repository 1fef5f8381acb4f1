//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli"
)

// withSession stores a session in the user's configuration. Its access token may be expired.
func (u user) withSession(t *testing.T, baseURL string, expired bool) user {
	t.Helper()
	end := time.Now().Add(time.Hour)
	if expired {
		end = end.Add(-2 * time.Hour)
	}
	folder := filepath.Join(u.home, ".lamina")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"version": 1, "credentials": {"kind": "oauth", "apiKey": %q, "baseUrl": %q, "refreshToken": %q,
		"savedAt": %q, "expiresAt": %q, "clientId": "client-1"}}`,
		canaryAccess, baseURL, canaryRefresh, end.Add(-time.Hour).Format(time.RFC3339), end.Format(time.RFC3339))
	if err := os.WriteFile(filepath.Join(folder, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return u
}

// A commandLine is the arguments of one call of the program, and the command that they name.
type commandLine struct {
	command string
	args    []string
	wrong   bool
}

// commandLines returns the examples of every command, and calls with wrong arguments: one for each command, at full length
// four.
func commandLines() []commandLine {
	var lines []commandLine
	for i, cmd := range runnableCommands(cli.Tree()) {
		path := strings.Fields(cmd.CommandPath())[1:]
		name := strings.Join(path, " ")
		for example := range strings.Lines(cmd.Example) {
			if args, ok := splitShellLine(example); ok {
				lines = append(lines, commandLine{command: name, args: args})
			}
		}
		ways := [][]string{{}, {"--no-such-flag"}, {"one", "two", "three"}, {"--timeout", "soon"}}
		if !isFullLength() {
			ways = ways[i%len(ways):][:1]
		}
		for _, wrong := range ways {
			lines = append(lines, commandLine{command: name, args: slices.Concat(path, wrong), wrong: true})
		}
	}
	return lines
}

// A setting is how the service responds, the output format, and the variable with the API key, if the session is not used.
type setting struct{ manner, format, key string }

// settings returns the settings for the n-th line. Wrong arguments run only against the echoing service, because their
// error does not depend on the service. By default a line runs with one of the echoing service and one of another.
func (line commandLine) settings(n int) []setting {
	key := "LAMINA_API_KEY=" + canaryKey
	echoes := []setting{{echoing, "text", ""}, {echoing, "json", key}}
	others := []setting{{good, "text", ""}, {good, "json", key}, {broken, "json", ""}}
	if !isFullLength() {
		echoes, others = echoes[n%len(echoes):][:1], others[n%len(others):][:1]
	}
	if line.wrong {
		return echoes
	}
	return slices.Concat(echoes, others)
}

// runnableCommands returns the commands without subcommands, hidden ones included.
func runnableCommands(cmd *cobra.Command) []*cobra.Command {
	if !cmd.HasSubCommands() {
		return []*cobra.Command{cmd}
	}
	var all []*cobra.Command
	for _, c := range cmd.Commands() {
		all = append(all, runnableCommands(c)...)
	}
	return all
}

// splitShellLine returns the arguments of a line of shell that starts with lamina, up to the first operator.
func splitShellLine(text string) (args []string, ok bool) {
	text, ok = strings.CutPrefix(strings.TrimSpace(text), "lamina ")
	var quote rune
	word, started := "", false
	for _, r := range text + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, started = r, true
		case quote == 0 && strings.ContainsRune("|<>;&", r):
			return args, ok
		case quote == 0 && r == ' ':
			if started {
				args = append(args, word)
			}
			word, started = "", false
		default:
			word, started = word+string(r), true
		}
	}
	return args, ok
}

// TestNoCommandShowsASecret runs every command of the tree, with correct and with wrong arguments, against services that
// work, fail, or echo what they are sent. The session and the key contain a marker, which must not appear in any output
// and in no file but the configuration.
func TestNoCommandShowsASecret(t *testing.T) {
	if raceDetector {
		t.Skip("starts hundreds of processes, each several times slower: run it without -race")
	}
	t.Parallel()
	lines := commandLines()
	if len(lines) < 80 {
		t.Fatalf("got %d command lines, want at least 80: does this test still read the examples?", len(lines))
	}
	services := map[string]*canaryService{}
	for _, manner := range []string{good, broken, echoing} {
		services[manner] = newCanaryService(t, manner)
	}
	var wait sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i, line := range lines {
		for _, s := range line.settings(i) {
			service := services[s.manner]
			u := newUser(t, service.URL, "LAMINA_OUTPUT="+s.format, "LAMINA_REQUEST_TIMEOUT=2s", "LAMINA_PATIENCE=1s", s.key)
			u.withSession(t, service.URL, s.manner == echoing)
			wait.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				u.checkShowsNothing(t, service, line)
			})
		}
	}
	wait.Wait()
}

// checkShowsNothing runs a command line and looks for secrets in its output and in the files that it wrote.
func (u user) checkShowsNothing(t *testing.T, service *canaryService, line commandLine) {
	args := append(slices.Clone(line.args), "--debug")
	if line.command == "dev" {
		args = append(args, "--addr", "127.0.0.1:0")
	}
	cmd := u.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(canaryKey+"\n"), &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	// A command that serves or waits for input ends by SIGINT.
	interrupt := time.AfterFunc(3*time.Second, func() { _ = cmd.Process.Signal(syscall.SIGINT) })
	defer interrupt.Stop()
	kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	_ = cmd.Wait()
	if line.command == "auth token" {
		stdout.Reset() // the command prints the token on purpose
	}
	where := fmt.Sprintf("lamina %s (%s service)", strings.Join(args, " "), service.manner)
	checkNoSecret(t, service, where+", stdout", stdout.String())
	checkNoSecret(t, service, where+", stderr", stderr.String())
	u.checkFiles(t, service, where)
}

// checkFiles checks that no file but the configuration contains a secret, and that other users cannot read the files of
// the configuration folder.
func (u user) checkFiles(t *testing.T, service *canaryService, where string) {
	_ = filepath.WalkDir(u.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if filepath.Base(filepath.Dir(path)) == ".lamina" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got mode %o of %s, want 600", where, info.Mode().Perm(), entry.Name())
		}
		if name := entry.Name(); name == "config.json" || name == "profiles.json" || strings.HasPrefix(name, "login-pending-") {
			return nil
		}
		raw, err := os.ReadFile(path)
		checkNoSecret(t, service, where+", file "+entry.Name(), string(raw))
		return err
	})
}

// checkNoSecret checks that a text contains no secret of a service.
func checkNoSecret(t *testing.T, service *canaryService, where, text string) {
	for _, secret := range service.secrets() {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%s: got a secret: …%.160q", where, text[max(0, at-60):])
			return
		}
	}
}

// TestSignInShowsNoSecret signs in with a browser that records its arguments and its environment.
func TestSignInShowsNoSecret(t *testing.T) {
	t.Parallel()
	service := newCanaryService(t, good)
	folder := t.TempDir()
	script, seen := filepath.Join(folder, "browser"), filepath.Join(folder, "seen")
	program := "#!/bin/sh\n{ printf 'arg %s\\n' \"$@\"; env; } > " + seen + "\nexec browse \"$@\" > /dev/null\n"
	if err := os.WriteFile(script, []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	u := newUser(t, service.URL, "BROWSER="+script, "LAMINA_API_KEY="+canaryKey, "NO_COLOR=1")
	screen := u.atTerminal(t, 4000, "login", "--debug")
	screen.exits(t, 0)
	started, err := os.ReadFile(seen)
	if err != nil || !strings.Contains(string(started), "arg "+service.URL+"/cli/oauth/authorize?") {
		t.Fatalf("got a browser started with %q and %v, want the address of the sign-in", started, err)
	}
	made := service.secrets()
	if len(made) != 3 {
		t.Fatalf("got %d generated secrets, want a state and a verifier", len(made)-1)
	}
	// The address that is printed and opened contains the state. Nothing else may.
	state := made[1]
	address := strings.SplitAfter(strings.SplitN(string(started), "arg ", 2)[1], "\n")[0]
	address = strings.TrimSpace(address)
	for _, shown := range []struct{ where, text string }{{"browser", string(started)}, {"screen", screen.String()}} {
		text := strings.ReplaceAll(shown.text, address, "")
		checkNoSecret(t, service, shown.where, text)
		if strings.Contains(text, state) {
			t.Errorf("%s: got the state outside of the address", shown.where)
		}
	}
	for _, secret := range []string{canary, made[2]} {
		if strings.Contains(address, secret) {
			t.Errorf("got a secret in the address: %s", address)
		}
	}
	u.checkFiles(t, service, "login")
}

// TestCrashShowsNoSecret lets the runtime print all stacks of a command that waits for a response.
func TestCrashShowsNoSecret(t *testing.T) {
	t.Parallel()
	asked, hang := make(chan string, 4), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("X-Api-Key")
		<-hang
	}))
	defer server.Close()
	defer close(hang)
	service := &canaryService{manner: "hanging"}
	u := newUser(t, server.URL, "GOTRACEBACK=all").withSession(t, server.URL, false)
	cmd := u.command("whoami", "--debug")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; got != canaryAccess {
		t.Errorf("got the key %q, want %q", got, canaryAccess)
	}
	if err := cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || !strings.Contains(stderr.String(), "goroutine 1 ") {
		t.Fatalf("got %v, want a crash with the stacks\n%s", err, &stderr)
	}
	checkNoSecret(t, service, "the crash", stderr.String())
}
