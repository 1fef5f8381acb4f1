package wire

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// bucketServer holds single values: "hmac-key" → random bytes, "order" → the last key of NextOrder, and values of the
// servers (see Tx.Seed).
const bucketServer = "server"

// Secrets computes message authentication codes under a random key of this platform. The store keeps secrets of
// clients only in the form of Digest.
type Secrets struct{ key []byte }

// OpenSecrets returns the secrets of a store. It makes their key at the first use of the store.
func OpenSecrets(st *Store) (*Secrets, error) {
	s := &Secrets{}
	err := st.Update(func(tx *Tx) error {
		s.key = tx.Seed("hmac-key", 32)
		return nil
	})
	return s, err
}

// Digest returns the form in which a secret is stored and looked up: HMAC-SHA256 in hex.
func (s *Secrets) Digest(secret string) string { return hex.EncodeToString(s.MAC(secret)) }

// MAC returns the HMAC-SHA256 of a text.
func (s *Secrets) MAC(text string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// Seed returns the random bytes with a name. It makes them at the first call.
func (t *Tx) Seed(name string, size int) []byte {
	if t.Bytes(bucketServer, name) == nil {
		t.PutBytes(bucketServer, name, RandomBytes(size))
	}
	return t.Bytes(bucketServer, name)
}

// RandomBytes returns n random bytes.
func RandomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}

// RandomToken returns n random bytes in unpadded base64url.
func RandomToken(n int) string { return base64.RawURLEncoding.EncodeToString(RandomBytes(n)) }

// NewUUID returns a random UUID (RFC 9562, version 4).
func NewUUID() string {
	b := RandomBytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
