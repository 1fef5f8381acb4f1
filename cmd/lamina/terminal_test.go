//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
	"github.com/mattn/go-runewidth"
)

// A terminal is a program that runs in a pseudo-terminal, and its output.
type terminal struct {
	transcript
	keys *os.File // writes are typed keys
	wait func() int
}

// atTerminal starts a command in a terminal with so many columns.
func (u user) atTerminal(t *testing.T, columns uint16, args ...string) *terminal {
	t.Helper()
	return u.programAtTerminal(t, columns, u.command(args...))
}

// programAtTerminal starts any program in a terminal, in the user's home.
func (u user) programAtTerminal(t *testing.T, columns uint16, cmd *exec.Cmd) *terminal {
	t.Helper()
	cmd.Dir, cmd.Env = u.home, u.env
	keys, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: columns})
	if err != nil {
		t.Fatal(err)
	}
	screen := &terminal{keys: keys}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = keys.WriteTo(&screen.transcript) // returns an error when the program has ended
	}()
	screen.wait = sync.OnceValue(func() int {
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			t.Errorf("waiting for %v: %v", cmd.Args, err)
		}
		<-ended
		return cmd.ProcessState.ExitCode()
	})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		screen.wait()
		_ = keys.Close()
	})
	return screen
}

// types types keys.
func (s *terminal) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.keys.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// exits waits for the end of the program, and checks its status.
func (s *terminal) exits(t *testing.T, want int) {
	t.Helper()
	if got := s.wait(); got != want {
		t.Fatalf("got exit status %d, want %d\n%s", got, want, s.String())
	}
}

// Keys, and the start of each redraw of the progress line.
const (
	enter  = "\r"
	ctrlC  = "\x03"
	redraw = "\r\x1b[K"
)

// approval returns the address to which the platform redirects the browser. The platform needs --auto-approve.
func approval(t *testing.T, address string) string {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		t.Fatalf("got %s and %v from the authorization server, want a redirect", resp.Status, err)
	}
	return to.String()
}

// TestTerminalPaste signs in by pasting the redirected address or the code, after several wrong inputs.
func TestTerminalPaste(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	for _, c := range []struct {
		name  string
		paste func(t *testing.T, address string) string
	}{
		{"address", func(_ *testing.T, address string) string { return address }},
		{"code#state", func(t *testing.T, address string) string {
			q := query(t, address)
			return q.Get("code") + "#" + q.Get("state")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, dev.BaseURL, "BROWSER=true", "NO_COLOR=1")
			screen := u.atTerminal(t, 160, "login")
			address := screen.expect(t, signInPage)[0]
			screen.expect(t, "paste its address here")

			screen.types(t, "something else"+enter)
			screen.expect(t, "error: that is not a code: paste the whole address")
			screen.types(t, address+enter)
			screen.expect(t, "error: that is the address to open")
			screen.types(t, dev.APIKey+enter)
			screen.expect(t, `error: that is an API key of Lamina, not the code from the browser\r\ntry: Ctrl-C, then lamina login --with-api-key\r\n`)

			screen.types(t, c.paste(t, approval(t, address))+enter)
			screen.expect(t, "Signed in as sam@example.com")
			screen.exits(t, 0)
			mustContain(t, u.output(t, "whoami", "--jq", ".data.user.email"), "sam@example.com")
		})
	}
}

// TestTerminalAsksForSettings prompts for the settings of a service and for the key, which is not shown.
func TestTerminalAsksForSettings(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	service := dev.Services["lamatic"]
	u := newUser(t, dev.BaseURL)
	screen := u.atTerminal(t, 100, "login", "--provider", "lamatic")
	screen.expect(t, `URL of Lamatic \(`)
	screen.types(t, service.BaseURL+enter)
	screen.expect(t, `Project ID of Lamatic \(`)
	screen.types(t, "prj_sample"+enter)
	screen.expect(t, `API key of Lamatic \(`)
	screen.types(t, service.APIKey+enter)
	screen.expect(t, `Signed in to\S* \S*Lamatic`)
	screen.exits(t, 0)
	if strings.Contains(screen.String(), service.APIKey) {
		t.Errorf("got the key on the screen:\n%s", screen.String())
	}
	mustContain(t, u.output(t, "auth", "status", "--provider", "lamatic", "--jq", ".credential.settings[\"project-id\"]"), "prj_sample")
}

// TestTerminalHidesAPIKey prompts for a key, which is not shown.
func TestTerminalHidesAPIKey(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	u := newUser(t, dev.BaseURL)
	screen := u.atTerminal(t, 100, "login", "--with-api-key")
	screen.expect(t, `API key of Lamina \(https://\S+\):`)
	screen.types(t, dev.APIKey+enter)
	screen.expect(t, "Signed in as")
	screen.exits(t, 0)
	if strings.Contains(screen.String(), dev.APIKey) {
		t.Errorf("got the key on the screen:\n%s", screen.String())
	}
	mustContain(t, u.output(t, "whoami", "--jq", ".data.user.email"), "sam@example.com")
}

// TestTerminalRevokes prompts before it revokes a key, and sends nothing unless the input is yes.
func TestTerminalRevokes(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	laghav := dev.Services["laghav"]
	u := newUser(t, dev.BaseURL, "LAGHAV_BASE_URL="+laghav.BaseURL, "LAGHAV_API_KEY="+laghav.APIKey, "NO_COLOR=1")
	id := strings.TrimSpace(u.output(t, "laghav", "keys", "list", "--jq", ".keys[0].id"))
	for _, input := range []string{"n", "", "yes please"} {
		screen := u.atTerminal(t, 120, "laghav", "keys", "revoke", id)
		screen.expect(t, `Revoke "`+id+`"\? Programs that use it stop working at once, and it cannot be restored. \[y/N\]`)
		screen.types(t, input+enter)
		screen.expect(t, "not confirmed; nothing was sent")
		screen.exits(t, 2)
	}
	screen := u.atTerminal(t, 120, "laghav", "keys", "revoke", id)
	screen.expect(t, "y/N")
	screen.types(t, "y"+enter)
	screen.expect(t, "Revoked")
	screen.exits(t, 0)
	u.start(t, "laghav", "keys", "list").exits(t, 4)
}

// TestTerminalRotates prompts for the new key, which is not shown.
func TestTerminalRotates(t *testing.T) {
	t.Parallel()
	dev, second := newDev(t), ""
	u := newUser(t, dev.BaseURL, "NO_COLOR=1")
	for _, key := range []*string{&dev.APIKey, &second} {
		made, err := http.Post(dev.BaseURL+"/dev/keys", "application/json", strings.NewReader(`{"service": "lamina"}`))
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Data struct{ Key string } }
		err = json.NewDecoder(made.Body).Decode(&body)
		_ = made.Body.Close()
		if *key = body.Data.Key; err != nil || *key == "" {
			t.Fatalf("got %s and %v, want a new key", made.Status, err)
		}
	}
	login := u.atTerminal(t, 100, "login", "--with-api-key")
	login.expect(t, "API key of Lamina")
	login.types(t, dev.APIKey+enter)
	login.exits(t, 0)

	screen := u.atTerminal(t, 160, "auth", "rotate")
	screen.expect(t, "Create a new key of Lamina: https://app.uselamina.ai")
	screen.expect(t, "New API key of Lamina:")
	screen.types(t, second+enter)
	screen.expect(t, "The old key is still valid: delete it where keys are created")
	screen.exits(t, 0)
	if strings.Contains(screen.String(), second) {
		t.Errorf("got the key on the screen:\n%s", screen.String())
	}
	mustContain(t, u.output(t, "auth", "token", "-o", "text"), second)
}

// TestTerminalLiveLine waits for a run. The progress is one line that is redrawn, and it is erased at the end.
func TestTerminalLiveLine(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	u := newUser(t, dev.BaseURL, "LAMINA_API_KEY="+dev.APIKey, "NO_COLOR=1")
	screen := u.atTerminal(t, 80, "run", "countdown", "-i", "seconds=600", "--wait")
	for range 2 {
		screen.expect(t, regexp.QuoteMeta(redraw)+`[^\r]*%`)
	}
	u.output(t, "runs", "cancel", strings.TrimSpace(u.output(t, "runs", "list", "--jq", ".data[0].runId")))
	screen.exits(t, 3)
	text := screen.String()
	start, end := strings.Index(text, redraw), strings.LastIndex(text, redraw)
	if start < 0 || start == end {
		t.Fatalf("got no progress line in %q", text)
	}
	if live := text[start:end]; strings.Contains(live, "\n") || !strings.Contains(live, "%") {
		t.Errorf("got %q, want one progress line", live)
	}
	rest := text[:start] + text[end+len(redraw):]
	if strings.Contains(rest, "\x1b") {
		t.Errorf("got escape sequences with NO_COLOR: %q", rest)
	}
	mustContain(t, rest, "cancelled")
	screen = u.atTerminal(t, 80, "run", "countdown", "-i", "seconds=1", "--wait")
	screen.exits(t, 0)
	text = screen.String()
	mustContain(t, text[strings.LastIndex(text, redraw)+1:], "completed")
}

// TestTerminalColor prints errors in colour.
func TestTerminalColor(t *testing.T) {
	t.Parallel()
	u := newUser(t, "http://127.0.0.1:9")
	screen := u.atTerminal(t, 80, "apps", "list")
	screen.exits(t, 4)
	if text := screen.String(); !strings.Contains(text, "\x1b[31merror:\x1b[0m") {
		t.Errorf("got %q, want a red error", text)
	}
}

// TestTerminalInterrupt presses Ctrl-C while it waits for a run, in a window that has become narrower.
func TestTerminalInterrupt(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	u := newUser(t, dev.BaseURL, "LAMINA_API_KEY="+dev.APIKey)
	screen := u.atTerminal(t, 100, "run", "countdown", "-i", "seconds=60", "--wait")
	screen.expect(t, "running.*%")
	const columns = 40
	if err := pty.Setsize(screen.keys, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	screen.expect(t, `…`)
	for range 3 {
		frame := screen.expect(t, "\r\x1b\\[K([^\r]+)")[1]
		plain := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(frame, "")
		if width := runewidth.StringWidth(plain); width >= columns {
			t.Errorf("got a progress line of %d columns, want less than %d: %q", width, columns, plain)
		}
	}
	screen.types(t, ctrlC)
	screen.exits(t, 130)
	text := screen.String()
	after := text[strings.LastIndex(text, redraw):]
	mustContain(t, after, "stopped waiting; the run", "Cancel it with: lamina runs", "lamina runs wait")
	mustContain(t, u.output(t, "runs", "list", "--jq", ".data[0].status"), "running")
}

// TestTerminalInterruptLogin presses Ctrl-C while a sign-in waits.
func TestTerminalInterruptLogin(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	for _, c := range []struct {
		name string
		args []string
	}{{"paste", []string{"login", "--no-browser"}}, {"device", []string{"login", "--device"}}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, dev.BaseURL)
			screen := u.atTerminal(t, 100, c.args...)
			screen.expect(t, "Waiting for your approval")
			screen.types(t, ctrlC)
			screen.exits(t, 130)
			mustContain(t, screen.String(), "interrupted")
		})
	}
}
