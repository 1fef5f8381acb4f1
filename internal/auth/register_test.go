package auth

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	const redirect = "http://127.0.0.1:5/callback"
	client, err := Register(t.Context(), nil, f.discover(), f.provider(), Registration{RedirectURI: redirect})
	if err != nil || f.clients[client.ID] != redirect || client.Issuer != f.URL+"/cli/oauth" {
		t.Fatalf("got %+v, %v, want a client with redirect URI %s", client, err, redirect)
	}
}

func TestRegisterErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   any
	}{
		{"refused", 400, `{"error":"invalid_redirect_uri","error_description":"no\u0007"}`, new(*OAuthError)},
		{"no id", 201, `{"client_secret":"lma_x"}`, new(*ResponseError)},
		{"malformed id", 201, `{"client_id":"a b"}`, new(*ResponseError)},
		{"client with a secret", 201, `{"client_id":"a","token_endpoint_auth_method":"client_secret_basic"}`, new(*ResponseError)},
		{"not JSON", 200, `<html>`, new(*ResponseError)},
		{"502", 502, `bad gateway`, new(*StatusError)},
		{"redirect", 307, ``, new(*StatusError)},
		{"too large", 201, strings.Repeat("x", maxResponse+1), new(*ResponseError)},
		{"429", 429, `{"error":"rate"}`, new(*StatusError)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			p := provider.Lamina()
			_, err := Register(t.Context(), nil, fixedServer(server.URL, p.OAuth), p, Registration{RedirectURI: "http://127.0.0.1/callback"})
			if !errors.As(err, test.want) || strings.Contains(err.Error(), "lma_x") || strings.ContainsRune(err.Error(), 7) {
				t.Errorf("got %T %v, want %T without the body", err, err, test.want)
			}
		})
	}
}

// A client that the user named is used at its issuer and at no other.
func TestUserProvidedClient(t *testing.T) {
	t.Parallel()
	saved := ClientOf(config.Credential{ThirdParty: true, ClientID: "mine", Issuer: "https://id.example"})
	if !saved.UserProvided {
		t.Fatalf("got %+v for a session without a registration endpoint, want a user-provided client", saved)
	}
	tests := []struct {
		name, issuer string
		isUsed       bool
	}{
		{"its issuer", "https://id.example", true},
		{"another issuer", "https://other.example", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			const redirect = "http://127.0.0.1:7/callback"
			l := &Loopback{Provider: provider.Lamina(), Server: Server{Issuer: test.issuer, ThirdParty: true}, Client: saved}
			client, err := l.client(t.Context(), redirect)
			if got := err == nil && client.ID == "mine" && client.RedirectURI == redirect; got != test.isUsed {
				t.Errorf("got %+v, %v, want used: %v", client, err, test.isUsed)
			}
			if refused := (*RegistrationError)(nil); !test.isUsed && !errors.As(err, &refused) {
				t.Errorf("got %v, want a *RegistrationError", err)
			}
		})
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	formats := []struct {
		name  string
		forms bool
	}{{"JSON", false}, {"forms", true}}
	for _, test := range formats {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t)
			s.metadata, s.forms = true, test.forms
			if err := Revoke(t.Context(), nil, s.provider(), s.stored()); err != nil {
				t.Fatal(err)
			}
			if len(s.revoked) != 1 || s.revoked[0] != "rt-secret-0" {
				t.Errorf("got revoked tokens %v, want rt-secret-0", s.revoked)
			}
		})
	}
	s := newRig(t)
	elsewhere := s.stored()
	elsewhere.RevocationEndpoint = "https://evil.example/revoke"
	refusals := []struct {
		name       string
		credential config.Credential
		want       any
	}{
		{"service without revocation", s.stored(), new(*NotOfferedError)},
		{"API key", config.Credential{Kind: config.APIKey, Token: "lma_k"}, new(*NotOfferedError)},
		{"endpoint on another origin", elsewhere, new(*safeurl.Error)},
	}
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := Revoke(t.Context(), nil, s.provider(), test.credential); !errors.As(err, test.want) {
				t.Errorf("got %T %v, want %T", err, err, test.want)
			}
		})
	}
}
