package oauth

import (
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// The largest numbers of records. Requests without a credential create them, so that they must not fill the memory and the data
// file.
const (
	maxClients  = 1000
	maxRequests = 1000   // waiting consents, devices, and addresses with wrong user codes
	maxTokens   = 10_000 // grants, codes and tokens of each kind
)

// A storedClient is a client with its place in the order of registration.
type storedClient struct {
	client
	Order string `json:"order,omitempty"` // from NextOrder; empty for a client of an older version
}

// addClient stores a client. If there are too many, it removes the oldest one that no grant or request uses, and reports false if
// there is none.
func (s *Server) addClient(tx *wire.Tx, c client) bool {
	if tx.Len(bucketClients) >= maxClients && !s.dropClient(tx) {
		return false
	}
	wire.Put(tx, bucketClients, c.ID, storedClient{c, tx.NextOrder()})
	return true
}

func (s *Server) dropClient(tx *wire.Tx) bool {
	used := s.usedClients(tx)
	clients := slices.DeleteFunc(wire.List[storedClient](tx, bucketClients), func(c storedClient) bool { return used[c.ID] })
	if len(clients) == 0 {
		return false
	}
	oldest := slices.MinFunc(clients, func(a, b storedClient) int { return strings.Compare(a.Order, b.Order) })
	tx.Remove(bucketClients, oldest.ID)
	return true
}

// usedClients returns the ids of the clients with a grant or a waiting request.
func (s *Server) usedClients(tx *wire.Tx) map[string]bool {
	used, now := map[string]bool{}, s.Clock.Now()
	for _, g := range wire.List[grant](tx, bucketGrants) {
		if g.RevokedAt == nil && now.Before(g.ExpiresAt) {
			used[g.ClientID] = true
		}
	}
	for _, c := range wire.List[consent](tx, bucketConsents) {
		if now.Before(c.ExpiresAt) {
			used[c.ClientID] = true
		}
	}
	for _, d := range wire.List[device](tx, bucketDevices) {
		if now.Before(d.ExpiresAt) {
			used[d.ClientID] = true
		}
	}
	return used
}

// bound removes records of all buckets that have too many: a tenth of the limit at once, those that expire first.
func bound(tx *wire.Tx) {
	boundBucket(tx, bucketConsents, maxRequests, func(c consent) time.Time { return c.ExpiresAt })
	boundBucket(tx, bucketDevices, maxRequests, func(d device) time.Time { return d.ExpiresAt })
	boundBucket(tx, bucketGuesses, maxRequests, func(g guesses) time.Time { return g.Since })
	boundBucket(tx, bucketCodes, maxTokens, func(c authorizationCode) time.Time { return c.ExpiresAt })
	boundBucket(tx, bucketAccessTokens, maxTokens, func(t accessToken) time.Time { return t.ExpiresAt })
	boundBucket(tx, bucketRefreshTokens, maxTokens, func(t refreshToken) time.Time { return t.ExpiresAt })
	boundBucket(tx, bucketGrants, maxTokens, func(g grant) time.Time { return g.ExpiresAt })
	if tx.Len(bucketUserCodes) >= maxRequests {
		removeIf(tx, bucketUserCodes, func(deviceID string) bool { return tx.Bytes(bucketDevices, deviceID) == nil })
	}
}

func boundBucket[T any](tx *wire.Tx, bucket string, limit int, expiry func(T) time.Time) {
	if tx.Len(bucket) < limit {
		return
	}
	keys := tx.Keys(bucket)
	expiries := make(map[string]time.Time, len(keys))
	for _, key := range keys {
		record, _ := wire.Get[T](tx, bucket, key)
		expiries[key] = expiry(record)
	}
	slices.SortStableFunc(keys, func(a, b string) int { return expiries[a].Compare(expiries[b]) })
	for _, key := range keys[:max(0, len(keys)-limit+limit/10)] {
		tx.Remove(bucket, key)
	}
}
