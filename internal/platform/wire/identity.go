package wire

import (
	"slices"
	"strings"
)

// Buckets of identities.
const (
	bucketUsers      = "users"      // user id → User
	bucketWorkspaces = "workspaces" // workspace id → Workspace
)

// A User is an account that can sign in on the platform's pages.
type User struct {
	ID    string            `json:"id"`
	Email string            `json:"email"`
	Roles map[string]string `json:"roles"` // workspace id → role
}

// A Workspace owns runs, assets and credits.
type Workspace struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

// A Membership is a workspace with the role of a user in it.
type Membership struct {
	Workspace
	Role string
}

// The scopes that the Lamina API checks. The authorization server grants them.
const (
	ScopeRead  = "lamina:creative:read"
	ScopeWrite = "lamina:creative:write"
)

// A Principal is the account and the workspace of a request.
type Principal struct {
	UserID      string
	WorkspaceID string
	ClientID    string // of an OAuth client; empty for an API key
	Scope       string // granted scopes of an access token, separated by spaces; empty for an API key
}

// HasScope reports whether the principal has a scope. An API key has every scope.
func (p Principal) HasScope(scope string) bool {
	return p.ClientID == "" || slices.Contains(strings.Fields(p.Scope), scope)
}

// SampleUser returns the user of every platform.
func SampleUser() User {
	return User{ID: "usr_sample", Email: "sam@example.com", Roles: map[string]string{"wsp_atelier": "owner", "wsp_northwind": "member"}}
}

// SampleWorkspaces returns the workspaces of every platform.
func SampleWorkspaces() []Workspace {
	return []Workspace{
		{ID: "wsp_atelier", Name: "Sam's Atelier", Slug: "sams-atelier"},
		{ID: "wsp_northwind", Name: "Northwind Studio", Slug: "northwind-studio"},
	}
}

// SeedIdentities stores the sample user and workspaces if they are missing.
func SeedIdentities(st *Store) error {
	return st.Update(func(tx *Tx) error {
		user := SampleUser()
		if tx.Bytes(bucketUsers, user.ID) != nil {
			return nil
		}
		Put(tx, bucketUsers, user.ID, user)
		for _, w := range SampleWorkspaces() {
			Put(tx, bucketWorkspaces, w.ID, w)
		}
		return nil
	})
}

// Exists reports whether the user and the workspace of a principal exist.
func (p Principal) Exists(tx *Tx) bool {
	return tx.Bytes(bucketUsers, p.UserID) != nil && tx.Bytes(bucketWorkspaces, p.WorkspaceID) != nil
}

// Memberships returns a user and the workspaces that the user belongs to, in the order of their ids.
func Memberships(tx *Tx, userID string) (User, []Membership) {
	u, _ := Get[User](tx, bucketUsers, userID)
	var all []Membership
	for _, w := range List[Workspace](tx, bucketWorkspaces) {
		if role, isMember := u.Roles[w.ID]; isMember {
			all = append(all, Membership{Workspace: w, Role: role})
		}
	}
	return u, all
}

// WorkspaceIDs returns the ids of all workspaces, in ascending order.
func WorkspaceIDs(tx *Tx) []string { return tx.Keys(bucketWorkspaces) }
