package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// browserOverview looks at the page of the platform while runs change: it changes by itself, and runs no script of a client.
func browserOverview(t *testing.T, browser chromium, _ *devServer) {
	dev := newDev(t, "--auto-approve")
	u := newUser(t, dev.BaseURL, "CI=", "LAMINA_API_KEY="+dev.APIKey)
	page := browser.open(t, dev.BaseURL)
	text, _ := page.until(t, "Lamina, on your own computer")
	mustContain(t, text, "None yet.", "Poster", "Countdown")
	run := strings.TrimSpace(u.output(t, "run", "countdown", "--input", "seconds=60", "--jq", ".data.runId"))
	u.output(t, "run", "poster", "--input", `text=<img src=x onerror="document.title='hostile'">`, "--wait", "--quiet")
	page.do(t, chromedp.WaitVisible(chromedp.CSS(`#runs .status.good`)), chromedp.WaitVisible(chromedp.CSS(`#runs progress`)))
	u.output(t, "runs", "cancel", run)
	page.do(t, chromedp.WaitVisible(`//section[@id="runs"]//span[normalize-space()="cancelled"]`))
	if title := evaluate(t, page, chromedp.Title()); title != "Local platform – Lamina" {
		t.Errorf("got the title %q: a script of a client ran", title)
	}
	static := browser.open(t, dev.BaseURL+"/runs/"+run, withoutScripts)
	text, _ = static.until(t, "Run of Countdown")
	mustContain(t, text, "cancelled", "seconds")
	_ = dev.stop()
	page.do(t, chromedp.WaitVisible(chromedp.CSS(`#stopped`)))
}
