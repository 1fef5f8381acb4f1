package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

// fakeRing is a keyring in memory, which may fail.
type fakeRing struct {
	mu      sync.Mutex
	entries map[string]string
	asked   int
	fail    error
	hang    chan struct{} // a call waits for its end
}

func (f *fakeRing) calls() *keyringCalls {
	begin := func() error {
		if f.hang != nil {
			<-f.hang
		}
		f.mu.Lock()
		f.asked++
		return f.fail
	}
	return &keyringCalls{
		set: func(entry, value string) error {
			err := begin()
			defer f.mu.Unlock()
			if err == nil {
				f.entries[entry] = value
			}
			return err
		},
		get: func(entry string) (string, error) {
			err := begin()
			defer f.mu.Unlock()
			value, ok := f.entries[entry]
			if err == nil && !ok {
				err = keyring.ErrNotFound
			}
			return value, err
		},
		remove: func(entry string) error {
			err := begin()
			defer f.mu.Unlock()
			if _, ok := f.entries[entry]; err == nil && !ok {
				err = keyring.ErrNotFound
			}
			if err == nil {
				delete(f.entries, entry)
			}
			return err
		},
	}
}

func (f *fakeRing) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.entries)
}

// ringStore is a store of a process that starts afresh, on the folder of another and with its keyring.
func ringStore(dir string, ring *fakeRing) *Store {
	return &Store{Dir: dir, keyring: keyringClient{calls: ring.calls(), limit: 100 * time.Millisecond}}
}

func newRing() *fakeRing { return &fakeRing{entries: map[string]string{}} }

var signedIn = Credential{
	Kind: OAuth, Token: "access-1", RefreshToken: "refresh-1", BaseURL: "https://a.example", Lifetime: time.Hour,
	EndedReason: "none", Account: Account{Email: "sam@example.com"},
}

func signIn(t *testing.T, s *Store, name string, c Credential, to Storage) {
	t.Helper()
	p := Profile{Name: name, Credential: c}
	if to == StorageKeyring {
		var err error
		if p.Encryption, err = s.NewKey(name); err != nil {
			t.Fatal(err)
		}
	}
	old, err := s.Replace(t.Context(), UpdateOptions{}, p)
	if err = errors.Join(err, s.DropKey(old)); err != nil {
		t.Fatal(err)
	}
}

func unsealed(t *testing.T, s *Store, name string) (Profile, error) {
	t.Helper()
	doc, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	p, ok := doc.Profile(name)
	if !ok {
		t.Fatalf("nobody is signed in to %s", name)
	}
	return s.Decrypt(p)
}

func wantSecrets(t *testing.T, s *Store, name string, want Credential) {
	t.Helper()
	p, err := unsealed(t, s, name)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p.Credential, want) {
		t.Errorf("read %#v\nwant %#v", p.Credential, want)
	}
}

func keyringProblemOf(err error) KeyringProblem {
	var failed *KeyringError
	if errors.As(err, &failed) {
		return failed.Problem
	}
	return 0
}

func TestVaultKeepsSecretsOutOfTheFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "work"} {
		ring, dir := newRing(), newStore(t).Dir
		signIn(t, ringStore(dir, ring), name, signedIn, StorageKeyring)

		s := ringStore(dir, ring)
		raw, err := os.ReadFile(s.Path())
		if err != nil || strings.Contains(string(raw), "access-1") || strings.Contains(string(raw), "refresh-1") {
			t.Errorf("%v; the file holds the secrets in the clear:\n%s", err, raw)
		}
		doc, err := s.Load()
		if err != nil {
			t.Fatal(err)
		}
		before := ring.asked
		p, ok := doc.Profile(name)
		if !ok || p.Credential.Token != "" || p.Credential.Account != signedIn.Account || p.Encryption.Storage() != StorageKeyring ||
			doc.Storage(name) != StorageKeyring || len(doc.ProfileNames()) != 1 {
			t.Errorf("without the keyring: %#v, stored in %s", p, doc.Storage(name))
		}
		if ring.asked != before {
			t.Error("the keyring was asked for what the file tells")
		}
		wantSecrets(t, s, name, signedIn)
		wantSecrets(t, s, name, signedIn)
		if p, _ := unsealed(t, s, name); strings.Contains(fmt.Sprintf("%v %+v %#v", p, p, p), p.Encryption.key.Reveal()) {
			t.Error("printing a profile prints its key")
		}
		if ring.asked != before+1 {
			t.Errorf("the keyring was asked %d times by one process, want once", ring.asked-before)
		}
	}
}

func TestFileNeedsNoKeyring(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageFile)
	wantSecrets(t, s, "", signedIn)
	signIn(t, s, "", signedIn, StorageFile)
	if ring.asked != 0 {
		t.Errorf("the keyring was asked %d times", ring.asked)
	}
}

// What a refresh does: all that changes is one write of the file.
func TestRefreshNeverWritesToTheKeyring(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageKeyring)
	p, err := unsealed(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	asked := ring.asked
	ring.fail = errors.New("the keyring is gone")
	renewed := signedIn
	renewed.Token, renewed.RefreshToken = Secret(strings.Repeat("long", 16<<10)), "refresh-2"
	err = s.Update(t.Context(), func(d *Document) error {
		p.Credential = renewed
		d.SetProfile(p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if ring.asked != asked {
		t.Error("the keyring was asked")
	}
	ring.fail = nil
	wantSecrets(t, ringStore(s.Dir, ring), "", renewed)
	for entry, value := range ring.entries {
		if len(entry)+len(value) > 128 {
			t.Errorf("the entry %s has %d bytes", entry, len(value))
		}
	}
}

// A change of something else, by a process that never opened the vault, keeps the secrets and what is said of them.
func TestUnopenedVaultSurvivesAWrite(t *testing.T) {
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
	wantSecrets(t, ringStore(s.Dir, ring), "", want)
}

func TestNodeClientWritesBesideAVault(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageKeyring)
	raw, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, strings.Replace(string(raw), `"credentials": {`, `"credentials": {"apiKey": "lma_theirs",`, 1))
	p, err := unsealed(t, s, "")
	if err != nil || p.Credential.Token != "lma_theirs" || p.Encryption.Storage() != StorageFile || p.Credential.Lifetime != 0 {
		t.Errorf("%v, %#v", err, p)
	}
	doc, err := s.Load()
	if err != nil || doc.Storage("") != StorageKeyring {
		t.Errorf("%v, the choice of the place is now %s", err, doc.Storage(""))
	}
}

func TestKeyringProblems(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	for _, test := range []struct {
		name  string
		want  KeyringProblem
		spoil func(*fakeRing)
	}{
		{"absent", KeyringAbsent, func(f *fakeRing) { f.fail = &KeyringError{Problem: KeyringAbsent} }},
		{"unsupported", KeyringAbsent, func(f *fakeRing) { f.fail = keyring.ErrUnsupportedPlatform }},
		{"locked", KeyringLocked, func(f *fakeRing) { f.fail = &KeyringError{Problem: KeyringLocked} }},
		{"hanging", KeyringTimeout, func(f *fakeRing) { f.hang = never }},
		{"removed", KeyringKeyMissing, func(f *fakeRing) { clear(f.entries) }},
		{"another key", KeyringMismatch, func(f *fakeRing) {
			for entry := range f.entries {
				f.entries[entry] = strings.Repeat("A", 43) + "="
			}
		}},
		{"no key", KeyringMismatch, func(f *fakeRing) {
			for entry := range f.entries {
				f.entries[entry] = "short"
			}
		}},
		{"something else", KeyringFailed, func(f *fakeRing) { f.fail = errors.New("no") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ring := newRing()
			s := ringStore(newStore(t).Dir, ring)
			signIn(t, s, "work", signedIn, StorageKeyring)
			before, err := os.ReadFile(s.Path())
			if err != nil {
				t.Fatal(err)
			}
			test.spoil(ring)
			s = ringStore(s.Dir, ring)
			for range 2 {
				_, err = unsealed(t, s, "work")
				var failed *KeyringError
				if !errors.As(err, &failed) || failed.Problem != test.want || failed.Profile != "work" {
					t.Errorf("got %#v, want problem %d of work", err, test.want)
				}
			}
			if _, err := s.Move(t.Context(), "work", StorageFile); keyringProblemOf(err) != test.want {
				t.Errorf("moving: %v", err)
			}
			if after, err := os.ReadFile(s.Path()); err != nil || string(after) != string(before) {
				t.Errorf("the file was changed (%v):\n%s", err, after)
			}
		})
	}
}

// A keyring that hangs costs one time limit, not one for each request.
func TestHangingKeyringIsAskedOnce(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageKeyring)
	s = ringStore(s.Dir, ring)
	ring.hang = make(chan struct{})
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := unsealed(t, s, ""); keyringProblemOf(err) != KeyringTimeout {
				t.Errorf("got %v", err)
			}
		})
	}
	group.Wait()
	close(ring.hang)
	for ring.size() == 0 || func() int { ring.mu.Lock(); defer ring.mu.Unlock(); return ring.asked }() < 3 {
		time.Sleep(time.Millisecond) // the abandoned call ends
	}
	if ring.asked != 3 { // written, read back, and once more
		t.Errorf("%d calls", ring.asked)
	}
}

func TestBoxIsBoundToItsHost(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageKeyring)
	raw, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, strings.Replace(string(raw), "https://a.example", "https://b.example", 1))
	if _, err := unsealed(t, s, ""); keyringProblemOf(err) != KeyringMismatch {
		t.Errorf("the secrets follow a changed host: %v", err)
	}
}

func TestMove(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "work", signedIn, StorageFile)
	for _, to := range []Storage{StorageKeyring, StorageKeyring, StorageFile, StorageFile, StorageKeyring} {
		s := ringStore(s.Dir, ring)
		old, err := s.Move(t.Context(), "work", to)
		if err = errors.Join(err, s.DropKey(old)); err != nil {
			t.Fatal(err)
		}
		wantSecrets(t, s, "work", signedIn)
		doc, err := s.Load()
		if p, _ := doc.Profile("work"); err != nil || p.Encryption.Storage() != to || doc.Storage("work") != to {
			t.Errorf("%v: not in the %s", err, to)
		}
		if want := map[Storage]int{StorageFile: 0, StorageKeyring: 1}[to]; ring.size() != want {
			t.Errorf("%d keys in the keyring after moving to the %s, want %d", ring.size(), to, want)
		}
	}
}

// A choice outlives signing out, and goes with the profile.
func TestStorageIsSticky(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "work"} {
		doc := &Document{}
		doc.SetStorage(name, StorageKeyring)
		doc.SetProfile(Profile{Name: name, Credential: signedIn})
		doc = parse(t, string(doc.encode()))
		doc.RemoveCredential(name)
		doc = parse(t, string(doc.encode()))
		if got := doc.Storage(name); got != StorageKeyring || len(doc.ProfileNames()) != 0 {
			t.Errorf("after signing out: %s, %v", got, doc.ProfileNames())
		}
		doc.RemoveProfile(name)
		if got := parse(t, string(doc.encode())).Storage(name); got != StorageFile {
			t.Errorf("after the profile went: %s", got)
		}
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

// Whatever moment a process dies at while it changes where secrets sit, the next one can use the sign-in, before or
// after the change, and at most a key that opens nothing is left over.
func TestVaultCrashes(t *testing.T) {
	t.Parallel()
	second := signedIn
	second.Token, second.RefreshToken = "access-2", "refresh-2"
	replace := func(to Storage) func(*Store) error {
		return func(s *Store) error {
			p := Profile{Name: "work", Credential: second}
			var err error
			if to == StorageKeyring {
				if p.Encryption, err = s.NewKey("work"); err != nil {
					return err
				}
			}
			old, err := s.Replace(context.Background(), UpdateOptions{}, p)
			if err != nil {
				return err
			}
			return s.DropKey(old)
		}
	}
	move := func(to Storage) func(*Store) error {
		return func(s *Store) error {
			old, err := s.Move(context.Background(), "work", to)
			if err != nil {
				return err
			}
			return s.DropKey(old)
		}
	}
	for name, test := range map[string]struct {
		from   Storage
		change func(*Store) error
		after  Credential
		steps  int
	}{
		"new sign-in, keyring to keyring": {StorageKeyring, replace(StorageKeyring), second, 5},
		"new sign-in, keyring to file":    {StorageKeyring, replace(StorageFile), second, 4},
		"new sign-in, file to keyring":    {StorageFile, replace(StorageKeyring), second, 4},
		"move to the keyring":             {StorageFile, move(StorageKeyring), signedIn, 4},
		"move to the file":                {StorageKeyring, move(StorageFile), signedIn, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var steps []string
			for crashAt := 0; ; crashAt++ {
				ring := newRing()
				s := ringStore(newStore(t).Dir, ring)
				signIn(t, s, "work", signedIn, test.from)
				steps = nil
				dying := ringStore(s.Dir, ring)
				step := func(name string) error {
					steps = append(steps, name)
					if len(steps) <= crashAt {
						return nil
					}
					ring.fail = errCrash // a dead process cleans nothing up
					return errCrash
				}
				dying.Disk = newStepDisk(step)
				dying.keyring.calls = stepCalls(dying.keyring.calls, step)
				err := test.change(dying)
				ring.fail = nil

				p, broken := unsealed(t, ringStore(s.Dir, ring), "work")
				if broken != nil || !reflect.DeepEqual(p.Credential, signedIn) && !reflect.DeepEqual(p.Credential, test.after) {
					t.Fatalf("after a crash at %s: %v, %#v", steps[len(steps)-1], broken, p.Credential)
				}
				used := 0
				if p.Encryption.Storage() == StorageKeyring {
					used = 1
				}
				if spare := ring.size() - used; spare < 0 || spare > 1 {
					t.Errorf("after a crash at %s: %d keys are left over", steps[len(steps)-1], spare)
				}
				if err == nil {
					break
				}
				if !errors.Is(err, errCrash) {
					t.Fatal(err)
				}
			}
			if len(steps) != test.steps {
				t.Errorf("there were %d steps to die at: %v", len(steps), steps)
			}
		})
	}
}
