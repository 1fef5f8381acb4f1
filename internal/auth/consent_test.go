package auth

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/config"
)

func TestConsent(t *testing.T) {
	t.Parallel()
	t.Run("asked for only where no refresh token came", func(t *testing.T) {
		t.Parallel()
		s := newIDServer(t)
		s.needsConsent = true
		explained := 0
		client := companyClient(s.discover(t), ClientAuth{}, "audience=x")
		c, page := s.signIn(t, client, func(l *Loopback) { l.ShowConsent = func(address string) { s.show(address); explained++ } })
		requests := s.authorizations()
		if len(requests) != 2 || requests[0].values.Has("prompt") || requests[1].values.Get("prompt") != "consent" {
			t.Fatalf("got authorization requests %v, want one without prompt, then one with prompt=consent", requests)
		}
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			if requests[0].values.Get(name) == requests[1].values.Get(name) {
				t.Errorf("the second request repeats %s", name)
			}
		}
		if requests[1].values.Get("audience") != "x" || requests[0].values.Get("redirect_uri") != requests[1].values.Get("redirect_uri") {
			t.Errorf("got second request %v, want the parameters and the redirect URI of the first one", requests[1].values)
		}
		if c.RefreshToken == "" || c.Params != "audience=x&prompt=consent" || explained != 1 {
			t.Errorf("got refresh token %v, parameters %q, %d explanations, want a token, and the prompt remembered", c.RefreshToken, c.Params, explained)
		}
		if page.status != http.StatusOK || !strings.Contains(page.body, "sam@example.com") {
			t.Errorf("the browser ended with status %d, %v:\n%s", page.status, page.err, page.body)
		}
		s.signIn(t, ClientOf(c), nil)
		if requests := s.authorizations(); len(requests) != 3 || requests[2].values.Get("prompt") != "consent" {
			t.Errorf("the next sign-in: got %d requests, want one more with prompt=consent", len(requests))
		}
	})
	tests := []struct {
		name, params string
		prepare      func(*idServer)
		requests     int
		wantParams   string
	}{
		{"a refresh token at once", "", nil, 1, ""},
		{"the second request is refused", "", func(s *idServer) { s.needsConsent, s.refuseConsent = true, "consent_required" }, 2, ""},
		{"the user chose a prompt", "prompt=login", func(s *idServer) { s.needsConsent = true }, 1, "prompt=login"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newIDServer(t)
			if test.prepare != nil {
				test.prepare(s)
			}
			c, page := s.signIn(t, companyClient(s.discover(t), ClientAuth{}, test.params), nil)
			if got := len(s.authorizations()); got != test.requests || c.Params != test.wantParams || c.Token == "" || page.status != http.StatusOK {
				t.Errorf("got %d authorization requests, parameters %q, page %d, want %d, %q and 200", got, c.Params, page.status, test.requests, test.wantParams)
			}
		})
	}
}

// TestConsentWithPaste checks that the second authorization response can be pasted, and that the first one is not taken for it.
func TestConsentWithPaste(t *testing.T) {
	t.Parallel()
	s := newIDServer(t)
	s.needsConsent = true
	lines := make(chan string, 2)
	open := func(address string) {
		resp, err := noFollow.Get(address)
		if err != nil {
			t.Error(err)
			return
		}
		_ = resp.Body.Close()
		lines <- resp.Header.Get("Location")
	}
	server := s.discover(t)
	l := &Loopback{
		Provider: openID(), BaseURL: "https://api.example", Server: server, Client: companyClient(server, ClientAuth{}, ""),
		ShowURL: open, ShowConsent: open,
		Paste: func(ctx context.Context) (string, error) {
			select {
			case line := <-lines:
				return line, nil
			case <-ctx.Done():
				return "", io.EOF
			}
		},
		ShowPasteError: func(err error) { t.Errorf("got paste error %v, want none", err) },
		Finish:         func(context.Context, config.Credential) (string, error) { return "", nil },
	}
	if c, err := l.Run(t.Context()); err != nil || c.RefreshToken == "" {
		t.Errorf("got %+v, %v, want a refresh token", c, err)
	}
}
