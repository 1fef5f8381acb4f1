//go:build unix

package main

import (
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// qrLine matches a line of a QR code on the screen: black on white, independent of the terminal's colours.
var qrLine = regexp.MustCompile(`\x1b\[38;5;16;48;5;231m([ █▀▄]+)\x1b\[0m`)

// screenPicture returns a picture of the QR code on a screen with a background colour, nil if there is no code.
func screenPicture(screen string, around color.Gray) image.Image {
	lines := qrLine.FindAllStringSubmatch(screen, -1)
	if lines == nil {
		return nil
	}
	const module, margin = 6, 40
	columns := len([]rune(lines[0][1]))
	picture := image.NewGray(image.Rect(0, 0, columns*module+2*margin, 2*len(lines)*module+2*margin))
	for i := range picture.Pix {
		picture.Pix[i] = around.Y
	}
	for row, line := range lines {
		for column, cell := range []rune(line[1]) {
			for half, dark := range []string{"█▀", "█▄"} {
				shade := color.Gray{Y: 255}
				if strings.ContainsRune(dark, cell) {
					shade.Y = 0
				}
				x, y := margin+column*module, margin+(2*row+half)*module
				for i := range module * module {
					picture.SetGray(x+i%module, y+i/module, shade)
				}
			}
		}
	}
	return picture
}

// withPublicDevicePage returns the address of a proxy in front of a local platform. In the responses, the page for device codes is at a
// public address.
func withPublicDevicePage(t *testing.T, base string) string {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		own := "http://" + r.Host
		proxy := &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Header.Del("Accept-Encoding")
			},
			ModifyResponse: func(resp *http.Response) error {
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					return err
				}
				text := strings.ReplaceAll(string(body), base+"/device?", "https://a.example/device?")
				text = strings.ReplaceAll(text, base, own)
				resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
				resp.Header.Set("Content-Length", strconv.Itoa(len(text)))
				return nil
			},
		}
		proxy.ServeHTTP(w, r)
	})
}

// TestTerminalQR decodes the QR code from a picture of a dark and of a light terminal.
func TestTerminalQR(t *testing.T) {
	t.Parallel()
	screen := newUser(t, withPublicDevicePage(t, newDev(t, "--auto-approve").BaseURL)).atTerminal(t, 80, "login", "--device")
	screen.exits(t, 0)
	text := screen.String()
	address := regexp.MustCompile(`https://\S+user_code=[A-Z-]+`).FindString(text)
	for _, c := range []struct {
		name       string
		background color.Gray
	}{{"dark", color.Gray{Y: 0}}, {"light", color.Gray{Y: 255}}} {
		picture := screenPicture(text, c.background)
		if picture == nil {
			t.Fatalf("got no QR code in %q", text)
		}
		bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
		if err != nil {
			t.Fatal(err)
		}
		read, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if address == "" || read.GetText() != address {
			t.Errorf("%s: got %q in the QR code, want the address on the screen, %q", c.name, read.GetText(), address)
		}
	}
	waiting := strings.Index(text, "Waiting")
	if lines := strings.Count(text[:max(waiting, 0)], "\n") + 1; waiting < 0 || lines > 24 {
		t.Errorf("got %d lines, want at most 24, a small window:\n%s", lines, text)
	}
}

// TestTerminalCopy copies the code, and nothing else, to the clipboard of a terminal; elsewhere it says that it did not.
func TestTerminalCopy(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	clipboard := regexp.MustCompile("\x1b\\]52;([^;]*);([^\a]*)\a")
	for _, c := range []struct {
		name   string
		env    string
		args   []string
		copied bool
	}{
		{"copy", "", []string{"--copy"}, true},
		{"copy, quiet", "", []string{"--copy", "--quiet"}, true},
		{"dumb", "TERM=dumb", []string{"--copy"}, false},
		{"without the flag", "", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			screen := newUser(t, dev.BaseURL, "NO_COLOR=1", c.env).atTerminal(t, 100, append([]string{"login", "--device"}, c.args...)...)
			screen.exits(t, 0)
			found := clipboard.FindAllStringSubmatch(screen.String(), -1)
			if !c.copied {
				if len(found) > 0 {
					t.Errorf("got %q copied, want nothing", found)
				}
				return
			}
			code := regexp.MustCompile(`enter the code\s+([A-Z-]+)`).FindStringSubmatch(screen.String())
			if len(found) != 1 || code == nil || found[0][1] != "c" {
				t.Fatalf("got %q copied and the code %q, want one of each", found, code)
			}
			if text, err := base64.StdEncoding.DecodeString(found[0][2]); err != nil || string(text) != code[1] {
				t.Errorf("got %q copied, want the code %s", text, code[1])
			}
		})
	}
}

// TestTerminalWithoutQR draws no QR code where it would not be readable or is not wanted.
func TestTerminalWithoutQR(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	public := withPublicDevicePage(t, dev.BaseURL)
	for _, c := range []struct {
		name    string
		base    string
		columns uint16
		env     string
		args    []string
	}{
		{"loopback", dev.BaseURL, 80, "", nil},
		{"narrow", public, 36, "", nil},
		{"no colour", public, 80, "NO_COLOR=1", nil},
		{"accessible", public, 80, "ACCESSIBLE=1", nil},
		{"dumb", public, 80, "TERM=dumb", nil},
		{"quiet", public, 80, "", []string{"--quiet"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			screen := newUser(t, c.base, c.env).atTerminal(t, c.columns, append([]string{"login", "--device"}, c.args...)...)
			screen.exits(t, 0)
			if text := screen.String(); strings.ContainsAny(text, "█▀▄") {
				t.Errorf("got a QR code, want none:\n%s", text)
			}
			mustContain(t, screen.String(), "enter the code")
		})
	}
	t.Run("pipe", func(t *testing.T) {
		t.Parallel()
		run := newUser(t, public).start(t, "login", "--device", "--color", "always")
		run.exits(t, 0)
		if text := run.stderr.String(); strings.ContainsAny(text, "█▀▄") {
			t.Errorf("got a QR code, want none:\n%s", text)
		}
	})
}

// TestTerminalRemembersMethod uses the sign-in method that was remembered, and another one by a flag.
func TestTerminalRemembersMethod(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	u := newUser(t, dev.BaseURL, "BROWSER=true", "NO_COLOR=1")
	mustContain(t, u.fails(t, 2, "login", "--remember", "-o", "text"), "--remember needs")
	u.output(t, "login", "--device", "--remember", "--quiet")
	screen := u.atTerminal(t, 100, "login")
	screen.expect(t, "/device on any device and enter the code")
	screen.exits(t, 0)

	screen = u.atTerminal(t, 100, "login", "--browser", "--remember")
	address := screen.expect(t, signInPage)[0]
	screen.types(t, approval(t, address)+enter)
	screen.exits(t, 0)

	u.env = append(u.env, "BROWSER=none") // the remembered browser method is used even though no browser can be opened
	screen = u.atTerminal(t, 100, "login")
	screen.types(t, approval(t, screen.expect(t, signInPage)[0])+enter)
	screen.exits(t, 0)

	u.output(t, "logout", "--quiet") // the method is remembered for the machine, so a sign-out keeps it
	screen = u.atTerminal(t, 100, "login", "--no-browser", "--remember")
	screen.types(t, approval(t, screen.expect(t, signInPage)[0])+enter)
	screen.exits(t, 0)
	screen = u.atTerminal(t, 100, "login")
	screen.expect(t, "Open this address in a browser")
	screen.types(t, approval(t, screen.expect(t, signInPage)[0])+enter)
	screen.exits(t, 0)
}

// TestTerminalExplainsMissingBrowser uses a device code where no browser can be opened, and prints the reason.
func TestTerminalExplainsMissingBrowser(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	for _, c := range []struct{ name, variable, reason string }{
		{"SSH", "SSH_CONNECTION=192.0.2.1 5 192.0.2.2 22", "this is an SSH session"},
		{"BROWSER=none", "BROWSER=none", "BROWSER is set to none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			screen := newUser(t, dev.BaseURL, c.variable, "NO_COLOR=1").atTerminal(t, 100, "login")
			screen.exits(t, 0)
			mustContain(t, screen.String(), "No browser can be opened here: "+c.reason, "enter the code", "Signed in as sam@example.com")
		})
	}
}

// decide opens the page of a device sign-in at the local platform, and approves or denies it.
func decide(t *testing.T, address, decision string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: patience}
	resp, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	page, action, fields := readForm(t, resp)
	if action == "" {
		t.Fatalf("got no form in %s", page)
	}
	fields.Set("decision", decision)
	resp, err = browser.PostForm(action, fields)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", decision, resp.Status)
	}
}

// TestDeviceLoginInTwoSteps starts a sign-in with one command and finishes it with another, as an agent does.
func TestDeviceLoginInTwoSteps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		meanwhile func(t *testing.T, dev *devServer, address string)
		status    int
		says      string
	}{
		{"approved", func(t *testing.T, _ *devServer, address string) { decide(t, address, "approve") }, 0, "Signed in as sam@example.com"},
		{"denied", func(t *testing.T, _ *devServer, address string) { decide(t, address, "deny") }, 4, "declined"},
		{"expired", func(t *testing.T, dev *devServer, _ string) {
			resp, err := http.Post(dev.BaseURL+"/dev/clock", "application/json", strings.NewReader(`{"advance": "2h"}`))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}, 4, "the code expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dev := newDev(t)
			u := newUser(t, dev.BaseURL)
			mustContain(t, u.fails(t, 4, "login", "--device", "--resume", "-o", "text"), "there is no pending sign-in")
			var first struct{ VerificationURIComplete, Next string }
			raw := u.output(t, "login", "--device", "--json")
			if err := json.Unmarshal([]byte(raw), &first); err != nil {
				t.Fatal(err)
			}
			pending := filepath.Join(u.home, ".lamina", "login-pending-default.json")
			info, err := os.Stat(pending)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Fatalf("got %v and %v for the pending sign-in, want a file with mode 600", info, err)
			}
			var stored struct{ Login struct{ DeviceCode string } }
			if secret, err := os.ReadFile(pending); err != nil || json.Unmarshal(secret, &stored) != nil || stored.Login.DeviceCode == "" {
				t.Fatalf("got %v and no device code in %s", err, secret)
			}
			if strings.Contains(raw, stored.Login.DeviceCode) {
				t.Errorf("got the device code in %s", raw)
			}
			c.meanwhile(t, dev, first.VerificationURIComplete)
			second := u.start(t, append(strings.Fields(first.Next)[1:], "-o", "text")...)
			second.exits(t, c.status)
			mustContain(t, second.stdout.String()+second.stderr.String(), c.says)
			if _, err := os.Stat(pending); !os.IsNotExist(err) {
				t.Errorf("got %v for the pending sign-in, want it removed", err)
			}
			mustContain(t, u.fails(t, 4, "login", "--device", "--resume", "-o", "text"), "there is no pending sign-in")
		})
	}
}

// TestConcurrentSignIns finishes a sign-in to a profile while another one waits. The one that is replaced is revoked.
func TestConcurrentSignIns(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	u := newUser(t, dev.BaseURL)
	begin := func() (*process, string) {
		run := u.start(t, "login", "--device", "-o", "text")
		return run, run.stderr.expect(t, `http://\S+user_code=[A-Z-]+`)[0]
	}
	first, firstAddress := begin()
	second, secondAddress := begin()
	decide(t, firstAddress, "approve")
	first.exits(t, 0)
	replaced := strings.TrimSpace(u.output(t, "auth", "token"))
	decide(t, secondAddress, "approve")
	second.exits(t, 0)
	req, err := http.NewRequest(http.MethodGet, dev.BaseURL+"/v1/account", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", replaced)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s for the session that was replaced, want 401", resp.Status)
	}
	u.output(t, "whoami")
}
