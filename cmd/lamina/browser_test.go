package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// A chromium is a headless browser that runs until the test ends.
type chromium struct{ ctx context.Context }

// startChromium starts the browser, or skips the test unless LAMINA_TEST_BROWSER=1.
func startChromium(t *testing.T) chromium {
	t.Helper()
	if os.Getenv("LAMINA_TEST_BROWSER") != "1" {
		t.Skip("needs Chromium: run it with LAMINA_TEST_BROWSER=1 go test ./cmd/lamina -run TestBrowser")
	}
	path := ""
	for _, name := range []string{"chromium", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("neither chromium nor google-chrome is in PATH")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.NoFirstRun,
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return chromium{ctx}
}

// A tab is a page of a browser. It shares no cookies with other tabs.
type tab struct{ ctx context.Context }

// open opens an address in a new tab. The actions in before run first.
func (c chromium) open(t *testing.T, address string, before ...chromedp.Action[chromedp.Void]) tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(c.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	page := tab{ctx}
	page.do(t) // a time limit on the very first action would close the tab
	page.do(t, append(before, chromedp.Navigate(address))...)
	return page
}

// do runs actions that must succeed.
func (b tab) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := b.ctx, context.CancelFunc(func() {})
	if len(actions) > 0 {
		ctx, cancel = context.WithTimeout(b.ctx, patience)
	}
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatalf("%v\nthe page shows:\n%s", err, b.shown())
	}
}

// evaluate runs an action that must succeed, and returns its value.
func evaluate[T any](t *testing.T, b tab, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatalf("%v\nthe page shows:\n%s", err, b.shown())
	}
	return value
}

// shown returns the text of the page for a failure.
func (b tab) shown() string {
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		return err.Error()
	}
	return text
}

// until waits for a page with a headline, and returns its text and its address.
func (b tab) until(t *testing.T, headline string) (text, address string) {
	t.Helper()
	b.do(t, chromedp.WaitVisible(`//h1[contains(., "`+headline+`")]`))
	return evaluate(t, b, chromedp.Text(chromedp.CSS("main"))), evaluate(t, b, chromedp.Location())
}

// press clicks the button with a label.
func press(button string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(`//button[normalize-space()="` + button + `"]`)
}

// choose selects a workspace.
func choose(workspace string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(`input[value="` + workspace + `"]`))
}

// signInPage matches the address that a sign-in prints.
const signInPage = `http://127\.0\.0\.1:\d+/cli/oauth/authorize\?\S+`

// TestBrowser signs in with a real browser at the pages of the local platform.
func TestBrowser(t *testing.T) {
	t.Parallel()
	browser := startChromium(t)
	dev := newDev(t)
	for _, c := range []struct {
		name string
		run  func(*testing.T, chromium, *devServer)
	}{
		{"approve", browserApprove},
		{"approve without scripts", browserNoScript},
		{"deny", browserDeny},
		{"device", browserDevice},
		{"device denied", browserDeviceDeny},
		{"keys", browserKeys},
		{"overview", browserOverview},
		{"report", browserReport},
		{"hostile client", browserHostileClient},
		{"hostile callback", browserHostileCallback},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, browser, dev)
		})
	}
}

func browserApprove(t *testing.T, browser chromium, dev *devServer) {
	u := newUser(t, dev.BaseURL)
	login := u.start(t, "login", "--no-browser", "-o", "text")
	address := login.stderr.expect(t, signInPage)[0]
	page := browser.open(t, address)
	text, _ := page.until(t, "wants to use your account")
	redirect, err := url.Parse(query(t, address).Get("redirect_uri"))
	if err != nil {
		t.Fatal(err)
	}
	mustContain(t, text, "Lamina CLI", "sam@example.com", redirect.Host, "Sam's Atelier", "Northwind Studio",
		"lamina:creative:read", "lamina:creative:write", "lamina:brand:read")

	page.do(t, choose("wsp_northwind"), press("Approve"))
	text, final := page.until(t, "Signed in to Lamina")
	mustContain(t, text, "sam@example.com")
	if q := query(t, final); len(q) > 0 || !strings.HasPrefix(final, "http://"+redirect.Host+"/done/") {
		t.Errorf("got the address %s in the browser, want one without a query below /done/", final)
	}
	login.exits(t, 0)
	mustContain(t, login.stdout.String(), "Signed in as sam@example.com", "Northwind Studio")
	mustContain(t, u.output(t, "whoami", "--jq", ".data.workspace.id"), "wsp_northwind")
}

// withoutScripts turns JavaScript off in a tab.
func withoutScripts(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
	return cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

func browserNoScript(t *testing.T, browser chromium, dev *devServer) {
	u := newUser(t, dev.BaseURL)
	login := u.start(t, "login", "--no-browser", "-o", "text")
	page := browser.open(t, login.stderr.expect(t, signInPage)[0], withoutScripts)
	page.do(t, press("Approve"))
	page.until(t, "Signed in to Lamina")
	login.exits(t, 0)
}

func browserDeny(t *testing.T, browser chromium, dev *devServer) {
	u := newUser(t, dev.BaseURL)
	login := u.start(t, "login", "--no-browser")
	page := browser.open(t, login.stderr.expect(t, signInPage)[0])
	page.do(t, press("Deny"))
	text, _ := page.until(t, "Sign-in did not finish")
	mustContain(t, text, "The sign-in was declined in the browser (The user denied the request).")
	login.exits(t, 4)
	login.stderr.expect(t, `"code":"auth_denied","exitCode":4`)
	if out := login.stdout.String(); out != "" {
		t.Errorf("got %q on stdout, want nothing", out)
	}
}

// devicePage opens the page of a device sign-in and enters the code in lower case, without the dash.
func (c chromium) devicePage(t *testing.T, login *process) (page tab, code string) {
	t.Helper()
	address := login.stderr.expect(t, `http://127\.0\.0\.1:\d+/device`)[0]
	code = login.stderr.expect(t, `[B-Z]{4}-[B-Z]{4}`)[0]
	page = c.open(t, address)
	typed := strings.ToLower(strings.ReplaceAll(code, "-", ""))
	page.do(t, chromedp.SendKeys(chromedp.ID("user_code"), typed), press("Continue"))
	return page, code
}

func browserDevice(t *testing.T, browser chromium, dev *devServer) {
	u := newUser(t, dev.BaseURL)
	login := u.start(t, "login", "--device", "-o", "text")
	page, code := browser.devicePage(t, login)
	text, _ := page.until(t, "wants to use your account")
	mustContain(t, text, code, "Lamina CLI", "Northwind Studio")
	page.do(t, choose("wsp_northwind"), press("Approve"))
	page.until(t, "Your device is signed in")
	login.exits(t, 0)
	mustContain(t, u.output(t, "whoami", "--jq", ".data.workspace.id"), "wsp_northwind")
}

func browserDeviceDeny(t *testing.T, browser chromium, dev *devServer) {
	login := newUser(t, dev.BaseURL).start(t, "login", "--device", "--quiet", "-o", "text")
	page, _ := browser.devicePage(t, login)
	page.do(t, press("Deny"))
	page.until(t, "You denied the request")
	login.exits(t, 4)
	login.stderr.expect(t, "declined")
}

func browserKeys(t *testing.T, browser chromium, dev *devServer) {
	page := browser.open(t, dev.BaseURL, withoutScripts)
	page.do(t, chromedp.Click(`//a[.="Keys"]`))
	page.until(t, "Keys of the five services")
	page.do(t, chromedp.SendKeys(chromedp.ID("name"), "made in a browser"), press("Make a key"))
	text, _ := page.until(t, "Keys of the five services")
	mustContain(t, text, "Copy it now", "made in a browser")
	key := evaluate(t, page, chromedp.Text(chromedp.CSS(".secret")))
	u := newUser(t, dev.BaseURL, "LAMINA_API_KEY="+key)
	mustContain(t, u.output(t, "whoami", "--jq", ".data.user.email"), "sam@example.com")

	page.do(t, chromedp.Click(`//tr[contains(., "made in a browser")]//button`), chromedp.WaitVisible(chromedp.CSS("tr.revoked")))
	u.start(t, "whoami").exits(t, 4)
}

func browserHostileClient(t *testing.T, browser chromium, dev *devServer) {
	const owned = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	id := register(t, dev, map[string]any{
		"client_name":   owned + "\u202elive\x1b[2J\n</h1>",
		"redirect_uris": []string{"http://127.0.0.1:9/callback"},
	})
	page := browser.open(t, dev.BaseURL+"/cli/oauth/authorize?"+url.Values{
		"client_id": {id}, "redirect_uri": {"http://127.0.0.1:9/callback"}, "response_type": {"code"}, "state": {owned},
		"code_challenge": {strings.Repeat("A", 43)}, "code_challenge_method": {"S256"},
	}.Encode())
	text, _ := page.until(t, "wants to use your account")
	mustContain(t, text, "<img src=x", "onerror=")
	if strings.ContainsAny(text, "\u202e\x1b") {
		t.Errorf("got control characters on the page: %q", text)
	}
	page.isClean(t)
	page.do(t, press("Deny")) // the page after the redirect names the application, too
	page.isClean(t)
}

func browserHostileCallback(t *testing.T, browser chromium, dev *devServer) {
	login := newUser(t, dev.BaseURL).start(t, "login", "--no-browser", "-o", "text")
	asked := query(t, login.stderr.expect(t, signInPage)[0])
	page := browser.open(t, asked.Get("redirect_uri")+"?"+url.Values{
		"error":             {"server_error<b>"},
		"error_description": {`<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>` + "\u202e\x1b[2J"},
		"state":             {asked.Get("state")}, "iss": {dev.BaseURL + "/cli/oauth"},
	}.Encode())
	text, _ := page.until(t, "Sign-in did not finish")
	mustContain(t, text, "server_error<b>", "<img src=x")
	page.isClean(t)
	login.exits(t, 4)
	if messages := login.stderr.String(); strings.ContainsAny(messages, "\u202e\x1b") {
		t.Errorf("got control characters on stderr: %q", messages)
	}
}

// isClean checks that no hostile text became markup or a script of the page.
func (b tab) isClean(t *testing.T) {
	t.Helper()
	count := chromedp.Evaluate[int]("document.querySelectorAll('img, script, b, h1 + h1').length")
	if n := evaluate(t, b, count); n > 0 {
		t.Errorf("got %d elements from a text, want 0", n)
	}
	if strings.Contains(evaluate(t, b, chromedp.Title()), "owned") {
		t.Error("got a title that a script in a text has set")
	}
}

// register registers an OAuth client and returns its id.
func register(t *testing.T, dev *devServer, metadata map[string]any) string {
	t.Helper()
	body, err := json.Marshal(metadata)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(dev.BaseURL+"/cli/oauth/register", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var reply struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil || reply.ID == "" {
		t.Fatalf("register: got %s and %v, want a client id", resp.Status, err)
	}
	return reply.ID
}

// query returns the query parameters of an address.
func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
