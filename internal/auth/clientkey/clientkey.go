// Package clientkey reads the private key with which a client authenticates itself (OpenID Connect Core section 9,
// private_key_jwt), and signs its assertions. No error quotes a key.
package clientkey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxKeyFile = 64 << 10 // bytes
	minRSABits = 2048     // RFC 7518 section 3.3
)

// Error means that the private key of a client cannot be used. Nothing was sent.
type Error struct {
	Path   string
	Detail string
	Err    error // may be nil
}

// Error describes the problem.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("the client key %s cannot be used: %s: %v", e.Path, e.Detail, e.Err)
	}
	return fmt.Sprintf("the client key %s cannot be used: %s", e.Path, e.Detail)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Check checks that a file holds a private key that only its owner can read. Errors: *Error.
func Check(path string) error {
	_, err := load(path)
	return err
}

// Sign returns a JWT with these claims in its compact form. Errors: *Error.
func Sign(path string, claims any) (string, error) {
	key, err := load(path)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", &Error{Path: path, Detail: "it cannot sign", Err: err}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", &Error{Path: path, Detail: "it cannot sign", Err: err}
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", &Error{Path: path, Detail: "it cannot sign", Err: err}
	}
	return signed.CompactSerialize()
}

// load reads a private key: PEM (PKCS #8, PKCS #1 or SEC 1) or a JWK (RFC 7517). Errors: *Error.
func load(path string) (jose.SigningKey, error) {
	raw, err := readPrivate(path)
	if err != nil {
		return jose.SigningKey{}, err
	}
	key, detail := parse(raw)
	if detail != "" {
		return jose.SigningKey{}, &Error{Path: path, Detail: detail}
	}
	return key, nil
}

// readPrivate reads a file that other users cannot read.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	var cause *os.PathError
	if errors.As(err, &cause) {
		return nil, &Error{Path: path, Detail: "it cannot be read", Err: cause.Err}
	}
	if err != nil {
		return nil, &Error{Path: path, Detail: "it cannot be read", Err: err}
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, &Error{Path: path, Detail: "it cannot be read", Err: err}
	case !info.Mode().IsRegular():
		return nil, &Error{Path: path, Detail: "it is not a file"}
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, &Error{Path: path, Detail: fmt.Sprintf("other users have access to it (mode %04o); make it 0600", info.Mode().Perm())}
	case info.Size() > maxKeyFile:
		return nil, &Error{Path: path, Detail: "it is too large for a key"}
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, &Error{Path: path, Detail: "it cannot be read", Err: err}
	}
	return raw, nil
}

// parse returns a key and its algorithm, or what is wrong with it.
func parse(raw []byte) (key jose.SigningKey, detail string) {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		var jwk jose.JSONWebKey
		if err := jwk.UnmarshalJSON(raw); err != nil {
			return key, "it is not a valid JWK"
		}
		if jwk.IsPublic() {
			return key, "it is a public key, not a private one"
		}
		return signingKey(jwk)
	}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return key, encryptedKey
			}
			private, err := parsePrivate(block)
			if err != nil {
				return key, "it is damaged"
			}
			return signingKey(jose.JSONWebKey{Key: private})
		case "ENCRYPTED PRIVATE KEY":
			return key, encryptedKey
		}
	}
	return key, "it holds no private key in PEM or JWK form"
}

const encryptedKey = "it is encrypted with a passphrase, which is not supported"

func parsePrivate(block *pem.Block) (any, error) {
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// signingKey chooses the algorithm of a key (RFC 7518 section 3.1): the one that a JWK names, if the key fits it, otherwise
// RS256 for RSA.
func signingKey(jwk jose.JSONWebKey) (key jose.SigningKey, detail string) {
	named := jose.SignatureAlgorithm(jwk.Algorithm)
	var possible []jose.SignatureAlgorithm
	switch private := jwk.Key.(type) {
	case *rsa.PrivateKey:
		if private.N.BitLen() < minRSABits {
			return key, fmt.Sprintf("it is an RSA key of %d bits; use at least %d", private.N.BitLen(), minRSABits)
		}
		possible = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.RS384, jose.RS512, jose.PS384, jose.PS512}
	case *ecdsa.PrivateKey:
		possible = curveAlgorithms(private.Curve)
	case ed25519.PrivateKey:
		possible = []jose.SignatureAlgorithm{jose.EdDSA}
	}
	if len(possible) == 0 {
		return key, "its type is not supported; use RSA, or EC with P-256, P-384 or P-521"
	}
	algorithm := possible[0]
	for _, a := range possible {
		if a == named {
			algorithm = a
		}
	}
	if named != "" && algorithm != named {
		return key, "its type does not fit its algorithm"
	}
	return jose.SigningKey{Algorithm: algorithm, Key: jwk}, ""
}

func curveAlgorithms(curve elliptic.Curve) []jose.SignatureAlgorithm {
	switch curve {
	case elliptic.P256():
		return []jose.SignatureAlgorithm{jose.ES256}
	case elliptic.P384():
		return []jose.SignatureAlgorithm{jose.ES384}
	case elliptic.P521():
		return []jose.SignatureAlgorithm{jose.ES512}
	}
	return nil
}
