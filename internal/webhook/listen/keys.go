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

// maxAge is the age after which the keys are fetched again, so that a key that the service has removed is not accepted for long.
const maxAge = time.Hour

// fetchTimeout limits a fetch while deliveries wait for it. The service waits 15 seconds for the answer to a delivery.
const fetchTimeout = 10 * time.Second

// An UnavailableError means that a signature could not be checked with the newest keys, because they could not be fetched.
type UnavailableError struct{ Err error }

// Error describes the problem.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("could not fetch the signing keys: %v", e.Err)
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// An UnusableError means that the service sent no signing key that can be used.
type UnusableError struct{ Err error }

// Error describes the problem.
func (e *UnusableError) Error() string {
	return fmt.Sprintf("the service sent no usable signing key: %v", e.Err)
}

// Unwrap returns the cause.
func (e *UnusableError) Unwrap() error { return e.Err }

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

	fetching sync.Mutex // held during a fetch; what is verified with known keys does not need it

	triedAt time.Time // the last attempt to fetch; it belongs to fetching
	failed  error     // of the last attempt; it belongs to fetching

	mu        sync.Mutex
	fetched   []ed25519.PublicKey
	fetchedAt time.Time
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
	k.fetching.Lock()
	defer k.fetching.Unlock()
	cached := k.readFile()
	if keys, err := webhook.ParseKeys(cached.Keys); err == nil {
		k.set(keys, cached.FetchedAt)
	}
	if !k.isOld() {
		return false, nil
	}
	err = k.fetch(ctx)
	return err != nil && k.fetched != nil, err
}

// Open verifies a delivery as of the given time and returns its event. It fetches the keys if they are old, and if no known key made the
// signature, in both cases at most once a minute. Errors: those of webhook.Open, and *UnavailableError.
func (k *Keys) Open(ctx context.Context, header http.Header, body []byte, at time.Time) (webhook.Event, error) {
	if k.Fetch != nil && k.isOld() && k.fetching.TryLock() {
		_, _ = k.refresh(ctx, k.now()) // the old keys are used if it fails
		k.fetching.Unlock()
	}
	before := k.now()
	event, err := webhook.Open(k.all(), header, body, at, webhook.Tolerance)
	if !errors.Is(err, webhook.ErrSignature) || k.Fetch == nil {
		return event, err
	}
	k.fetching.Lock()
	isNew, fetchErr := k.refresh(ctx, before)
	k.fetching.Unlock()
	switch {
	case fetchErr != nil:
		return webhook.Event{}, &UnavailableError{fetchErr}
	case !isNew:
		return webhook.Event{}, err
	}
	return webhook.Open(k.all(), header, body, at, webhook.Tolerance)
}

func (k *Keys) all() []ed25519.PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append(append([]ed25519.PublicKey{}, k.fetched...), k.Trusted...)
}

func (k *Keys) set(keys []ed25519.PublicKey, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fetched, k.fetchedAt = keys, at
}

// isOld reports whether there are no fetched keys, or old ones.
func (k *Keys) isOld() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := k.now().Sub(k.fetchedAt)
	return k.fetched == nil || age < 0 || age >= maxAge
}

// refresh fetches the keys, unless this was tried within the last minute. isNew reports whether they were fetched after a time. The caller
// holds fetching.
func (k *Keys) refresh(ctx context.Context, after time.Time) (isNew bool, err error) {
	if k.triedAt.After(after) {
		return k.failed == nil, k.failed // tried while this delivery waited
	}
	if age := k.now().Sub(k.triedAt); age >= 0 && age < refetch {
		return false, k.failed
	}
	// The keys are for all deliveries, also if the sender of this one leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	return true, k.fetch(ctx)
}

// fetch fetches and saves the keys. The caller holds fetching.
func (k *Keys) fetch(ctx context.Context) error {
	raw, err := k.Fetch(ctx)
	k.triedAt = k.now()
	if err == nil {
		err = k.use(raw)
	}
	k.failed = err
	return err
}

func (k *Keys) use(raw []byte) error {
	keys, err := webhook.ParseKeys(raw)
	if err != nil {
		return &UnusableError{err}
	}
	k.set(keys, k.triedAt)
	k.writeFile(saved{FetchedAt: k.triedAt, Keys: raw})
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
