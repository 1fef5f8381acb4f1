package config

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

// A fakeRing is a keyring in memory.
type fakeRing struct {
	mu      sync.Mutex
	entries map[string]string
	count   int           // of calls
	fail    error         // of every call
	hang    chan struct{} // every call blocks until it is closed
}

func newRing() *fakeRing { return &fakeRing{entries: map[string]string{}} }

func (f *fakeRing) calls() *keyringCalls {
	begin := func() error {
		if f.hang != nil {
			<-f.hang
		}
		f.mu.Lock()
		f.count++
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

func (f *fakeRing) callCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// setAll replaces the value of every entry.
func (f *fakeRing) setAll(value string) {
	for entry := range f.entries {
		f.entries[entry] = value
	}
}

// ringStore returns the store of a new process in a folder.
func ringStore(dir string, ring *fakeRing) *Store {
	return &Store{Dir: dir, keyring: keyringClient{calls: ring.calls(), limit: 100 * time.Millisecond}}
}

func wantKeyringProblem(t *testing.T, err error, want KeyringProblem) {
	t.Helper()
	var failed *KeyringError
	if !errors.As(err, &failed) || failed.Problem != want {
		t.Errorf("got %v, want a *KeyringError with problem %d", err, want)
	}
}

func TestKeyringProblems(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	tests := []struct {
		name  string
		want  KeyringProblem
		spoil func(*fakeRing)
	}{
		{"absent", KeyringAbsent, func(f *fakeRing) { f.fail = &KeyringError{Problem: KeyringAbsent} }},
		{"unsupported", KeyringAbsent, func(f *fakeRing) { f.fail = keyring.ErrUnsupportedPlatform }},
		{"locked", KeyringLocked, func(f *fakeRing) { f.fail = &KeyringError{Problem: KeyringLocked} }},
		{"timeout", KeyringTimeout, func(f *fakeRing) { f.hang = never }},
		{"key removed", KeyringKeyMissing, func(f *fakeRing) { clear(f.entries) }},
		{"another key", KeyringMismatch, func(f *fakeRing) { f.setAll(strings.Repeat("A", 43) + "=") }},
		{"malformed key", KeyringMismatch, func(f *fakeRing) { f.setAll("short") }},
		{"unknown error", KeyringFailed, func(f *fakeRing) { f.fail = errors.New("no") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ring := newRing()
			s := ringStore(newStore(t).Dir, ring)
			signIn(t, s, "work", signedIn, StorageKeyring)
			before, err := os.ReadFile(s.ProfilesPath())
			if err != nil {
				t.Fatal(err)
			}
			test.spoil(ring)
			s = ringStore(s.Dir, ring)
			for range 2 {
				_, err = decrypted(t, s, "work")
				wantKeyringProblem(t, err, test.want)
				if failed := (*KeyringError)(nil); errors.As(err, &failed) && failed.Profile != "work" {
					t.Errorf("got profile %q, want work", failed.Profile)
				}
			}
			_, err = s.Move(t.Context(), "work", StorageFile)
			wantKeyringProblem(t, err, test.want)
			if after, err := os.ReadFile(s.ProfilesPath()); err != nil || string(after) != string(before) {
				t.Errorf("got file %s, %v, want it unchanged", after, err)
			}
		})
	}
}

// A keyring that does not reply costs one time limit for the whole process.
func TestKeyringTimeoutOccursOnce(t *testing.T) {
	t.Parallel()
	ring := newRing()
	s := ringStore(newStore(t).Dir, ring)
	signIn(t, s, "", signedIn, StorageKeyring)
	s = ringStore(s.Dir, ring)
	ring.hang = make(chan struct{})
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			_, err := decrypted(t, s, "")
			wantKeyringProblem(t, err, KeyringTimeout)
		})
	}
	group.Wait()
	close(ring.hang)
	const want = 3 // NewKey writes and reads the key; the blocked call is the third
	for deadline := time.Now().Add(10 * time.Second); ring.callCount() < want && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := ring.callCount(); got != want {
		t.Errorf("got %d calls, want %d", got, want)
	}
}
