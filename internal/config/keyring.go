package config

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zalando/go-keyring"
)

// keyringService is the service name of our keys in the keyring.
const keyringService = "lamina"

// A KeyringProblem is the kind of a KeyringError.
type KeyringProblem int

// The problems of a KeyringError.
const (
	KeyringFailed     KeyringProblem = iota + 1 // it returned an unknown error
	KeyringAbsent                               // there is no keyring service
	KeyringLocked                               // the user must unlock it
	KeyringTimeout                              // it did not reply in time
	KeyringKeyMissing                           // it does not have the key
	KeyringMismatch                             // the key does not decrypt the secrets: one of the two was changed
)

// KeyringError means that the OS keyring could not be used. Nothing was changed.
type KeyringError struct {
	Problem KeyringProblem
	Profile string        // the profile that the key belongs to; may be empty
	Waited  time.Duration // for KeyringTimeout
	Err     error         // the cause; may be nil
}

// Error describes the problem.
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
		return "the key in the keyring does not decrypt this sign-in: another program changed one of the two"
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

// keyringCalls are the operations of a keyring. They may block for any time.
type keyringCalls struct {
	set    func(entry, value string) error
	get    func(entry string) (string, error)
	remove func(entry string) error
}

// systemKeyring returns the keyring of the operating system.
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

// keyringLimit is the default of keyringClient.limit.
const keyringLimit = 3 * time.Second

// A keyringClient makes one call to the keyring at a time, and caches the keys until the process ends.
type keyringClient struct {
	calls *keyringCalls // nil means systemKeyring; tests set it
	limit time.Duration // of one call; 0 means 3 s

	mu      sync.Mutex
	cache   map[string]string
	timeout *KeyringError // of an earlier call: this process does not wait for the keyring again
}

func (k *keyringClient) set(entry, value string) *KeyringError {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, err := k.call(func(calls keyringCalls) (string, error) { return "", calls.set(entry, value) })
	return err
}

func (k *keyringClient) get(entry string) (string, *KeyringError) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if value, ok := k.cache[entry]; ok {
		return value, nil
	}
	value, err := k.call(func(calls keyringCalls) (string, error) { return calls.get(entry) })
	if err != nil {
		return "", err
	}
	if k.cache == nil {
		k.cache = map[string]string{}
	}
	k.cache[entry] = value
	return value, nil
}

func (k *keyringClient) remove(entry string) *KeyringError {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, err := k.call(func(calls keyringCalls) (string, error) { return "", calls.remove(entry) })
	return err
}

// call makes one call. A call that blocks cannot be cancelled: its goroutine ends with the process. If it completes late, it
// does no harm, because no entry name is used for a second key.
func (k *keyringClient) call(operation func(keyringCalls) (string, error)) (string, *KeyringError) {
	if k.timeout != nil {
		return "", k.timeout
	}
	calls, limit := k.calls, k.limit
	if calls == nil {
		system := systemKeyring()
		calls = &system
	}
	if limit == 0 {
		limit = keyringLimit
	}
	type reply struct {
		value string
		err   error
	}
	replies := make(chan reply, 1)
	go func() {
		value, err := operation(*calls)
		replies <- reply{value, err}
	}()
	select {
	case r := <-replies:
		return r.value, keyringError(r.err)
	case <-time.After(limit):
		k.timeout = &KeyringError{Problem: KeyringTimeout, Waited: limit}
		return "", k.timeout
	}
}

func keyringError(err error) *KeyringError {
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
