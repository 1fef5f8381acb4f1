package auth

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/provider"
)

func TestClean(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"control characters", "a\x1b[31mb\nc\td", "a[31mb c d"},
		{"invisible characters", "\u202eevil\u200b", "evil"},
		{"surrounding white space", "\nx\n", "x"},
		{"not UTF-8", "\xff\xfe", ""},
		{"too long", "0123456789abc", "0123456789..."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := clean(test.text, 10); got != test.want {
				t.Errorf("clean(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}

// FuzzTokenReply checks that every token response gives a well-formed token or an error that is safe to print.
func FuzzTokenReply(f *testing.F) {
	f.Add("application/json", []byte(`{"access_token":"a","expires_in":3600,"refresh_token":"r","token_type":"Bearer","scope":"x"}`), 200)
	f.Add("text/plain", []byte(`access_token=a&expires_in=9`), 200)
	f.Add("application/json", []byte(`{"error":"invalid_grant","error_description":"\u001b"}`), 400)
	f.Add("", []byte(`{"expires_in":{},"access_token":1e999}`), 200)
	var kind string
	var body []byte
	var status int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	f.Cleanup(server.Close)
	login := DeviceLogin{DeviceCode: "d", BaseURL: server.URL, Server: fixedServer(server.URL, provider.Lamina().OAuth)}
	f.Fuzz(func(t *testing.T, k string, b []byte, s int) {
		kind, body, status = k, b, 200+(s%400+400)%400
		if strings.ContainsAny(k, "\r\n\x00") || status == 204 || status == 304 {
			return
		}
		c, err := (&Device{Provider: provider.Lamina()}).poll(t.Context(), login)
		if err == nil && (!isToken(c.Token.Reveal()) || c.Lifetime <= 0) {
			t.Fatalf("response %q: got token %q, lifetime %s", b, c.Token.Reveal(), c.Lifetime)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\r\x1b") {
			t.Fatalf("got control characters in %q", err)
		}
	})
}
