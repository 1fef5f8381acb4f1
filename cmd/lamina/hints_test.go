//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/cli"
)

// A wrongCall is a call that fails.
type wrongCall struct {
	name  string
	args  []string // without --profile
	fault string   // the request of /dev/faults that makes the call fail; may be empty
	env   string   // an environment variable; may be empty
	stdin string
	code  string // of the error
	hint  string // the hinted command, without --profile x; empty for a hint that names no command
}

// refuse returns the request of /dev/faults after which the service answers with a status.
func refuse(path string, status int, body string) string {
	raw, _ := json.Marshal(map[string]any{"path": path, "status": status, "body": body, "contentType": "application/json", "times": 1})
	return string(raw)
}

// wrongCalls are calls by a user who is signed in to profile x.
func wrongCalls() []wrongCall {
	return []wrongCall{
		{name: "unknown app", args: []string{"apps", "get", "nosuch"}, code: "not_found", hint: "lamina apps list"},
		{name: "unknown app to run", args: []string{"run", "nosuch"}, code: "not_found", hint: "lamina apps list"},
		{name: "wrong inputs", args: []string{"run", "poster", "-i", "colour=red"}, code: "invalid_inputs", hint: "lamina apps get poster"},
		{name: "input without a value", args: []string{"run", "poster", "-i", "red"}, code: "invalid_argument", hint: `lamina run APP --input text="Hello"`},
		{name: "input as a flag", args: []string{"run", "poster", "--text", "hi"}, code: "invalid_argument", hint: "lamina run poster --input text=hi"},
		{name: "input without a flag", args: []string{"run", "poster", "text=hi"}, code: "invalid_argument", hint: "lamina run poster --input text=hi"},
		{name: "unknown run", args: []string{"runs", "get", "nosuch"}, code: "not_found", hint: "lamina runs list"},
		{name: "unknown run to wait for", args: []string{"runs", "wait", "nosuch"}, code: "not_found", hint: "lamina runs list"},
		{name: "unknown run to cancel", args: []string{"runs", "cancel", "nosuch"}, code: "not_found", hint: "lamina runs list"},
		{name: "unknown run to save", args: []string{"runs", "download", "nosuch"}, code: "not_found", hint: "lamina runs list"},
		{name: "unknown command", args: []string{"logs"}, code: "unknown_subcommand", hint: "lamina runs list"},
		{name: "misspelled command", args: []string{"rnus", "list"}, code: "unknown_subcommand", hint: "lamina runs list"},
		{name: "unknown format", args: []string{"runs", "list", "--format", "json"}, code: "invalid_argument", hint: "lamina runs list -o json"},
		{name: "lost response", args: []string{"run", "poster", "-i", "text=hi"}, fault: `{"path": "/v1/apps/poster/runs", "cut": "after", "times": 1}`, code: "unknown_outcome", hint: "lamina runs list"},
		{name: "refused session", args: []string{"whoami"}, fault: refuse("/v1/account", 401, `{"error":"no","code":"AUTH_INVALID_KEY"}`), code: "auth_invalid_key", hint: "lamina login"},
		{name: "forbidden", args: []string{"whoami"}, fault: refuse("/v1/account", 403, `{"error":"no","code":"FORBIDDEN"}`), code: "forbidden", hint: "lamina whoami"},
		{name: "another host", args: []string{"whoami"}, env: "LAMINA_BASE_URL=http://127.0.0.1:9", code: "auth_wrong_host", hint: "lamina login"},
		{name: "another service", args: []string{"laghav", "keys", "list"}, code: "invalid_argument", hint: "lamina profile list"},
		{name: "a profile without a key of the service", args: []string{"whoami", "--provider", "laghav"}, code: "invalid_argument", hint: "lamina profile list"},
		{name: "no such check", args: []string{"doctor", "--provider", "nosuch"}, code: "invalid_argument", hint: "lamina login --provider laghav"},
		{name: "nothing to rotate", args: []string{"auth", "rotate", "--no-input"}, code: "auth_needs_person", hint: "lamina auth rotate --with-api-key"},
		{name: "the same key", args: []string{"auth", "rotate", "--with-api-key"}, stdin: "SAME", code: "invalid_argument", hint: "lamina auth rotate"},
		{name: "bad key", args: []string{"login", "--with-api-key"}, stdin: "no key", code: "invalid_argument", hint: "lamina login --with-api-key"},
		{name: "bad key as an argument", args: []string{"login", "--api-key", "s3cr3t s3cr3t"}, code: "invalid_argument", hint: "lamina login --with-api-key"},
		{name: "refused key as an argument", args: []string{"login", "--api-key", "lma_s3cr3ts3cr3ts3cr3ts3cr3t", "--storage", "file"}, code: "auth_invalid_key", hint: "lamina login --storage file --with-api-key"},
		{name: "refused key from stdin", args: []string{"login", "--with-api-key"}, stdin: "lma_s3cr3ts3cr3ts3cr3ts3cr3t", code: "auth_invalid_key", hint: "lamina login --with-api-key"},
		{name: "no method", args: []string{"login"}, code: "auth_needs_person", hint: "lamina login --device"},
		{name: "no method, by the other name", args: []string{"auth", "login", "--storage", "file"}, code: "auth_needs_person", hint: "lamina auth login --storage file --device"},
		{name: "a browser without a user", args: []string{"login", "--browser", "--no-input"}, code: "auth_needs_person", hint: "lamina login --no-input --device --json"},
		{name: "pasting without a user", args: []string{"login", "--no-browser", "--no-input"}, code: "auth_needs_person", hint: "lamina login --no-input --device --json"},
		{name: "a code without a user", args: []string{"login", "--device", "--no-input", "-o", "text"}, code: "auth_needs_person", hint: "lamina login --no-input --device --json"},
		{name: "a browser in CI", args: []string{"login", "--browser"}, env: "CI=true", code: "auth_needs_person"},
		{name: "a code in CI", args: []string{"login", "--device", "-o", "text"}, env: "CI=1", code: "auth_needs_person"},
		{name: "declined", args: []string{"login", "--device", "-o", "text"}, fault: refuse("/cli/oauth/token", 400, `{"error":"access_denied"}`), code: "auth_denied", hint: "lamina login --device"},
		{name: "expired code", args: []string{"login", "--device", "--remember", "-o", "text"}, fault: refuse("/cli/oauth/token", 400, `{"error":"expired_token"}`), code: "auth_timeout", hint: "lamina login --device --remember"},
		{name: "no pending sign-in", args: []string{"login", "--device", "--resume"}, code: "auth_failed", hint: "lamina login --device --json"},
		{name: "wrong storage", args: []string{"login", "--device", "--storage", "cloud"}, code: "invalid_argument", hint: "lamina login --device --storage file"},
		{name: "wrong flag of a method", args: []string{"login", "--resume"}, code: "invalid_argument", hint: "lamina login --device --resume"},
		{name: "a client without an issuer", args: []string{"login", "--device", "--client-id", "c"}, code: "invalid_argument", hint: "lamina login --issuer URL --client-id ID"},
		{name: "a method of another service", args: []string{"login", "--provider", "laghav", "--device"}, code: "invalid_argument"},
		{name: "a workspace of others", args: []string{"whoami", "--workspace", "w2"}, code: "auth_wrong_workspace"},
		{name: "quota", args: []string{"run", "poster", "-i", "text=x"}, fault: refuse("/v1/apps/poster/runs", 402, `{"error":"Insufficient credits"}`), code: "quota_exceeded"},
		{name: "a file that is no file", args: []string{"auth", "scan", "nosuch"}, code: "invalid_argument", hint: "lamina auth scan ."},
		{name: "a path of another host", args: []string{"api", "https://example.com/v1/account"}, code: "auth_wrong_host", hint: "lamina api /PATH"},
		{name: "a wrong field", args: []string{"api", "/v1/account", "-f", "x"}, code: "invalid_argument", hint: "lamina api PATH -f name=value"},
	}
}

// TestHintsKeepTheProfile checks, for every kind of error, that the command of the hint has the typed --profile, wherever it stood,
// that the program accepts the command, and that no key is in the error.
func TestHintsKeepTheProfile(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	u := newUser(t, dev.BaseURL, "NO_COLOR=1", "BROWSER=false")
	if status, _, stderr := u.runWithInput(t, dev.APIKey, "login", "--with-api-key", "--profile", "x"); status != 0 {
		t.Fatal(stderr)
	}
	for _, call := range wrongCalls() {
		for _, place := range []string{"before", "after"} {
			t.Run(call.name+", "+place, func(t *testing.T) { call.check(t, u, dev, place == "before") })
		}
	}
}

// check makes the call, and checks the hint of its error.
func (call wrongCall) check(t *testing.T, u user, dev *devServer, isBefore bool) {
	t.Helper()
	call.breakPlatform(t, dev)
	args := slices.Concat(call.args, []string{"--profile", "x"})
	if isBefore {
		args = slices.Concat([]string{"--profile", "x"}, call.args)
	}
	if !slices.Contains(args, "-o") {
		u.env = append(slices.Clone(u.env), "LAMINA_OUTPUT=json")
	}
	if call.env != "" {
		u.env = append(slices.Clone(u.env), call.env)
	}
	_, _, stderr := u.runWithInput(t, strings.ReplaceAll(call.stdin, "SAME", dev.APIKey), args...)
	if strings.Contains(stderr, "s3cr3t") {
		t.Errorf("got a secret in %s", stderr)
	}
	code, hint := lastError(t, stderr)
	if code != "" && code != call.code {
		t.Errorf("got the code %q, want %q:\n%s", code, call.code, stderr)
	}
	command := hintedCommand(hint)
	if got := withoutProfile(command); got != call.hint && call.hint != "" {
		t.Errorf("got the command %q, want %q with the profile", command, call.hint)
	}
	if command == "" {
		if call.hint != "" {
			t.Errorf("got the hint %q, want %q in it", hint, call.hint)
		}
		return
	}
	checkAccepted(t, command)
	if !strings.Contains(command, "--profile x") && !strings.Contains(command, "--profile NAME") && !strings.HasPrefix(command, "lamina profile ") && !strings.HasSuffix(command, "--help") {
		t.Errorf("got the command %q, want --profile x in it", command)
	}
}

// breakPlatform makes the platform fail as the call needs it.
func (call wrongCall) breakPlatform(t *testing.T, dev *devServer) {
	t.Helper()
	req, err := http.NewRequest(http.MethodDelete, dev.BaseURL+"/dev/faults", nil)
	if call.fault != "" {
		req, err = http.NewRequest(http.MethodPost, dev.BaseURL+"/dev/faults", strings.NewReader(call.fault))
	}
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("%s: got %s, want success", call.fault, resp.Status)
	}
}

// lastError returns the code and the hint of an error on stderr, as JSON or as text; the code of text is empty.
func lastError(t *testing.T, stderr string) (code, hint string) {
	t.Helper()
	for line := range strings.Lines(stderr) {
		if text, ok := strings.CutPrefix(line, "try: "); ok {
			return "", strings.TrimSpace(text)
		}
		var printed struct{ Code, Hint string }
		if json.Unmarshal([]byte(line), &printed) == nil && printed.Code != "" {
			return printed.Code, printed.Hint
		}
	}
	if !strings.Contains(stderr, "error") {
		t.Errorf("got %q, want an error", stderr)
	}
	return "", ""
}

// hintedCommand returns the command in a hint, "" if there is none.
func hintedCommand(hint string) string {
	start := strings.Index(hint, "lamina ")
	if start < 0 {
		return ""
	}
	command := hint[start:]
	for _, tail := range []string{" <", ", ", "; ", " ("} {
		command, _, _ = strings.Cut(command, tail)
	}
	return command
}

func withoutProfile(command string) string { return strings.ReplaceAll(command, " --profile x", "") }

// checkAccepted checks that the program accepts a command line: the command and its flags exist.
func checkAccepted(t *testing.T, line string) {
	t.Helper()
	args, ok := splitShellLine(line)
	if !ok {
		t.Errorf("got %q, want a command of lamina", line)
		return
	}
	if args[len(args)-1] == "--help" {
		args = args[:len(args)-1]
	}
	cmd, rest, err := cli.Tree().Find(args)
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err != nil || cmd.HasSubCommands() && len(cmd.Flags().Args()) > 0 {
		t.Errorf("got %q, want a command line that the program accepts: %v", line, err)
	}
}

// TestNextStepsKeepTheProfile checks the commands that are printed for the user to type next.
func TestNextStepsKeepTheProfile(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	u := newUser(t, dev.BaseURL, "NO_COLOR=1", "LAMINA_OUTPUT=text")
	if status, _, stderr := u.runWithInput(t, dev.APIKey, "login", "--with-api-key", "--profile", "x"); status != 0 {
		t.Fatal(stderr)
	}
	keys := filepath.Join(u.home, "my keys.env")
	if err := os.WriteFile(keys, []byte("LAMINA_API_KEY="+dev.APIKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"started run", []string{"--profile", "x", "run", "poster", "-i", "text=hi"}, " --profile x\n"},
		{"started run with a file of keys", []string{"run", "poster", "-i", "text=hi", "--env-file", keys}, " --env-file '" + keys + "'\n"},
		{"sample of a run", []string{"apps", "get", "poster", "--profile=x"}, "lamina run poster --input text=… --wait --download ./ --profile x\n"},
		{"first step of a sign-in", []string{"login", "--device", "--json", "--profile", "y"}, `"next": "lamina login --profile y --device --resume"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mustContain(t, u.output(t, tt.args...), tt.want)
		})
	}
	t.Run("fix of the doctor", func(t *testing.T) {
		if err := os.Chmod(filepath.Join(u.home, ".lamina", "profiles.json"), 0o644); err != nil {
			t.Fatal(err)
		}
		mustContain(t, u.output(t, "--profile", "x", "doctor"), "lamina doctor --fix --profile x\n")
	})
	t.Run("stopped waiting", func(t *testing.T) {
		run := u.atTerminal(t, 200, "run", "countdown", "-i", "seconds=60", "--wait", "--profile", "x")
		run.expect(t, "running.*%")
		run.types(t, ctrlC)
		run.exits(t, 130)
		for _, command := range []string{"cancel", "wait"} {
			run.expect(t, "lamina runs "+command+" [0-9a-f-]{36} --profile x")
		}
	})
}

// TestNoUserNoWaiting checks that nothing waits for a user with --no-input or in CI, even on a terminal, and that the hint in CI is
// the variable of the key.
func TestNoUserNoWaiting(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	tests := []struct {
		name, env string
		args      []string
		want      string
	}{
		{"browser", "", []string{"login", "--browser", "--no-input"}, "this sign-in needs a user, and --no-input is set"},
		{"paste", "", []string{"login", "--no-browser", "--no-input"}, "this sign-in needs a user, and --no-input is set"},
		{"code", "", []string{"login", "--device", "--no-input"}, "try: lamina login --no-input --device --json"},
		{"key", "", []string{"login", "--with-api-key", "--no-input"}, "reading from the terminal needs a user"},
		{"key of a service", "", []string{"login", "--provider", "lightfast", "--no-input"}, "typing the key needs a user, and --no-input is set"},
		{"key of a service in CI", "CI=true", []string{"login", "--provider", "lightfast"}, "try: set LIGHTFAST_API_KEY to an API key"},
		{"inputs", "", []string{"run", "poster", "--file", "-", "--no-input"}, "reading from the terminal needs a user"},
		{"browser in CI", "CI=true", []string{"login", "--browser"}, "try: set LAMINA_API_KEY to an API key"},
		{"code in CI", "CI=true", []string{"login", "--device"}, "try: set LAMINA_API_KEY to an API key"},
		{"no method in CI", "CI=true", []string{"login"}, "try: set LAMINA_API_KEY to an API key"},
		{"not signed in, in CI", "CI=true", []string{"apps", "list"}, "try: set LAMINA_API_KEY to an API key"},
		{"not signed in to a service, in CI", "CI=true", []string{"laghav", "keys", "list"}, "try: set LAGHAV_API_KEY to an API key"},
		{"a profile in CI", "CI=true", []string{"apps", "list", "--profile", "x"}, ", and leave out --profile, which overrides it"},
		{"not signed in, with a user", "", []string{"apps", "list", "--no-input"}, "try: lamina login"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, dev.BaseURL, "NO_COLOR=1", "BROWSER=touch", tt.env)
			screen := u.atTerminal(t, 200, tt.args...)
			status := screen.wait()
			if status != 4 && status != 2 {
				t.Errorf("got exit status %d, want 4 or 2", status)
			}
			mustContain(t, screen.String(), tt.want)
		})
	}
}
