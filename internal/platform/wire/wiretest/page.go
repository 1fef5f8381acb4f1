package wiretest

import "strings"

// policy is the Content-Security-Policy of pages.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// WantPage fails the test unless the reply is an HTML page with the headers of page.Render and without scripts and inline
// styles.
func (r Reply) WantPage() {
	r.T.Helper()
	r.wantPage(policy, r.Body)
}

// WantLivePage is WantPage for a page of page.RenderLive, which has the one script of the pages.
func (r Reply) WantLivePage() {
	r.T.Helper()
	before, after, found := strings.Cut(r.Body, `<script src="/pages/live.js" defer></script>`)
	if !found {
		r.T.Errorf("the page has no script that keeps it up to date: %s", r.Body)
	}
	r.wantPage(policy+"; script-src 'self'; connect-src 'self'; media-src 'self'", before+after)
}

func (r Reply) wantPage(policy, body string) {
	r.T.Helper()
	for header, want := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"X-Frame-Options":         "DENY",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "no-referrer",
		"Cache-Control":           "no-store",
		"Content-Security-Policy": policy,
	} {
		if got := r.Header.Get(header); got != want {
			r.T.Errorf("header %s: got %q, want %q", header, got, want)
		}
	}
	for _, forbidden := range []string{"<script", "<style", " style=", " onclick=", "ZgotmplZ"} {
		if strings.Contains(body, forbidden) {
			r.T.Errorf("the page has %q: %s", forbidden, body)
		}
	}
}
