package clientkey

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

// TestSign checks that keys of every form sign, with the right algorithm.
func TestSign(t *testing.T) {
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
	}{
		{"PKCS #8", pemKey(t, "PRIVATE KEY", pkcs8, pkcs8Err), private.Public(), jose.RS256, ""},
		{"PKCS #1", pemKey(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(private), nil), private.Public(), jose.RS256, ""},
		{"EC", pemKey(t, "EC PRIVATE KEY", sec1, sec1Err), curve.Public(), jose.ES256, ""},
		{"EC in PKCS #8", pemKey(t, "PRIVATE KEY", pkcs8EC, pkcs8ECErr), curve.Public(), jose.ES256, ""},
		{"JWK", jwkOf(t, private, "key-1", "PS256"), private.Public(), jose.PS256, "key-1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, err := Sign(keyFile(t, test.file), map[string]string{"iss": "app id"})
			if err != nil {
				t.Fatal(err)
			}
			signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{test.algorithm})
			if err != nil {
				t.Fatalf("got %q: %v", text, err)
			}
			if claims, err := signed.Verify(test.public); err != nil || string(claims) != `{"iss":"app id"}` {
				t.Errorf("got claims %s, %v", claims, err)
			}
			header := signed.Signatures[0].Header
			if header.KeyID != test.keyID || header.ExtraHeaders["typ"] != "JWT" || header.JSONWebKey != nil {
				t.Errorf("got header %+v, want key id %q and type JWT", header, test.keyID)
			}
		})
	}
}

func TestRefused(t *testing.T) {
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
			err := Check(keyFile(t, test.content))
			var refused *Error
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want a *Error with %q", err, test.want)
			}
		})
	}
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		if err := Check(t.TempDir()); err == nil {
			t.Error("got no error for a folder")
		}
	})
	t.Run("readable for others", func(t *testing.T) {
		t.Parallel()
		if runtime.GOOS == "windows" {
			t.Skip("Windows has no modes")
		}
		path := keyFile(t, jwkOf(t, small, "", ""))
		if err := Check(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if err := Check(path); err == nil || !strings.Contains(err.Error(), "0640") {
			t.Errorf("got %v, want an error that names mode 0640", err)
		}
	})
}

func FuzzKey(f *testing.F) {
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}`))
	f.Add([]byte(`{"kty":"RSA","n":"AQ","e":"AQAB","d":"AQ"}`))
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\neA==\n-----END EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		key, detail := parse(raw)
		if detail != "" {
			return
		}
		if _, err := jose.NewSigner(key, nil); err != nil {
			t.Errorf("an accepted key cannot sign: %v", err)
		}
	})
}
