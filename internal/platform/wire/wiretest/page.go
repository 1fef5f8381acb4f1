package wiretest

import "strings"

// WantPage fails the test unless the reply is an HTML page with the headers of page.Render and without scripts and inline
// styles.
func (r Reply) WantPage() {
	r.T.Helper()
	for header, want := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"X-Frame-Options":         "DENY",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "no-referrer",
		"Cache-Control":           "no-store",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	} {
		if got := r.Header.Get(header); got != want {
			r.T.Errorf("header %s: got %q, want %q", header, got, want)
		}
	}
	for _, forbidden := range []string{"<script", "<style", " style=", " onclick=", "ZgotmplZ"} {
		if strings.Contains(r.Body, forbidden) {
			r.T.Errorf("the page has %q: %s", forbidden, r.Body)
		}
	}
}
