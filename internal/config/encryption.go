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

// Storage is where the secrets of a profile sit.
type Storage string

// The places.
const (
	StorageFile    Storage = "file"    // in config.json, private to this user
	StorageKeyring Storage = "keyring" // in config.json, encrypted with a key that the OS keyring holds
)

// ParseStorage reads the name of a place.
func ParseStorage(name string) (Storage, error) {
	switch s := Storage(name); s {
	case StorageFile, StorageKeyring:
		return s, nil
	}
	return "", fmt.Errorf("secrets are kept in %q or %q, not %q", StorageFile, StorageKeyring, name)
}

// Encryption is where one profile's secrets sit. The zero value is the file.
//
// The OS keyring holds a random key and nothing else; the tokens stay in the record, sealed with it. So the keyring's
// limits on size do not matter, one write of the file still changes tokens and expiry together, and a refresh, which
// must not fail once the refresh token is spent, never writes to the keyring.
type Encryption struct {
	entry      string // names the key in the keyring; random, so that it is never used again for another key
	ciphertext string // the sealed secrets, as they were read
	key        Secret // keyBytes long, or "" as long as the keyring was not asked
}

const keyBytes = 32

// Storage tells the place.
func (v Encryption) Storage() Storage {
	if v.entry == "" {
		return StorageFile
	}
	return StorageKeyring
}

// Entry names the key in the keyring; "" for the file.
func (v Encryption) Entry() string { return v.entry }

// Format implements fmt.Formatter: a key is never printed. (fmt would not ask Secret, because the field is not exported.)
func (v Encryption) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, string(v.Storage())) }

// secrets is what a box holds.
type secrets struct {
	Token        string `json:"apiKey"`
	RefreshToken string `json:"refreshToken,omitempty"`
}

// NewKey puts a new key into the keyring, and makes sure that it can be read again. Until a record is sealed with it,
// it opens nothing. Errors: *KeyringError.
func (s *Store) NewKey(profile string) (Encryption, error) {
	key, name := make([]byte, keyBytes), make([]byte, 8)
	_, _ = rand.Read(key) // never fails
	_, _ = rand.Read(name)
	v := Encryption{entry: orDefault(profile) + "-" + hex.EncodeToString(name), key: Secret(key)}
	if err := s.keyring.set(v.entry, base64.StdEncoding.EncodeToString(key)); err != nil {
		return Encryption{}, err.of(profile)
	}
	if err := s.step("key written"); err != nil {
		return Encryption{}, err
	}
	if read, err := s.key(v.entry); err != nil {
		return Encryption{}, err.of(profile)
	} else if read != v.key {
		return Encryption{}, &KeyringError{Problem: KeyringFailed, Profile: profile, Err: errors.New("what it was given it gave back changed")}
	}
	return v, nil
}

// DropKey removes a key that seals nothing any more. A missing one is fine, and so is the vault of the file.
// Errors: *KeyringError.
func (s *Store) DropKey(v Encryption) error {
	if v.entry == "" {
		return nil
	}
	if err := s.step("before the key is dropped"); err != nil {
		return err
	}
	if err := s.keyring.remove(v.entry); err != nil && err.Problem != KeyringKeyMissing {
		return err
	}
	return nil
}

// Replace stores a sign-in in place of the one that its profile had, and remembers where its secrets sit. It returns the
// vault that seals nothing any more, for DropKey. A process that dies before that leaves a key that opens nothing.
// Errors: those of Update.
func (s *Store) Replace(ctx context.Context, options UpdateOptions, p Profile) (old Encryption, err error) {
	err = s.UpdateWith(ctx, options, func(d *Document) error {
		before, _ := d.Profile(p.Name)
		old = before.Encryption
		d.SetProfile(p)
		d.SetStorage(p.Name, p.Encryption.Storage())
		return nil
	})
	return old, err
}

// Move puts the secrets of a profile into another place, and remembers the choice. It returns the vault that seals
// nothing any more, for DropKey. No refresh runs meanwhile. Errors: *KeyringError and those of Update.
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
	if _, err := s.Decrypt(p); err != nil { // while no lock on the document is held
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

// Decrypt returns the profile with its secrets. The keyring is asked only if the profile says so, and once for each key.
// Errors: *KeyringError.
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

// encrypt encrypts the secrets of a credential: AES-256-GCM with a random nonce.
func (v Encryption) encrypt(c Credential) string {
	plain, err := json.Marshal(secrets{c.Token.Reveal(), c.RefreshToken.Reveal()})
	if err != nil {
		panic("config: two strings have no JSON form: " + err.Error())
	}
	box := v.cipher().Seal(nil, nil, plain, v.binding(c)) //nolint:gosec // this cipher makes a random nonce by itself
	return base64.StdEncoding.EncodeToString(box)
}

func (v Encryption) decrypt(c Credential) (secrets, bool) {
	var found secrets
	box, err := base64.StdEncoding.DecodeString(v.ciphertext)
	if err != nil {
		return found, false
	}
	plain, err := v.cipher().Open(nil, nil, box, v.binding(c))
	if err != nil {
		return found, false
	}
	return found, json.Unmarshal(plain, &found) == nil && found.Token != ""
}

func (v Encryption) cipher() cipher.AEAD {
	block, err := aes.NewCipher([]byte(v.key.Reveal()))
	if err != nil {
		panic("config: a key of the wrong length got through: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("config: AES has no GCM: " + err.Error())
	}
	return aead
}

// binding ties a box to its host: whoever can change the file, but not read the keyring, cannot have the secrets sent
// elsewhere.
func (v Encryption) binding(c Credential) []byte {
	return []byte("lamina vault 1\n" + v.entry + "\n" + string(c.Kind) + "\n" + c.BaseURL)
}
