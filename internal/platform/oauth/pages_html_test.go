package oauth

import (
	"strings"
	"testing"
)

// The address comes from a client, so that a link to it must not run anything.
func TestReturnPageLinksOnlyToTheWeb(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"https://app.example.com/cb?code=a&state=b": `<a href="https://app.example.com/cb?code=a&amp;state=b">`,
		"http://127.0.0.1:49152/cb?code=a":          `<a href="http://127.0.0.1:49152/cb?code=a">`,
		"http://[::1]:49152/cb":                     `<a href="http://[::1]:49152/cb">`,
		`https://h/?a="onclick="x`:                  `<a href="https://h/?a=&#34;onclick=&#34;x">`,
		"http://app.example.com/cb":                 `<a>`,
		"http://localhost.example.com/cb":           `<a>`,
		"javascript:alert(1)":                       `<a>`,
		"\tjavascript:alert(1)":                     `<a>`,
		"JavaScript://127.0.0.1/%0aalert(1)":        `<a>`,
		"data:text/html,x":                          `<a>`,
		"//app.example.com/cb":                      `<a>`,
		"https://h/\x00":                            `<a>`,
	} {
		var out strings.Builder
		_ = drawReturn("An app", next).Render(&out)
		if !strings.Contains(out.String(), want+"go on from here</a>") {
			t.Errorf("%q: %s", next, out.String())
		}
	}
}
