package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/uselamina/lamina/internal/config"
)

func pemKey(t *testing.T, kind string, der []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func jwkOf(t *testing.T, key any, id, algorithm string) []byte {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: id, Algorithm: algorithm})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func keyFile(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client.key")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestPrivateKeyJWT checks the assertion of every request: its signature, its claims, and that it is never repeated.
func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	private, curve := rsaKey(t), ecKey(t, elliptic.P256())
	pkcs8, pkcs8Err := x509.MarshalPKCS8PrivateKey(private)
	sec1, sec1Err := x509.MarshalECPrivateKey(curve)
	pkcs8EC, pkcs8ECErr := x509.MarshalPKCS8PrivateKey(curve)
	tests := []struct {
		name      string
		file      []byte
		public    any
		algorithm jose.SignatureAlgorithm
		keyID     string
		audience  string // "" expects the issuer
	}{
		{"PKCS #8", pemKey(t, "PRIVATE KEY", pkcs8, pkcs8Err), private.Public(), jose.RS256, "", ""},
		{"PKCS #1", pemKey(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(private), nil), private.Public(), jose.RS256, "", "https://id.example/token"},
		{"EC", pemKey(t, "EC PRIVATE KEY", sec1, sec1Err), curve.Public(), jose.ES256, "", ""},
		{"EC in PKCS #8", pemKey(t, "PRIVATE KEY", pkcs8EC, pkcs8ECErr), curve.Public(), jose.ES256, "", ""},
		{"JWK", jwkOf(t, private, "key-1", "PS256"), private.Public(), jose.PS256, "key-1", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newIDServer(t)
			s.metadata["token_endpoint_auth_methods_supported"] = []string{authKey}
			server := s.discover(t)
			auth, err := server.WithKey(keyFile(t, test.file), test.audience)
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
				id := checkAssertion(t, r.values.Get("client_assertion"), test.public, test.algorithm, test.keyID, want)
				if seen[id] {
					t.Errorf("%s repeats the assertion %s", r.path, id)
				}
				seen[id] = true
			}
		})
	}
}

// checkAssertion verifies an assertion and returns its id.
func checkAssertion(t *testing.T, assertion string, public any, algorithm jose.SignatureAlgorithm, keyID, audience string) string {
	t.Helper()
	signed, err := jose.ParseSignedCompact(assertion, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		t.Fatalf("got assertion %q: %v", assertion, err)
	}
	raw, err := signed.Verify(public)
	if err != nil {
		t.Fatal(err)
	}
	header := signed.Signatures[0].Header
	if header.KeyID != keyID || header.ExtraHeaders["typ"] != "JWT" || header.JSONWebKey != nil {
		t.Errorf("got header %+v, want key id %q and type JWT", header, keyID)
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

func TestClientKeyRefused(t *testing.T) {
	t.Parallel()
	curve := ecKey(t, elliptic.P224())
	sec1, sec1Err := x509.MarshalECPrivateKey(curve)
	// A smaller key cannot be generated; its modulus is enough here.
	small := rsaKey(t)
	tests := []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "no private key"},
		{"text", []byte("s3cret"), "no private key"},
		{"certificate", pemKey(t, "CERTIFICATE", []byte("x"), nil), "no private key"},
		{"passphrase", pemKey(t, "ENCRYPTED PRIVATE KEY", []byte("x"), nil), "passphrase"},
		{"old passphrase", []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\neA==\n-----END RSA PRIVATE KEY-----\n"), "passphrase"},
		{"damaged", pemKey(t, "PRIVATE KEY", []byte("x"), nil), "damaged"},
		{"public JWK", jwkOf(t, small.Public(), "", ""), "public key"},
		{"shared secret", []byte(`{"kty":"oct","k":"czNjcmV0"}`), "type is not supported"},
		{"another curve", pemKey(t, "EC PRIVATE KEY", sec1, sec1Err), "type is not supported"},
		{"another algorithm", jwkOf(t, small, "", "ES256"), "does not fit"},
		{"not a JWK", []byte(`{"kty":"RSA"}`), "not a valid JWK"},
		{"large", []byte(strings.Repeat("x", maxKeyFile+1)), "too large"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := CheckClientKey(keyFile(t, test.content))
			var refused *ClientKeyError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want a *ClientKeyError with %q", err, test.want)
			}
		})
	}
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		if err := CheckClientKey(t.TempDir()); err == nil {
			t.Error("got no error for a folder")
		}
	})
	t.Run("readable for others", func(t *testing.T) {
		t.Parallel()
		if runtime.GOOS == "windows" {
			t.Skip("Windows has no modes")
		}
		path := keyFile(t, jwkOf(t, small, "", ""))
		if err := CheckClientKey(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if err := CheckClientKey(path); err == nil || !strings.Contains(err.Error(), "0640") {
			t.Errorf("got %v, want an error that names mode 0640", err)
		}
	})
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
	var key *ClientKeyError
	var kept *RefreshError
	if _, err := s.Token(t.Context()); !errors.As(err, &key) || !errors.As(err, &kept) || len(tokens.forms) > 0 {
		t.Errorf("got %v and %d requests, want a *RefreshError with a *ClientKeyError and none", err, len(tokens.forms))
	}
	if c, err := s.load(); err != nil || c.RefreshToken != "rt-1" || !c.EndedAt.IsZero() {
		t.Errorf("stored %+v, %v, want the session unchanged", c, err)
	}
}

func FuzzClientKey(f *testing.F) {
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}`))
	f.Add([]byte(`{"kty":"RSA","n":"AQ","e":"AQAB","d":"AQ"}`))
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\neA==\n-----END EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		key, detail := parseClientKey(raw)
		if detail != "" {
			return
		}
		if _, err := jose.NewSigner(key, nil); err != nil {
			t.Errorf("an accepted key cannot sign: %v", err)
		}
	})
}
