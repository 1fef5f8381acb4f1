package listen

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/webhook"
)

// refetch is the shortest time between two fetches of the keys. A signature that no key made may be that of a new key, but most are
// forged: they must not cause a request each.
const refetch = time.Minute

// maxAge is the age after which the keys are fetched again when a process starts.
const maxAge = time.Hour

// An UnavailableError means that a signature could not be checked with the newest keys, because they could not be fetched.
type UnavailableError struct{ Err error }

// Error describes the problem.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("could not fetch the signing keys: %v", e.Err)
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Keys are the public keys that deliveries are verified with.
type Keys struct {
	// Trusted are further keys, which are never fetched.
	Trusted []ed25519.PublicKey
	// Fetch returns the response of GET /v1/webhooks/signing-key; nil means that only Trusted are used.
	Fetch func(ctx context.Context) ([]byte, error)
	// File caches what Fetch returned; "" means no cache.
	File string
	// Now returns the current time; nil means time.Now.
	Now func() time.Time

	mu      sync.Mutex
	fetched []ed25519.PublicKey
	at      time.Time // of the last attempt to fetch
}

// saved is the content of the file.
type saved struct {
	FetchedAt time.Time       `json:"fetchedAt"`
	Keys      json.RawMessage `json:"keys"`
}

func (k *Keys) now() time.Time {
	if k.Now != nil {
		return k.Now()
	}
	return time.Now()
}

// Load reads the keys of the cache, or fetches them if there are none or old ones. Old keys are used if the fetch fails; then isOld is true.
func (k *Keys) Load(ctx context.Context) (isOld bool, err error) {
	if k.Fetch == nil {
		return false, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	cached := k.readFile()
	if keys, err := webhook.ParseKeys(cached.Keys); err == nil {
		k.fetched = keys
	}
	if age := k.now().Sub(cached.FetchedAt); k.fetched != nil && age >= 0 && age < maxAge {
		return false, nil
	}
	if err := k.fetch(ctx); err != nil {
		if k.fetched == nil {
			return false, err
		}
		return true, err
	}
	return false, nil
}

// Open verifies a delivery and returns its event. If no known key made the signature, it fetches the keys, at most once a minute. Errors:
// those of webhook.Open, and *UnavailableError.
func (k *Keys) Open(ctx context.Context, header http.Header, body []byte) (webhook.Event, error) {
	event, err := webhook.Open(k.all(), header, body, k.now(), webhook.Tolerance)
	if !errors.Is(err, webhook.ErrSignature) || k.Fetch == nil {
		return event, err
	}
	isNew, fetchErr := k.refresh(ctx)
	switch {
	case fetchErr != nil:
		return webhook.Event{}, &UnavailableError{fetchErr}
	case !isNew:
		return webhook.Event{}, err
	}
	return webhook.Open(k.all(), header, body, k.now(), webhook.Tolerance)
}

func (k *Keys) all() []ed25519.PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append(append([]ed25519.PublicKey{}, k.fetched...), k.Trusted...)
}

// refresh fetches the keys, unless this was tried within the last minute. Deliveries that arrive meanwhile wait for it.
func (k *Keys) refresh(ctx context.Context) (isNew bool, err error) {
	before := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at.After(before) {
		return true, nil // fetched while this delivery waited
	}
	if age := before.Sub(k.at); age >= 0 && age < refetch {
		return false, nil
	}
	return true, k.fetch(ctx)
}

// fetch fetches and saves the keys. The caller holds the mutex.
func (k *Keys) fetch(ctx context.Context) error {
	raw, err := k.Fetch(context.WithoutCancel(ctx)) // the keys are for all deliveries, also if the sender of this one leaves
	k.at = k.now()
	if err != nil {
		return err
	}
	keys, err := webhook.ParseKeys(raw)
	if err != nil {
		return fmt.Errorf("the service sent no usable signing key: %w", err)
	}
	k.fetched = keys
	k.writeFile(saved{FetchedAt: k.at, Keys: raw})
	return nil
}

// readFile returns what is cached; the zero value if there is nothing usable.
func (k *Keys) readFile() saved {
	var cached saved
	if raw, err := os.ReadFile(k.File); k.File == "" || err != nil || json.Unmarshal(raw, &cached) != nil {
		return saved{}
	}
	return cached
}

// writeFile replaces the cache. It can be lost without harm, so failures are ignored.
func (k *Keys) writeFile(s saved) {
	raw, err := json.Marshal(s)
	if k.File == "" || err != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(k.File), filepath.Base(k.File)+".*") // private
	if err != nil {
		return
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), k.File)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
}
