//go:build linux

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The marks around pasted text in a terminal that supports bracketed paste.
const (
	pasteStart = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// TestTerminalLongPaste pastes an address that is longer than the line limit of terminals (4095 bytes), also in two lines, with and
// without the marks of bracketed paste.
func TestTerminalLongPaste(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	for _, c := range []struct {
		name  string
		paste func(address string) string
	}{
		{"long", func(a string) string { return a + enter }},
		{"bracketed", func(a string) string { return pasteStart + a + pasteEnd + enter }},
		{"bracketed in two lines", func(a string) string {
			return pasteStart + a[:5000] + "\r\n" + a[5000:] + "\r" + pasteEnd + enter
		}},
		{"two lines without marks", func(a string) string { return a[:5000] + enter + a[5000:] + enter }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, dev.BaseURL, "BROWSER=true", "NO_COLOR=1")
			screen := u.atTerminal(t, 160, "login")
			address := screen.expect(t, signInPage)[0]
			screen.expect(t, "paste its address here")
			redirected, err := url.Parse(approval(t, address))
			if err != nil {
				t.Fatal(err)
			}
			redirected.RawQuery = "x=" + strings.Repeat("y", 6000) + "&" + redirected.RawQuery
			screen.types(t, c.paste(redirected.String()))
			screen.expect(t, "Signed in as sam@example.com")
			screen.exits(t, 0)
			if strings.Contains(screen.String(), "error:") {
				t.Errorf("got an error on the screen:\n%s", screen.String())
			}
		})
	}
}

// TestTerminalLongKey pastes a key of 6000 characters at a hidden prompt: it arrives as a whole, and is not shown.
func TestTerminalLongKey(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k3y", 2000)
	for _, c := range []struct{ name, paste string }{
		{"long", key + enter},
		{"bracketed", pasteStart + key + pasteEnd + enter},
		{"bracketed in two lines", pasteStart + key[:4500] + "\r" + key[4500:] + pasteEnd + enter},
		{"two lines without marks", key[:4500] + "\n" + key[4500:] + enter},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			keys := make(chan string, 8)
			service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				keys <- r.Header.Get("X-Larder-Token")
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, "{}")
			}))
			defer service.Close()
			u := newUser(t, "http://127.0.0.1:9", "NO_COLOR=1")
			u.describeService(t, "larder", larderFile(service.URL))
			screen := u.atTerminal(t, 200, "login", "--provider", "larder", "--set", "shelf=7")
			screen.expect(t, `API key of Larder .*: $`)
			screen.types(t, c.paste)
			screen.exits(t, 0)
			if got := <-keys; got != key {
				t.Errorf("got a key of %d bytes at the service, want %d", len(got), len(key))
			}
			if strings.Contains(screen.String(), "k3yk3y") {
				t.Errorf("got the key on the screen:\n%s", screen.String())
			}
		})
	}
}

// shellAtTerminal starts a shell with job control in a terminal. Its prompt is "ready>".
func (u user) shellAtTerminal(t *testing.T) *terminal {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	u.env = append(u.env, "PS1=ready>", "NO_COLOR=1")
	screen := u.programAtTerminal(t, 200, exec.Command("bash", "--norc", "--noprofile", "--noediting", "-i"))
	screen.expect(t, "ready>")
	return screen
}

// TestBackgroundLogin signs in with a browser in the background of a shell (`lamina login &`). The command reads nothing, is not
// stopped, and does not change the terminal.
func TestBackgroundLogin(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	u := newUser(t, dev.BaseURL, "BROWSER=true")
	shell := u.shellAtTerminal(t)
	shell.types(t, "lamina login &"+enter)
	address := shell.expect(t, signInPage)[0]
	shell.expect(t, "Waiting for your approval")
	shell.types(t, "jobs; echo typed-$((40+2))"+enter)
	shell.expect(t, "Running.*lamina login")
	shell.expect(t, "typed-42")
	if strings.Contains(shell.String(), "\x1b[?2004h") {
		t.Error("got a change of the terminal from the background")
	}
	resp, err := http.Get(address) // as a browser does, with its redirects
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	shell.expect(t, "Signed in as sam@example.com")
	shell.types(t, "wait; echo status-$?"+enter)
	shell.expect(t, "status-0")
}

// TestForegroundLogin begins a sign-in in the background, brings it to the foreground, and pastes the response there.
func TestForegroundLogin(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	u := newUser(t, dev.BaseURL, "BROWSER=true")
	shell := u.shellAtTerminal(t)
	shell.types(t, "lamina login &"+enter)
	address := shell.expect(t, signInPage)[0]
	shell.expect(t, "Waiting for your approval")
	shell.types(t, "fg"+enter)
	shell.expect(t, `\x1b\[\?2004h`)
	shell.types(t, approval(t, address)+enter)
	shell.expect(t, "Signed in as sam@example.com")
	shell.expect(t, "ready>")
	if !echoesAt(t, shell) {
		t.Error("got no echo after the sign-in")
	}
}

// TestBackgroundPrompt: a command in the background does not ask.
func TestBackgroundPrompt(t *testing.T) {
	t.Parallel()
	u := newUser(t, "http://127.0.0.1:9")
	shell := u.shellAtTerminal(t)
	for _, command := range []string{"lamina login --with-api-key", "lamina login --provider laghav"} {
		shell.types(t, command+" & wait %%; echo status-$?"+enter)
		shell.expect(t, "error: .*terminal")
		shell.expect(t, "status-[24]")
	}
}

// TestHiddenPromptSignals: whatever ends or stops a command at a hidden prompt, the terminal echoes again.
func TestHiddenPromptSignals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		keys string
		kill string
		ends string
	}{
		{"Ctrl-C", ctrlC, "", "status-130"},
		{"Ctrl-backslash", "\x1c", "", "status-131"},
		{"SIGTERM", "", "TERM", "status-(130|143)"},
		{"SIGHUP", "", "HUP", "status-129"},
		{"SIGQUIT", "", "QUIT", "status-131"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			shell := newUser(t, "http://127.0.0.1:9").shellAtTerminal(t)
			if c.kill == "" {
				shell.types(t, "lamina login --with-api-key; echo status-$?"+enter)
			} else {
				shell.types(t, `bash -c 'echo "pid-$$-"; exec lamina login --with-api-key'; echo status-$?`+enter)
			}
			pid := ""
			if c.kill != "" {
				pid = shell.expect(t, `pid-(\d+)-`)[1]
			}
			shell.expect(t, "API key of Lamina .*: ")
			if echoesAt(t, shell) {
				t.Error("got echo at the prompt, want none")
			}
			if c.kill != "" {
				if err := exec.Command("kill", "-"+c.kill, pid).Run(); err != nil {
					t.Fatal(err)
				}
			} else {
				shell.types(t, c.keys)
			}
			shell.expect(t, c.ends)
			shell.expect(t, "ready>")
			if !echoesAt(t, shell) {
				t.Error("got no echo after the signal, want it restored")
			}
		})
	}
}

// TestHiddenPromptStops stops a command at a hidden prompt with Ctrl-Z, and continues it in the foreground.
func TestHiddenPromptStops(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	shell := newUser(t, dev.BaseURL).shellAtTerminal(t)
	shell.types(t, "lamina login --with-api-key"+enter)
	shell.expect(t, "API key of Lamina .*: ")
	shell.types(t, "\x1a")
	shell.expect(t, "Stopped")
	shell.expect(t, "ready>")
	if !echoesAt(t, shell) {
		t.Error("got no echo in the shell, want it restored")
	}
	shell.types(t, "fg"+enter)
	shell.expect(t, "API key of Lamina .*: ")
	if echoesAt(t, shell) {
		t.Error("got echo at the prompt, want none")
	}
	shell.types(t, dev.APIKey+enter)
	shell.expect(t, "Signed in as")
	shell.expect(t, "ready>")
	if !echoesAt(t, shell) || regexp.MustCompile(regexp.QuoteMeta(dev.APIKey)).MatchString(shell.String()) {
		t.Errorf("got no echo, or the key on the screen:\n%s", shell.String())
	}
}

// echoesAt reports whether a terminal echoes what is typed.
func echoesAt(t *testing.T, screen *terminal) bool {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(screen.keys.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return modes.Lflag&unix.ECHO != 0
}
