package config

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zalando/go-keyring"
)

// keyringService is under what name people find our keys in their keyring.
const keyringService = "lamina"

// A KeyringProblem is why the OS keyring did not serve.
type KeyringProblem int

// The problems a KeyringError can have.
const (
	KeyringFailed     KeyringProblem = iota + 1 // it answered with an error that we do not know
	KeyringAbsent                               // there is no keyring service
	KeyringLocked                               // a person has to unlock it first
	KeyringTimeout                              // it did not answer in time
	KeyringKeyMissing                           // it no longer has the key
	KeyringMismatch                             // its key does not open the record: one of the two was changed
)

// KeyringError means that the OS keyring did not serve. Nothing was changed.
type KeyringError struct {
	Problem KeyringProblem
	Profile string        // whose secrets were wanted; may be empty
	Waited  time.Duration // for KeyringTimeout
	Err     error         // the cause, if there is one
}

// Error is one sentence; the way out depends on the command.
func (e *KeyringError) Error() string {
	switch e.Problem {
	case KeyringAbsent:
		return "there is no keyring service here"
	case KeyringLocked:
		return "the keyring is locked"
	case KeyringTimeout:
		return fmt.Sprintf("the keyring did not answer within %s", e.Waited)
	case KeyringKeyMissing:
		return "the key to this sign-in is no longer in the keyring"
	case KeyringMismatch:
		return "the key in the keyring does not open this sign-in: one of the two was changed by another program"
	default:
		return fmt.Sprintf("the keyring failed: %v", e.Err)
	}
}

// Unwrap returns the cause.
func (e *KeyringError) Unwrap() error { return e.Err }

// Retryable reports that the same command may succeed when it is run again.
func (e *KeyringError) Retryable() bool { return e.Problem == KeyringTimeout }

func (e *KeyringError) of(profile string) *KeyringError {
	named := *e
	named.Profile = orDefault(profile)
	return &named
}

// keyringCalls reach a keyring. They may take any time.
type keyringCalls struct {
	set    func(entry, value string) error
	get    func(entry string) (string, error)
	remove func(entry string) error
}

// systemKeyring is the keyring of this operating system.
func systemKeyring() keyringCalls {
	return keyringCalls{
		set: func(entry, value string) error {
			if err := keyringReady(); err != nil {
				return err
			}
			return keyring.Set(keyringService, entry, value)
		},
		get: func(entry string) (string, error) {
			if err := keyringReady(); err != nil {
				return "", err
			}
			return keyring.Get(keyringService, entry)
		},
		remove: func(entry string) error {
			if err := keyringReady(); err != nil {
				return err
			}
			return keyring.Delete(keyringService, entry)
		},
	}
}

// A keyringClient asks the keyring, one question at a time, and remembers the keys as long as the process lives.
type keyringClient struct {
	calls *keyringCalls // nil means systemKeyring; tests set it
	limit time.Duration // of one call; 0 means 3 s

	mu    sync.Mutex
	known map[string]string
	hung  *KeyringError // it did not answer once: this process does not wait for it again
}

func (k *keyringClient) set(entry, value string) *KeyringError {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, err := k.ask(func(calls keyringCalls) (string, error) { return "", calls.set(entry, value) })
	return err
}

func (k *keyringClient) get(entry string) (string, *KeyringError) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if value, ok := k.known[entry]; ok {
		return value, nil
	}
	value, err := k.ask(func(calls keyringCalls) (string, error) { return calls.get(entry) })
	if err != nil {
		return "", err
	}
	if k.known == nil {
		k.known = map[string]string{}
	}
	k.known[entry] = value
	return value, nil
}

func (k *keyringClient) remove(entry string) *KeyringError {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, err := k.ask(func(calls keyringCalls) (string, error) { return "", calls.remove(entry) })
	return err
}

// ask makes one call. A call that hangs cannot be cancelled, only abandoned: its goroutine ends with the process. What
// it may still do late is harmless, because no entry's name is used twice.
func (k *keyringClient) ask(call func(keyringCalls) (string, error)) (string, *KeyringError) {
	if k.hung != nil {
		return "", k.hung
	}
	calls, limit := k.calls, k.limit
	if calls == nil {
		system := systemKeyring()
		calls = &system
	}
	if limit == 0 {
		limit = 3 * time.Second
	}
	type answer struct {
		value string
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := call(*calls)
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, keyringProblem(a.err)
	case <-time.After(limit):
		k.hung = &KeyringError{Problem: KeyringTimeout, Waited: limit}
		return "", k.hung
	}
}

func keyringProblem(err error) *KeyringError {
	var known *KeyringError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, keyring.ErrNotFound):
		return &KeyringError{Problem: KeyringKeyMissing, Err: err}
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		return &KeyringError{Problem: KeyringAbsent, Err: err}
	}
	return &KeyringError{Problem: systemKeyringProblem(err), Err: err}
}
