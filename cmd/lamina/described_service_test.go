package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// larderKey is concatenated so that a scan for keys does not report this file.
const larderKey = "ldr-" + "8fK2mQ7zT4wX9cVb"

// newLarder starts a service that the program does not know. Its key has its own header and needs a setting, the shelf, and
// its errors have a shape that no built-in service has.
func newLarder(t *testing.T) string {
	t.Helper()
	refuse := func(w http.ResponseWriter, status int, kind, text string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Larder-Trace", "trace-77")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"problems": []any{map[string]any{"kind": kind, "text": text}}})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("X-Larder-Token")
		switch {
		case key == larderKey+"-old":
			refuse(w, 401, "withdrawn", "this token was withdrawn on Monday")
		case key != larderKey:
			refuse(w, 401, "unknown-token", "no such token: "+key)
		case r.Header.Get("X-Shelf") != "7":
			refuse(w, 403, "wrong-shelf", "the token is for shelf 7")
		case r.URL.Path == "/v2/jam":
			refuse(w, 429, "hungry", "eat less")
		case r.URL.Path == "/v2/jars":
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"jars":3,"method":%q}`, r.Method)
		default:
			refuse(w, 404, "no-such-jar", "there is no jar \x1b[31mhere")
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// larderFile returns a description of the service, as a user writes it.
func larderFile(baseURL string) string {
	return fmt.Sprintf(`{
		"name": "larder", "title": "Larder", "baseUrl": %q,
		"keyHeader": "X-Larder-Token", "envKey": "LARDER_TOKEN", "baseUrlEnv": ["LARDER_URL"],
		"keyShapes": [{"prefix": "ldr-", "class": "live"}], "keysHelp": "in the kitchen",
		"settings": [{"name": "shelf", "title": "Shelf", "header": "X-Shelf", "env": ["LARDER_SHELF"], "required": true, "help": "on the door"}],
		"checks": [{"method": "GET", "path": "/jars"}],
		"errors": {"code": ["problems.0.kind"], "message": ["problems.0.text"], "requestIdHeader": "X-Larder-Trace"},
		"answers": [
			{"code": "withdrawn", "means": "revoked", "says": "somebody withdrew it", "try": "ask in the kitchen"},
			{"status": 403, "means": "misplaced", "says": "the key is of another shelf"},
			{"code": "hungry", "means": "quota"}
		],
		"rateLimit": {}
	}`, baseURL+"/v2")
}

// describeService stores the description of a service in the user's configuration.
func (u user) describeService(t *testing.T, name, text string) {
	t.Helper()
	folder := filepath.Join(u.home, ".lamina", "providers")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDescribedService adds a service by a description alone: sign-in, calls, errors and sign-out work.
func TestDescribedService(t *testing.T) {
	t.Parallel()
	base := newLarder(t)
	u := newUser(t, "http://127.0.0.1:9")
	u.describeService(t, "larder", larderFile(strings.Replace(base, "http://127.0.0.1", "http://localhost", 1)))
	with := func(env ...string) user { return user{u.home, append(u.env[:len(u.env):len(u.env)], env...)} }

	mustContain(t, u.fails(t, 2, "login", "--provider", "pantry", "-o", "text"), `unknown service "pantry"`, "laghav, larder")
	mustContain(t, u.fails(t, 4, "whoami", "--provider", "larder", "-o", "text"), "LARDER_TOKEN is not set", "lamina login --provider larder")
	status, _, messages := u.runWithInput(t, larderKey, "login", "--provider", "larder", "--with-api-key", "-o", "text")
	if status != 2 {
		t.Errorf("without the shelf: got exit status %d, want 2", status)
	}
	mustContain(t, messages, "Larder needs its Shelf: on the door", "--set shelf=VALUE")

	for _, refused := range []struct {
		key, shelf string
		says       []string
	}{
		{"ldr-nonsense", "7", []string{"unknown-token", "no such token: [redacted]", "trace-77"}},
		{larderKey + "-old", "7", []string{"withdrawn on Monday", "somebody withdrew it", "ask in the kitchen"}},
		{larderKey, "9", []string{"wrong-shelf", "the key is of another shelf"}},
	} {
		status, _, messages := u.runWithInput(t, refused.key, "login", "--provider", "larder", "--with-api-key", "--set", "shelf="+refused.shelf, "-o", "text")
		if status != 4 {
			t.Errorf("%v: got exit status %d, want 4", refused.says, status)
		}
		mustContain(t, messages, refused.says...)
	}
	mustContain(t, u.output(t, "profile", "list", "-o", "text"), "No profile is signed in")

	status, out, messages := u.runWithInput(t, larderKey, "login", "--provider", "larder", "--with-api-key", "--set", "shelf=7", "-o", "text")
	if status != 0 {
		t.Fatalf("sign-in: got exit status %d, want 0\n%s", status, messages)
	}
	mustContain(t, out, "Signed in to Larder", "live key, accepted", "shelf", "7")
	mustContain(t, u.output(t, "whoami", "--provider", "larder", "--jq", ".data.key.verdict.checked"), "true")
	mustContain(t, u.output(t, "auth", "status", "--provider", "larder", "--json"), `"provider": "larder"`, `"shelf": "7"`, `"class": "live"`)
	mustContain(t, u.output(t, "profile", "list", "-o", "text"), "larder")
	mustContain(t, u.output(t, "auth", "token", "--provider", "larder"), larderKey)
	mustContain(t, u.output(t, "api", "/jars", "--provider", "larder", "--jq", ".jars, .method"), "3\nGET")
	mustContain(t, u.output(t, "api", "/jars", "--profile", "larder", "-f", "a=b", "--jq", ".method"), "POST")
	mustContain(t, u.fails(t, 5, "api", "/nothing", "--provider", "larder", "-o", "text"), "Larder answered 404 no-such-jar: there is no jar", "request trace-77")
	mustContain(t, u.fails(t, 6, "api", "/jam", "--provider", "larder", "--json"), `"code":"quota_exceeded"`)
	mustContain(t, u.fails(t, 4, "api", base+"/v2/jars", "--provider", "larder", "-o", "text"), "nothing was sent")

	env := with("LARDER_TOKEN="+larderKey, "LARDER_SHELF=8")
	mustContain(t, env.fails(t, 4, "whoami", "--provider", "larder", "-o", "text"), "wrong-shelf")
	mustContain(t, env.output(t, "whoami", "--profile", "larder", "-o", "text"), "accepted")
	moved := with("LARDER_URL=https://larder.example/v2")
	mustContain(t, moved.fails(t, 4, "whoami", "--provider", "larder", "-o", "text"), "the credential was not sent there")
	mustContain(t, with("LARDER_TOKEN=lma_abcdefgh").fails(t, 2, "whoami", "--provider", "larder", "-o", "text"), "it is a key of Lamina, not of Larder")

	var doctor struct {
		Data struct {
			Checks []struct{ ID, Status, Finding string }
		}
	}
	if err := json.Unmarshal([]byte(u.output(t, "doctor", "--provider", "larder", "--json")), &doctor); err != nil {
		t.Fatal(err)
	}
	for _, c := range doctor.Data.Checks {
		if c.ID == "account" && (c.Status != "ok" || !strings.Contains(c.Finding, "Larder accepts the key")) {
			t.Errorf("doctor: got %+v, want an accepted key", c)
		}
	}

	mustContain(t, u.output(t, "logout", "--provider", "larder", "-o", "text"), "Signed out", "in the kitchen")
	u.fails(t, 4, "whoami", "--provider", "larder")
}

// TestInvalidServiceDescription checks the error for each mistake in a description.
func TestInvalidServiceDescription(t *testing.T) {
	t.Parallel()
	u := newUser(t, "http://127.0.0.1:9")
	good := larderFile("https://larder.example")
	for _, c := range []struct{ name, text, says string }{
		{"empty", "", "it is empty"},
		{"text", "hello", "it is not JSON"},
		{"list", "[]", "it must be a JSON object"},
		{"misspelt", strings.Replace(good, "keyHeader", "keyheadr", 1), `unknown field \"keyheadr\"`},
		{"wrongtype", strings.Replace(good, `"required": true`, `"required": "yes"`, 1), "settings.required must not be a JSON string"},
		{"plain", strings.Replace(good, "https://larder.example", "http://larder.example", 1), "baseUrl must start with https://"},
		{"slash", strings.Replace(good, "/v2\"", "/v2/\"", 1), "baseUrl must not end in a slash"},
		{"host", strings.Replace(good, "X-Larder-Token", "Host", 1), "keyHeader must be the name of a request header"},
		{"env", strings.Replace(good, "LARDER_TOKEN", "larder token", 1), "envKey must be the name of an environment variable"},
		{"means", strings.Replace(good, `"quota"`, `"full"`, 1), "answers.2.means must be one of"},
		{"path", strings.Replace(good, `"/jars"`, `"//evil.example/jars"`, 1), "checks.0.path must start with one slash"},
		{"thief", strings.Replace(good, "LARDER_TOKEN", "LAMINA_API_KEY", 1), "envKey LAMINA_API_KEY is the variable of Lamina"},
		{"other", good, `its name is \"larder\", but must be \"other\"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := c.text
			if c.name != "other" {
				text = strings.Replace(text, `"larder"`, `"`+c.name+`"`, 1)
			}
			u.describeService(t, c.name, text)
			mustContain(t, u.fails(t, 2, "login", "--provider", c.name, "--json"), "invalid_provider", c.says)
		})
	}
	mustContain(t, u.fails(t, 2, "login", "--provider", "../config", "--json"), "unknown service")
	u.describeService(t, "laghav", "not even JSON")
	mustContain(t, u.fails(t, 4, "whoami", "--provider", "laghav", "--json"), "you are not signed in to Laghav")
}
