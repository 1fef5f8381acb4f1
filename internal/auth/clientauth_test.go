package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/uselamina/lamina/internal/auth/clientkey"
	"github.com/uselamina/lamina/internal/config"
)

// TestPrivateKeyJWT checks the assertion of every request: its signature, its claims, and that it is never repeated.
func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(jose.JSONWebKey{Key: private})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "client.key")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, audience string // an audience of "" expects the issuer
	}{
		{"issuer", ""},
		{"another audience", "https://id.example/token"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newIDServer(t)
			s.metadata["token_endpoint_auth_methods_supported"] = []string{authKey}
			server := s.discover(t)
			auth, err := server.WithKey(path, test.audience)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, r := range s.useClient(t, server, auth) {
				if kind := r.values.Get("client_assertion_type"); kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
					t.Errorf("%s: got assertion type %q", r.path, kind)
				}
				if r.header.Get("Authorization") != "" || r.values.Get("client_id") != "app id" {
					t.Errorf("%s: got header %v, client %q, want only the assertion", r.path, r.header["Authorization"], r.values.Get("client_id"))
				}
				want := test.audience
				if want == "" {
					want = s.URL
				}
				id := checkAssertion(t, r.values.Get("client_assertion"), private.Public(), want)
				if seen[id] {
					t.Errorf("%s repeats the assertion %s", r.path, id)
				}
				seen[id] = true
			}
		})
	}
}

// checkAssertion verifies an assertion and returns its id.
func checkAssertion(t *testing.T, assertion string, public any, audience string) string {
	t.Helper()
	signed, err := jose.ParseSignedCompact(assertion, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatalf("got assertion %q: %v", assertion, err)
	}
	raw, err := signed.Verify(public)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		ID       string `json:"jti"`
		Issued   int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Issuer != "app id" || claims.Subject != "app id" || claims.Audience != audience || len(claims.ID) < 20 || claims.Expires-claims.Issued != 60 {
		t.Errorf("got claims %s, want audience %s and a lifetime of 60 s", raw, audience)
	}
	return claims.ID
}

// TestMissingClientKey checks that a refresh without the key sends nothing and keeps the session.
func TestMissingClientKey(t *testing.T) {
	t.Parallel()
	tokens := newTokenServer(t)
	s := foreignSession(t, tokens)
	err := s.Store.Update(t.Context(), func(d *config.Document) error {
		p, _ := d.Profile("")
		p.Credential.ClientAuth, p.Credential.ClientKeyFile = authKey, filepath.Join(t.TempDir(), "gone")
		d.SetProfile(p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var key *clientkey.Error
	var kept *RefreshError
	if _, err := s.Token(t.Context()); !errors.As(err, &key) || !errors.As(err, &kept) || len(tokens.forms) > 0 {
		t.Errorf("got %v and %d requests, want a *RefreshError with a *clientkey.Error and none", err, len(tokens.forms))
	}
	if c, err := s.load(); err != nil || c.RefreshToken != "rt-1" || !c.EndedAt.IsZero() {
		t.Errorf("stored %+v, %v, want the session unchanged", c, err)
	}
}
