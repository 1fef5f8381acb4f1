package auth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/auth/page"
)

func TestReadPaste(t *testing.T) {
	t.Parallel()
	attempt := &attempt{provider: newFake(t).provider(), state: "st4te"}
	tests := []struct {
		name, text string
		want       authResponse
	}{
		{"address", "http://127.0.0.1:5/callback?code=abc&state=st4te", authResponse{code: "abc", state: "st4te"}},
		{"without a scheme, quoted", "\"127.0.0.1:5/callback?state=st4te&code=abc\" ", authResponse{code: "abc", state: "st4te"}},
		{
			"with an issuer, in brackets", "<http://127.0.0.1:5/callback?code=abc&state=st4te&iss=https://h>",
			authResponse{code: "abc", state: "st4te", iss: "https://h"},
		},
		{"with a fragment", "http://127.0.0.1:5/callback?code=abc&state=st4te#_=_", authResponse{code: "abc", state: "st4te"}},
		{"query", "code=abc&state=st4te", authResponse{code: "abc", state: "st4te"}},
		{"code and state", "abc#st4te", authResponse{code: "abc", isBare: true}},
		{"code", " abc\r\n", authResponse{code: "abc", isBare: true}},
		{"code with the prefix of a key", "lma_mcp_code_5", authResponse{code: "lma_mcp_code_5", isBare: true}},
		{
			"error", "http://127.0.0.1:5/callback?error=access_denied&state=st4te",
			authResponse{state: "st4te", errorCode: "access_denied"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got, err := attempt.readPaste(test.text); err != nil || got != test.want {
				t.Errorf("readPaste(%q) = %+v, %v, want %+v", test.text, got, err, test.want)
			}
		})
	}
}

func TestIssuerOfResponse(t *testing.T) {
	t.Parallel()
	const issuer, origin = "https://h/cli/oauth", "https://h"
	tests := []struct {
		name         string
		iss          string
		isDiscovered bool // the server has metadata, which promises an issuer
		isValid      bool
	}{
		{"right", issuer, true, true},
		{"another server", "https://evil.example", true, false},
		{"another server, no metadata", "https://evil.example", false, false},
		{"missing", "", true, false},
		{"another path", origin, true, false},
		{"another path, no metadata", origin, false, true},
		{"missing, no metadata", "", false, true},
		{"right, no metadata", issuer, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			attempt := &attempt{server: Server{Issuer: issuer, Discovered: test.isDiscovered, sendsIssuer: test.isDiscovered}}
			if err := attempt.check(authResponse{code: "c", iss: test.iss}); (err == nil) != test.isValid {
				t.Errorf("got %v, want valid: %v", err, test.isValid)
			}
			want := test.isValid || test.iss == ""
			if err := attempt.check(authResponse{code: "c", iss: test.iss, isBare: true}); (err == nil) != want {
				t.Errorf("bare code: got %v, want valid: %v", err, want)
			}
		})
	}
}

// FuzzCallback checks that only a response with the state of the attempt and a well-formed code is accepted, and that the
// result page contains no unescaped text.
func FuzzCallback(f *testing.F) {
	f.Add("code=abc&state=st4te")
	f.Add("error=access_denied&error_description=%3Cscript%3E&state=st4te")
	f.Add("code=a;b&%zz")
	attempt := &attempt{state: "st4te", server: Server{Issuer: "https://h/cli/oauth"}}
	f.Fuzz(func(t *testing.T, query string) {
		q, _ := url.ParseQuery(query)
		r, err := parseResponse(q)
		if err != nil {
			return
		}
		if got, want := attempt.hasState(r.state), q.Get("state") == "st4te"; got != want {
			t.Fatalf("hasState(%q) = %v, want %v", r.state, got, want)
		}
		err = attempt.check(r)
		if err == nil && !isToken(r.code) {
			t.Fatalf("accepted the code %q", r.code)
		}
		out := httptest.NewRecorder()
		page.Write(out, http.StatusOK, resultPage("Lamina", q.Get("code"), err))
		if text := out.Body.String(); strings.Count(text, "<") != strings.Count(text, ">") && !strings.Contains(text, "&") {
			t.Fatalf("unescaped text in the page:\n%s", text)
		}
	})
}

// FuzzPaste checks that a pasted key or token is neither used as a code nor quoted in an error.
func FuzzPaste(f *testing.F) {
	for _, text := range []string{
		"abc", "abc#st4te", "http://127.0.0.1:5/callback?code=abc&state=st4te", "lma_x", "?", "code=&state=st4te", "\x1b[200~abc\x1b[201~",
	} {
		f.Add(text)
	}
	attempt := &attempt{provider: (&fakeServer{}).provider(), state: "st4te"}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := attempt.readPaste(text)
		if err == nil && r.errorCode == "" && !isToken(r.code) {
			t.Fatalf("readPaste(%q) accepted the code %q", text, r.code)
		}
		if err != nil && len(text) > 8 && strings.HasPrefix(text, "lma_") && strings.Contains(err.Error(), text[4:]) {
			t.Fatalf("readPaste(%q): the error quotes the text: %v", text, err)
		}
		if err == nil && strings.HasPrefix(r.code, "lma_mcp_at_") && !strings.Contains(text, "code=") {
			t.Fatalf("readPaste(%q) accepted a token as a code", text)
		}
	})
}
