package config

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Storage says how the secrets of a profile are stored.
type Storage string

// The kinds of storage.
const (
	StorageFile    Storage = "file"    // as they are, in files which only this user can read
	StorageKeyring Storage = "keyring" // in profiles.json, encrypted with a key in the OS keyring
)

// ParseStorage converts the name of a kind of storage.
func ParseStorage(name string) (Storage, error) {
	switch s := Storage(name); s {
	case StorageFile, StorageKeyring:
		return s, nil
	}
	return "", fmt.Errorf("secrets are stored in %q or %q, not %q", StorageFile, StorageKeyring, name)
}

// Encryption says whether the secrets of a profile are encrypted, and with which key. The zero value means that they are not
// encrypted.
//
// The OS keyring holds only a random key. The encrypted tokens are in profiles.json. This has three advantages: the size limits
// of keyrings do not matter; one write of the file changes the tokens and their expiry together; and a refresh, which must
// not fail after the refresh token is spent, never writes to the keyring.
type Encryption struct {
	entry      string // the random name of the key in the keyring; no name is used for a second key
	ciphertext string // the encrypted secrets, as in the file
	key        Secret // keyBytes long; "" until the keyring was read
}

const keyBytes = 32

// Storage returns the kind of storage.
func (e Encryption) Storage() Storage {
	if e.entry == "" {
		return StorageFile
	}
	return StorageKeyring
}

// Entry returns the name of the key in the keyring. It is "" if the secrets are not encrypted.
func (e Encryption) Entry() string { return e.entry }

// Format implements fmt.Formatter and never prints the key. Secret.Format does not apply, because the field is not exported.
func (e Encryption) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, string(e.Storage())) }

// secrets is the plaintext of Encryption.ciphertext.
type secrets struct {
	Token        string `json:"apiKey"`
	RefreshToken string `json:"refreshToken,omitempty"`
	ClientSecret string `json:"clientSecret,omitempty"`
}

// NewKey creates a key in the keyring, and reads it again to check it. No profile is encrypted with it yet. Errors:
// *KeyringError.
func (s *Store) NewKey(profile string) (Encryption, error) {
	key, name := make([]byte, keyBytes), make([]byte, 8)
	_, _ = rand.Read(key) // never fails
	_, _ = rand.Read(name)
	e := Encryption{entry: orDefault(profile) + "-" + hex.EncodeToString(name), key: Secret(key)}
	if err := s.keyring.set(e.entry, base64.StdEncoding.EncodeToString(key)); err != nil {
		return Encryption{}, err.of(profile)
	}
	if read, err := s.key(e.entry); err != nil {
		return Encryption{}, err.of(profile)
	} else if read != e.key {
		return Encryption{}, &KeyringError{Problem: KeyringFailed, Profile: profile, Err: errors.New("it returned another value than it was given")}
	}
	return e, nil
}

// DropKey removes a key that is no longer used from the keyring. A missing key is no error, and neither is an Encryption
// without a key. Errors: *KeyringError.
func (s *Store) DropKey(e Encryption) error {
	if e.entry == "" {
		return nil
	}
	if err := s.keyring.remove(e.entry); err != nil && err.Problem != KeyringKeyMissing {
		return err
	}
	return nil
}

// Replace stores a sign-in in place of the previous one of the profile, and remembers its storage. It returns the profile that it
// replaced, for a revocation and for DropKey. If the process dies before DropKey, an unused key stays in the keyring.
// Errors: those of Update.
func (s *Store) Replace(ctx context.Context, options UpdateOptions, p Profile) (old Profile, err error) {
	err = s.UpdateWith(ctx, options, func(d *Document) error {
		old, _ = d.Profile(p.Name)
		d.SetProfile(p)
		d.SetStorage(p.Name, p.Encryption.Storage())
		return nil
	})
	return old, err
}

// Move changes the storage of a profile's secrets, and remembers it for later sign-ins. It returns the encryption that is no
// longer used, for DropKey. It holds the refresh lock. Errors: *KeyringError and those of Update.
func (s *Store) Move(ctx context.Context, name string, to Storage) (old Encryption, err error) {
	unlock, err := s.Lock(ctx, RefreshLock(name))
	if err != nil {
		return Encryption{}, err
	}
	defer unlock()
	doc, err := s.Load()
	if err != nil {
		return Encryption{}, err
	}
	p, ok := doc.Profile(name)
	if !ok || p.Encryption.Storage() == to {
		return Encryption{}, s.Update(ctx, func(d *Document) error { d.SetStorage(name, to); return nil })
	}
	if _, err := s.Decrypt(p); err != nil { // the keyring may take long to reply, so read it before the document is locked
		return Encryption{}, err
	}
	target := Encryption{}
	if to == StorageKeyring {
		if target, err = s.NewKey(name); err != nil {
			return Encryption{}, err
		}
	}
	err = s.Update(ctx, func(d *Document) error {
		p, _ := d.Profile(name)
		p, err := s.Decrypt(p)
		if err != nil {
			return err
		}
		old, p.Encryption = p.Encryption, target
		d.SetProfile(p)
		d.SetStorage(name, to)
		return nil
	})
	if err != nil {
		return Encryption{}, errors.Join(err, s.DropKey(target))
	}
	return old, nil
}

// Decrypt returns the profile with its secrets. It reads the keyring only for an encrypted profile, and only once for each
// key. Errors: *KeyringError.
func (s *Store) Decrypt(p Profile) (Profile, error) {
	if p.Encryption.entry == "" || p.Encryption.key != "" {
		return p, nil
	}
	key, err := s.key(p.Encryption.entry)
	if err != nil {
		return p, err.of(p.Name)
	}
	p.Encryption.key = key
	found, ok := p.Encryption.decrypt(p.Credential)
	if !ok {
		return p, &KeyringError{Problem: KeyringMismatch, Profile: p.Name}
	}
	p.Credential.Token, p.Credential.RefreshToken = Secret(found.Token), Secret(found.RefreshToken)
	p.Credential.ClientSecret = Secret(found.ClientSecret)
	return p, nil
}

func (s *Store) key(entry string) (Secret, *KeyringError) {
	text, err := s.keyring.get(entry)
	if err != nil {
		return "", err
	}
	key, broken := base64.StdEncoding.DecodeString(text)
	if broken != nil || len(key) != keyBytes {
		return "", &KeyringError{Problem: KeyringMismatch}
	}
	return Secret(key), nil
}

// encrypt returns the secrets of a credential, encrypted with AES-256-GCM and a random nonce.
func (e Encryption) encrypt(c Credential) string {
	plain, err := json.Marshal(secrets{c.Token.Reveal(), c.RefreshToken.Reveal(), c.ClientSecret.Reveal()})
	if err != nil {
		panic("config: the secrets have no JSON form: " + err.Error())
	}
	sealed := e.cipher().Seal(nil, nil, plain, e.additionalData(c)) //nolint:gosec // this cipher creates its own random nonce
	return base64.StdEncoding.EncodeToString(sealed)
}

func (e Encryption) decrypt(c Credential) (secrets, bool) {
	var found secrets
	sealed, err := base64.StdEncoding.DecodeString(e.ciphertext)
	if err != nil {
		return found, false
	}
	plain, err := e.cipher().Open(nil, nil, sealed, e.additionalData(c))
	if err != nil {
		return found, false
	}
	return found, json.Unmarshal(plain, &found) == nil && found.Token != ""
}

func (e Encryption) cipher() cipher.AEAD {
	block, err := aes.NewCipher([]byte(e.key.Reveal()))
	if err != nil {
		panic("config: the key has a wrong length: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("config: AES has no GCM: " + err.Error())
	}
	return aead
}

// additionalData binds the ciphertext to its host. A program that can change the file but not read the keyring therefore
// cannot have the secrets sent to another host.
func (e Encryption) additionalData(c Credential) []byte {
	return []byte("lamina vault 1\n" + e.entry + "\n" + string(c.Kind) + "\n" + c.BaseURL)
}
