package oauth

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// update changes the state of a rig.
func (f *rig) update(fn func(tx *wire.Tx)) {
	f.T.Helper()
	err := f.Deps.Store.Update(func(tx *wire.Tx) error {
		fn(tx)
		return nil
	})
	if err != nil {
		f.T.Fatal(err)
	}
}

// count returns the number of records of a bucket.
func (f *rig) count(bucket string) (n int) {
	f.Deps.Store.View(func(tx *wire.Tx) { n = tx.Len(bucket) })
	return n
}

// TestClientsAreBounded: registration without limit drops the oldest unused client, and never one that signed in.
func TestClientsAreBounded(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	signedIn := f.register("signed in")
	_, refresh := f.signIn(signedIn)
	unused := f.register("unused")
	for i := range maxClients {
		f.update(func(tx *wire.Tx) { f.s.addClient(tx, client{ID: fmt.Sprintf("lmc_%d", i)}) })
	}
	newest := f.register("newest")
	if got := f.count(bucketClients); got != maxClients {
		t.Errorf("got %d clients, want %d", got, maxClients)
	}
	f.tokens(f.refresh(signedIn, refresh))
	f.code(newest)
	wantError(t, f.PostForm("/cli/oauth/device_authorization", url.Values{"client_id": {unused}}), "invalid_client")
}

// TestClientsInUse: where every client is in use, a registration is refused.
func TestClientsInUse(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	f.update(func(tx *wire.Tx) {
		for i := range maxClients {
			id := fmt.Sprintf("lmc_%d", i)
			wire.Put(tx, bucketClients, id, client{ID: id})
			f.s.newGrant(tx, id, "wsp_atelier", "", time.Hour)
		}
	})
	res := f.Post("/cli/oauth/register", `{"redirect_uris": ["http://127.0.0.1/callback"]}`)
	if res.Status != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s, want 429 with Retry-After", res.Status, res.Body)
	}
	f.Clock.Advance(2 * time.Hour)
	f.register("after the grants")
}

// TestRequestsAreBounded: requests without a credential do not fill the state, and the newest one works.
func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	f.update(func(tx *wire.Tx) {
		for i := range 2 * maxRequests {
			key, expiry := fmt.Sprint(i), f.Clock.Now().Add(time.Duration(i)*time.Millisecond)
			wire.Put(tx, bucketConsents, key, consent{ExpiresAt: expiry})
			wire.Put(tx, bucketDevices, key, device{ExpiresAt: expiry})
			wire.Put(tx, bucketUserCodes, key, key)
			wire.Put(tx, bucketGuesses, key, guesses{Since: expiry})
		}
		for i := range 2 * maxTokens {
			wire.Put(tx, bucketGrants, fmt.Sprint(i), grant{ExpiresAt: f.Clock.Now()})
			wire.Put(tx, bucketCodes, fmt.Sprint(i), authorizationCode{ExpiresAt: f.Clock.Now()})
			wire.Put(tx, bucketAccessTokens, fmt.Sprint(i), accessToken{ExpiresAt: f.Clock.Now()})
			wire.Put(tx, bucketRefreshTokens, fmt.Sprint(i), refreshToken{ExpiresAt: f.Clock.Now()})
		}
	})
	f.signIn(id)
	for bucket, limit := range map[string]int{
		bucketConsents: maxRequests, bucketDevices: maxRequests, bucketUserCodes: maxRequests, bucketGuesses: maxRequests,
		bucketGrants: maxTokens, bucketCodes: maxTokens, bucketAccessTokens: maxTokens, bucketRefreshTokens: maxTokens,
	} {
		if got := f.count(bucket); got > limit {
			t.Errorf("%s: got %d records, want at most %d", bucket, got, limit)
		}
	}
}
