package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

var signedIn = Credential{
	Kind: OAuth, Token: "access-1", RefreshToken: "refresh-1", BaseURL: "https://a.example", Lifetime: time.Hour,
	EndedReason: "none", Account: Account{Email: "sam@example.com"},
}

// replace stores a sign-in and removes the key of the previous one.
func replace(ctx context.Context, s *Store, name string, c Credential, to Storage) error {
	p := Profile{Name: name, Credential: c}
	if to == StorageKeyring {
		var err error
		if p.Encryption, err = s.NewKey(name); err != nil {
			return err
		}
	}
	old, err := s.Replace(ctx, UpdateOptions{}, p)
	if err != nil {
		return err
	}
	return s.DropKey(old.Encryption)
}

// move changes the storage of a profile and removes the previous key.
func move(ctx context.Context, s *Store, name string, to Storage) error {
	old, err := s.Move(ctx, name, to)
	if err != nil {
		return err
	}
	return s.DropKey(old)
}

func signIn(t *testing.T, s *Store, name string, c Credential, to Storage) {
	t.Helper()
	if err := replace(t.Context(), s, name, c, to); err != nil {
		t.Fatal(err)
	}
}

// decrypted returns a profile with its secrets.
func decrypted(t *testing.T, s *Store, name string) (Profile, error) {
	t.Helper()
	doc, err := s.Load()
	if err != nil {
		t.Error(err)
		return Profile{}, err
	}
	p, ok := doc.Profile(name)
	if !ok {
		t.Errorf("got no credential of profile %q, want one", name)
	}
	return s.Decrypt(p)
}

func wantCredential(t *testing.T, s *Store, name string, want Credential) {
	t.Helper()
	p, err := decrypted(t, s, name)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p.Credential, want) {
		t.Errorf("got  %#v\nwant %#v", p.Credential, want)
	}
}

func TestEncryptedProfile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{DefaultProfile, "work"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring, dir := newRing(), newStore(t).Dir
			signIn(t, ringStore(dir, ring), name, signedIn, StorageKeyring)
			s := ringStore(dir, ring)
			raw, err := os.ReadFile(s.ProfilesPath())
			if err != nil || strings.Contains(string(raw), "access-1") || strings.Contains(string(raw), "refresh-1") {
				t.Errorf("got file %s, %v, want no secret in the clear", raw, err)
			}
			doc, err := s.Load()
			if err != nil {
				t.Fatal(err)
			}
			before := ring.callCount()
			p, ok := doc.Profile(name)
			if !ok || p.Credential.Token != "" || p.Credential.Account != signedIn.Account || p.Encryption.Storage() != StorageKeyring {
				t.Errorf("before Decrypt: got %#v, %v, want the account without secrets", p, ok)
			}
			if got := doc.Storage(name); got != StorageKeyring {
				t.Errorf("got storage %s, want %s", got, StorageKeyring)
			}
			if got := ring.callCount(); got != before {
				t.Errorf("got %d keyring calls before Decrypt, want none", got-before)
			}
			wantCredential(t, s, name, signedIn)
			wantCredential(t, s, name, signedIn)
			if got := ring.callCount() - before; got != 1 {
				t.Errorf("got %d keyring calls of one process, want 1", got)
			}
			if p, _ := decrypted(t, s, name); strings.Contains(fmt.Sprintf("%v %+v %#v", p, p, p), p.Encryption.key.Reveal()) {
				t.Error("a printed profile contains its key, want it redacted")
			}
		})
	}
}

func TestFileStorageNeedsNoKeyring(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageFile)
	wantCredential(t, s, "", signedIn)
	signIn(t, s, "", signedIn, StorageFile)
	if got := ring.callCount(); got != 0 {
		t.Errorf("got %d keyring calls, want none", got)
	}
}

// A refresh stores tokens of any size in one write of the file, and never writes to the keyring.
func TestRefreshWritesOnlyTheFile(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageKeyring)
	p, err := decrypted(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	before := ring.callCount()
	ring.fail = errors.New("the keyring is gone")
	refreshed := signedIn
	refreshed.Token, refreshed.RefreshToken = Secret(strings.Repeat("long", 16<<10)), "refresh-2"
	err = s.Update(t.Context(), func(d *Document) error {
		p.Credential = refreshed
		d.SetProfile(p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := ring.callCount() - before; got != 0 {
		t.Errorf("got %d keyring calls, want none", got)
	}
	ring.fail = nil
	wantCredential(t, ringStore(s.Dir, ring), "", refreshed)
	for entry, value := range ring.entries {
		if size := len(entry) + len(value); size > 128 {
			t.Errorf("got an entry of %d bytes, want at most 128", size)
		}
	}
}

// A process that changes other fields without Decrypt keeps the secrets.
func TestCiphertextIsKept(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageKeyring)
	err := ringStore(s.Dir, ring).Update(t.Context(), func(d *Document) error {
		p, _ := d.Profile("")
		p.Credential.Account.Email = "new@example.com"
		d.SetProfile(p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := signedIn
	want.Account.Email = "new@example.com"
	wantCredential(t, ringStore(s.Dir, ring), "", want)
}

// The Node client does not know the encryption and adds its key in the clear, which is the newer sign-in.
func TestNodeSignInReplacesEncrypted(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageKeyring)
	write(t, s, `{"version": 1, "credentials": {"kind": "oauth", "apiKey": "lma_theirs", "baseUrl": "https://a.example"}}`)
	p, err := decrypted(t, s, "")
	if err != nil || p.Credential.Token != "lma_theirs" || p.Encryption.Storage() != StorageFile || p.Credential.Lifetime != 0 {
		t.Errorf("got %#v, %v, want the key lma_theirs without the fields of the session", p, err)
	}
	if doc, err := s.Load(); err != nil || doc.Storage("") != StorageKeyring {
		t.Errorf("got storage %s, %v, want %s for the next sign-in", doc.Storage(""), err, StorageKeyring)
	}
}

func TestCiphertextIsBoundToHost(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageKeyring)
	raw, err := os.ReadFile(s.ProfilesPath())
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(raw), "https://a.example", "https://b.example", 1)
	if err := os.WriteFile(s.ProfilesPath(), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = decrypted(t, s, "")
	wantKeyringProblem(t, err, KeyringMismatch)
}

func TestMove(t *testing.T) {
	t.Parallel()
	ring := newRing()
	dir := newStore(t).Dir
	signIn(t, ringStore(dir, ring), "work", signedIn, StorageFile)
	steps := []struct {
		to   Storage
		keys int // in the keyring
	}{
		{StorageKeyring, 1}, {StorageKeyring, 1}, {StorageFile, 0}, {StorageFile, 0}, {StorageKeyring, 1},
	}
	for _, step := range steps {
		s := ringStore(dir, ring)
		if err := move(t.Context(), s, "work", step.to); err != nil {
			t.Fatal(err)
		}
		wantCredential(t, s, "work", signedIn)
		doc, err := s.Load()
		if p, _ := doc.Profile("work"); err != nil || p.Encryption.Storage() != step.to || doc.Storage("work") != step.to {
			t.Errorf("got storage %s, %v, want %s", p.Encryption.Storage(), err, step.to)
		}
		if got := ring.size(); got != step.keys {
			t.Errorf("moved to %s: got %d keys in the keyring, want %d", step.to, got, step.keys)
		}
	}
}

// The chosen storage is kept after a sign-out, and removed with the profile.
func TestStorageOfProfile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{DefaultProfile, "work"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := &Document{}
			doc.SetStorage(name, StorageKeyring)
			doc.SetProfile(Profile{Name: name, Credential: signedIn})
			doc = reread(t, doc)
			doc.RemoveCredential(name)
			doc = reread(t, doc)
			if got := doc.Storage(name); got != StorageKeyring || len(doc.ProfileNames()) != 0 {
				t.Errorf("after RemoveCredential: got storage %s, profiles %v, want %s, none", got, doc.ProfileNames(), StorageKeyring)
			}
			doc.RemoveProfile(name)
			if got := reread(t, doc).Storage(name); got != StorageFile {
				t.Errorf("after RemoveProfile: got storage %s, want %s", got, StorageFile)
			}
		})
	}
}

var errCrash = errors.New("crash")

// stepCalls calls step after a key is written and before one is removed.
func stepCalls(calls *keyringCalls, step func(name string) error) *keyringCalls {
	return &keyringCalls{
		get: calls.get,
		set: func(entry, value string) error {
			if err := calls.set(entry, value); err != nil {
				return err
			}
			return step("key written")
		},
		remove: func(entry string) error {
			if err := step("before the key is removed"); err != nil {
				return err
			}
			return calls.remove(entry)
		},
	}
}

// At every point at which a process can die while it changes the storage, the next process can use the old sign-in or the
// new one, and at most one unused key is left in the keyring.
func TestCrashesDuringStorageChange(t *testing.T) {
	t.Parallel()
	second := signedIn
	second.Token, second.RefreshToken = "access-2", "refresh-2"
	signIn := func(to Storage) func(context.Context, *Store) error {
		return func(ctx context.Context, s *Store) error { return replace(ctx, s, "work", second, to) }
	}
	moveTo := func(to Storage) func(context.Context, *Store) error {
		return func(ctx context.Context, s *Store) error { return move(ctx, s, "work", to) }
	}
	tests := []struct {
		name   string
		from   Storage
		change func(context.Context, *Store) error
		after  Credential
		points int
	}{
		{"sign-in, keyring to keyring", StorageKeyring, signIn(StorageKeyring), second, 5},
		{"sign-in, keyring to file", StorageKeyring, signIn(StorageFile), second, 4},
		{"sign-in, file to keyring", StorageFile, signIn(StorageKeyring), second, 4},
		{"move to the keyring", StorageFile, moveTo(StorageKeyring), signedIn, 4},
		{"move to the file", StorageKeyring, moveTo(StorageFile), signedIn, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for crashAt := 0; ; crashAt++ {
				points, err := crash(t, test.from, test.change, test.after, crashAt)
				if err == nil {
					if len(points) != test.points {
						t.Errorf("got the points %v, want %d", points, test.points)
					}
					return
				}
				if !errors.Is(err, errCrash) {
					t.Fatal(err)
				}
			}
		})
	}
}

// crash changes a sign-in with a process that dies at a point, checks what the next process finds, and returns the points that
// the process passed.
func crash(
	t *testing.T, from Storage, change func(context.Context, *Store) error, after Credential, crashAt int,
) (points []string, err error) {
	t.Helper()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "work", signedIn, from)
	dying := ringStore(s.Dir, ring)
	step := func(name string) error {
		points = append(points, name)
		if len(points) <= crashAt {
			return nil
		}
		ring.fail = errCrash // a dead process makes no further calls
		return errCrash
	}
	dying.Disk = newStepDisk(step)
	dying.keyring.calls = stepCalls(dying.keyring.calls, step)
	err = change(t.Context(), dying)
	ring.fail = nil

	p, decryptErr := decrypted(t, ringStore(s.Dir, ring), "work")
	if decryptErr != nil || !reflect.DeepEqual(p.Credential, signedIn) && !reflect.DeepEqual(p.Credential, after) {
		t.Fatalf("after a crash at %v: got %#v, %v, want the old sign-in or the new one", points, p.Credential, decryptErr)
	}
	used := 0
	if p.Encryption.Storage() == StorageKeyring {
		used = 1
	}
	if unused := ring.size() - used; unused < 0 || unused > 1 {
		t.Errorf("after a crash at %v: got %d unused keys, want at most 1", points, unused)
	}
	return points, err
}
