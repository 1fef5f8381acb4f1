package platform

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// Buckets of people and their keys. Every secret is a key of a bucket only as its HMAC (see Server.digest).
const (
	bucketServer     = "server"     // "hmac-key", "webhook-seed" → random bytes; "order" → the last key of an order
	bucketUsers      = "users"      // user id → user
	bucketWorkspaces = "workspaces" // workspace id → api.Workspace, Role empty
	bucketAPIKeys    = "api-keys"   // digest of the key → apiKey
)

// A user is a person who can sign in on the platform's pages.
type user struct {
	ID    string            `json:"id"`
	Email string            `json:"email"`
	Roles map[string]string `json:"roles"` // workspace id → role
}

// An apiKey is what is kept of an API key: not the key.
type apiKey struct {
	Hint        string     `json:"hint"` // the last four characters, to tell keys apart
	Name        string     `json:"name"`
	UserID      string     `json:"userId"`
	WorkspaceID string     `json:"workspaceId"`
	CreatedAt   time.Time  `json:"createdAt"`
	RevokedAt   *time.Time `json:"revokedAt,omitempty"`
}

// A principal is who a request speaks for, and in which workspace.
type principal struct {
	UserID      string
	WorkspaceID string
	ClientID    string // of an OAuth client; empty for an API key
	Scope       string // of an access token, separated by spaces; empty for an API key, which may do everything
}

// has reports whether the principal may do what a scope stands for. An API key may do everything.
func (p principal) has(scope string) bool {
	return p.ClientID == "" || slices.Contains(strings.Fields(p.Scope), scope)
}

// The sample person and the workspaces that every platform starts with.
var (
	sampleUser       = user{ID: "usr_sample", Email: "sam@example.com", Roles: map[string]string{"wsp_atelier": "owner", "wsp_northwind": "member"}}
	sampleWorkspaces = []api.Workspace{
		{ID: "wsp_atelier", Name: "Sam's Atelier", Slug: "sams-atelier"},
		{ID: "wsp_northwind", Name: "Northwind Studio", Slug: "northwind-studio"},
	}
)

// seed makes the HMAC key, the signing key of webhooks, the sample user and the workspaces where they are missing.
func (s *Server) seed() error {
	return s.store.update(func(tx *tx) error {
		if tx.bytes(bucketServer, "hmac-key") == nil {
			tx.putBytes(bucketServer, "hmac-key", randomBytes(32))
		}
		s.hmacKey = tx.bytes(bucketServer, "hmac-key")
		if tx.bytes(bucketServer, "webhook-seed") == nil {
			tx.putBytes(bucketServer, "webhook-seed", randomBytes(ed25519.SeedSize))
		}
		if tx.bytes(bucketUsers, sampleUser.ID) == nil {
			put(tx, bucketUsers, sampleUser.ID, sampleUser)
			for _, w := range sampleWorkspaces {
				put(tx, bucketWorkspaces, w.ID, w)
			}
		}
		s.seedLaghav(tx)
		return nil
	})
}

// NewAPIKey makes a key for the sample user in the first workspace, and returns it and the id of the workspace. Only
// the key's digest is kept.
func (s *Server) NewAPIKey(name string) (key, workspaceID string, err error) {
	key, record, err := s.newAPIKey(name, sampleWorkspaces[0].ID)
	return key, record.WorkspaceID, err
}

func (s *Server) newAPIKey(name, workspaceID string) (string, apiKey, error) {
	key := "lma_" + randomToken(32)
	record := apiKey{
		Hint: key[len(key)-4:], Name: name, UserID: sampleUser.ID, WorkspaceID: workspaceID, CreatedAt: s.now(),
	}
	err := s.store.update(func(tx *tx) error {
		put(tx, bucketAPIKeys, s.digest(key), record)
		return nil
	})
	return key, record, err
}

// account returns what GET /v1/account says of a principal.
func account(tx *tx, p principal) api.Account {
	u, _ := get[user](tx, bucketUsers, p.UserID)
	acc := api.Account{User: api.User{ID: u.ID, Email: u.Email}, Memberships: []api.Membership{}}
	for _, id := range tx.keys(bucketWorkspaces) {
		role, member := u.Roles[id]
		if !member {
			continue
		}
		w, _ := get[api.Workspace](tx, bucketWorkspaces, id)
		acc.Memberships = append(acc.Memberships, api.Membership{WorkspaceID: id, Name: w.Name, Slug: w.Slug, Role: role})
		if id == p.WorkspaceID {
			w.Role = role
			acc.Workspace = &w
		}
	}
	return acc
}

// digest is the form in which a secret is stored and looked up: HMAC-SHA256 under a key of this platform, in hex.
func (s *Server) digest(secret string) string {
	mac := hmac.New(sha256.New, s.hmacKey)
	mac.Write([]byte(secret))
	return hex.EncodeToString(mac.Sum(nil))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}

// randomToken returns n random bytes in unpadded base64url.
func randomToken(n int) string { return base64.RawURLEncoding.EncodeToString(randomBytes(n)) }

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	b := randomBytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
