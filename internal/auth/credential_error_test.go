package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// signedIn returns a session at the server of baseURL whose access token has expired.
func signedIn(t *testing.T, baseURL string) *auth.Session {
	t.Helper()
	store := &config.Store{Dir: t.TempDir()}
	obtained := time.Now().Add(-2 * time.Hour)
	err := store.Update(t.Context(), func(d *config.Document) error {
		d.SetProfile(config.Profile{Name: "work", Credential: config.Credential{
			Kind: config.OAuth, Token: "at", RefreshToken: "rt", BaseURL: baseURL, ClientID: "c", ObtainedAt: obtained, Lifetime: time.Hour,
		}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return &auth.Session{Store: store, Profile: "work", Provider: provider.Lamina()}
}

// TestCredentialErrors checks that a caller of the API can distinguish a missing credential from an unreachable service.
func TestCredentialErrors(t *testing.T) {
	t.Parallel()
	respond := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	tests := []struct {
		name        string
		baseURL     string
		profile     string
		want        any
		isTemporary bool
	}{
		{"session ended", respond(400, `{"error":"invalid_grant"}`), "work", new(*auth.SessionEndedError), false},
		{"refresh failed", respond(503, `{}`), "work", new(*auth.RefreshError), true},
		{"authorization server not reachable", down.URL, "work", new(*auth.UnreachableError), true},
		{"not signed in", down.URL, "home", new(*auth.NotSignedInError), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			session := signedIn(t, test.baseURL)
			session.Profile = test.profile
			client := &api.Client{
				BaseURL: test.baseURL, HTTP: &http.Client{Transport: &auth.Transport{Header: "x-api-key", Source: session}},
				Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
			}
			_, err := client.Account(t.Context())
			var credential *auth.CredentialError
			if !errors.As(err, &credential) || !errors.As(err, test.want) {
				t.Fatalf("got %T %v, want an *auth.CredentialError with cause %T", err, err, test.want)
			}
			if got := credential.Temporary(); got != test.isTemporary {
				t.Errorf("got temporary: %v, want %v", got, test.isTemporary)
			}
			if unreachable := (*api.UnreachableError)(nil); errors.As(err, &unreachable) {
				t.Errorf("got an *api.UnreachableError in %v, want none", err)
			}
			if err.Error() != credential.Error() {
				t.Errorf("got %q, want %q without a URL before it", err, credential)
			}
		})
	}
}

// The end of the request's own context is not an error of the credential.
func TestCancelledRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	session := signedIn(t, server.URL)
	client := &api.Client{BaseURL: server.URL, HTTP: &http.Client{Transport: &auth.Transport{Header: "x-api-key", Source: session}}}
	_, err := client.Account(ctx)
	var unreachable *api.UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Kind != api.Interrupted {
		t.Errorf("got %T %v, want an *api.UnreachableError of kind %s", err, err, api.Interrupted)
	}
	session.Wait(time.Second)
}
