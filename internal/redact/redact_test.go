package redact_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/redact"
)

func TestText(t *testing.T) {
	t.Parallel()
	const secret = "to/ken+0123456789=="
	set := redact.New(func() []string { return []string{"lma_", "sk-lf-"} })
	set.Add(secret)
	set.Add("short")
	tests := []struct {
		name string
		text string
		want string
	}{
		{"plain", "the token " + secret + " is wrong", "the token [redacted] is wrong"},
		{"JSON escapes of slashes", `the token to\/ken+0123456789== is wrong`, "the token [redacted] is wrong"},
		{"JSON escapes of letters", `the token \u0074o/ken+0123456789== is wrong`, "the token [redacted] is wrong"},
		{"URL-encoded", "?token=" + url.QueryEscape(secret), "?token=[redacted]"},
		{"base64", "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+secret)), "Basic [redacted]"},
		{"base64 of URLs", base64.RawURLEncoding.EncodeToString([]byte(secret)), "[redacted]"},
		{"key shape that was not recorded", `unknown command "lma_0123456789abcdef"`, `unknown command "[redacted]"`},
		{"key shape in base64", base64.StdEncoding.EncodeToString([]byte("sk-lf-0123456789abcdef")), "[redacted]"},
		{"too short for a key", "keys start with lma_ or lma_x", "keys start with lma_ or lma_x"},
		{"too short for a secret", "a short word", "a short word"},
		{"escapes without a secret", `100% of \u0041 and C:\new`, `100% of \u0041 and C:\new`},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := set.Text(tt.text); got != tt.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	set := redact.New(nil)
	set.Add("0123456789")
	got := string(set.JSON(json.RawMessage(`{"a":["x 0123456789","\u0030123456789"],"n":1.50}`)))
	if want := `{"a":["x [redacted]","[redacted]"],"n":1.50}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	const clean = `{ "order" : 1, "as it came":true}`
	if got := string(set.JSON(json.RawMessage(clean))); got != clean {
		t.Errorf("got %s, want %s", got, clean)
	}
}

func TestNilSet(t *testing.T) {
	t.Parallel()
	var set *redact.Set
	set.Add("0123456789")
	if got := set.Text("0123456789"); got != "0123456789" {
		t.Errorf("got %q", got)
	}
	redact.Record(context.Background(), "0123456789") // without a set: nothing happens
}

func TestRecord(t *testing.T) {
	t.Parallel()
	set := redact.New(nil)
	redact.Record(redact.NewContext(context.Background(), set), "0123456789")
	if got := set.Text("0123456789"); got != redact.Mark {
		t.Errorf("got %q, want %q", got, redact.Mark)
	}
}

// FuzzText checks that no text around a secret makes it visible.
func FuzzText(f *testing.F) {
	f.Add("", "")
	f.Add(`"\u00`, `\"%4`)
	f.Add("base64", "=")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "s3cr3t-0123456789"
		set := redact.New(func() []string { return []string{"lma_"} })
		set.Add(secret)
		if got := set.Text(before + secret + after); strings.Contains(got, secret) {
			t.Errorf("Text(%q) = %q", before+secret+after, got)
		}
	})
}
