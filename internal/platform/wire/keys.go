package wire

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Buckets of keys. A digest is that of Secrets.
const (
	bucketKeys       = "service-keys" // digest of the key → Key
	bucketLaminaKeys = "api-keys"     // of older versions: digest of the key → laminaKey
)

// A Key is the stored description of an API key, without the key itself.
type Key struct {
	ID        string     `json:"id"`
	Service   string     `json:"service"`
	Name      string     `json:"name"`
	Class     string     `json:"class,omitempty"` // live or test, for services with classes
	Owner     string     `json:"owner"`           // id of the workspace, tenant, project, organization or application
	Hint      string     `json:"hint"`            // the last four characters of the key
	CreatedAt time.Time  `json:"createdAt"`
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
}

// A KeyType describes the keys of a service.
type KeyType struct {
	Service  string            // name, as in Key
	Title    string            // name for users
	Prefixes map[string]string // class → start of a key; the class is "" for a service without classes
	Class    string            // default class
	OwnerIs  string            // kind of owner: "workspace"
	Owner    string            // default owner
	// Owners returns the allowed owners. Nil: any id.
	Owners func(tx *Tx) []string
}

// Classes returns the classes of a service in ascending order, or nil for a service without classes.
func (kt KeyType) Classes() []string {
	if len(kt.Prefixes) == 1 {
		return nil
	}
	return slices.Sorted(maps.Keys(kt.Prefixes))
}

// Keys makes, finds and revokes the API keys of all services. The store keeps only the digest of a key.
type Keys struct {
	store   *Store
	secrets *Secrets
	clock   *Clock
	types   []KeyType
}

// OpenKeys returns the keys of a store, for services with these types of key.
func OpenKeys(st *Store, secrets *Secrets, clock *Clock, types ...KeyType) (*Keys, error) {
	return &Keys{store: st, secrets: secrets, clock: clock, types: types}, st.Update(func(tx *Tx) error {
		adoptLaminaKeys(tx)
		return nil
	})
}

// A laminaKey is a key of Lamina as older versions stored it.
type laminaKey struct {
	Hint        string     `json:"hint"`
	Name        string     `json:"name"`
	WorkspaceID string     `json:"workspaceId"`
	CreatedAt   time.Time  `json:"createdAt"`
	RevokedAt   *time.Time `json:"revokedAt"`
}

// adoptLaminaKeys moves the keys of Lamina from the bucket of older versions.
func adoptLaminaKeys(tx *Tx) {
	for _, digest := range tx.Keys(bucketLaminaKeys) {
		old, _ := Get[laminaKey](tx, bucketLaminaKeys, digest)
		Put(tx, bucketKeys, digest, Key{
			ID: "key_" + digest[:12], Service: "lamina", Name: old.Name, Owner: old.WorkspaceID, Hint: old.Hint,
			CreatedAt: old.CreatedAt, RevokedAt: old.RevokedAt,
		})
		tx.Remove(bucketLaminaKeys, digest)
	}
}

// Types returns the types of key, in the order in which they were given to OpenKeys.
func (k *Keys) Types() []KeyType { return k.types }

// Type returns the type of key of a service.
func (k *Keys) Type(service string) (KeyType, bool) {
	i := k.place(service)
	if i < 0 {
		return KeyType{}, false
	}
	return k.types[i], true
}

func (k *Keys) place(service string) int {
	return slices.IndexFunc(k.types, func(kt KeyType) bool { return kt.Service == service })
}

// Make makes a key of a known service and returns it with its description. An empty class or owner is the default.
func (k *Keys) Make(service, name, class, owner string) (secret string, key Key, err error) {
	kt, _ := k.Type(service)
	class = cmp.Or(class, kt.Class)
	secret = kt.Prefixes[class] + RandomToken(32)
	key = Key{
		ID: "key_" + RandomToken(9), Service: service, Name: name, Class: class, Owner: cmp.Or(owner, kt.Owner),
		Hint: secret[len(secret)-4:], CreatedAt: k.clock.Now(),
	}
	err = k.store.Update(func(tx *Tx) error {
		Put(tx, bucketKeys, k.secrets.Digest(secret), key)
		return nil
	})
	return secret, key, err
}

// Find returns the description of a key of a service, also of a revoked one.
func (k *Keys) Find(service, secret string) (key Key, ok bool) {
	k.store.View(func(tx *Tx) { key, ok = Get[Key](tx, bucketKeys, k.secrets.Digest(secret)) })
	return key, ok && key.Service == service
}

// Count returns the number of keys of all services, also revoked ones.
func (k *Keys) Count() (n int) {
	k.store.View(func(tx *Tx) { n = tx.Len(bucketKeys) })
	return n
}

// List returns the keys of all services, oldest first.
func (k *Keys) List() []Key {
	all := []Key{}
	k.store.View(func(tx *Tx) { all = append(all, List[Key](tx, bucketKeys)...) })
	slices.SortStableFunc(all, func(a, b Key) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), k.place(a.Service)-k.place(b.Service), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// KeysOf returns the keys of a service, also revoked ones.
func KeysOf(tx *Tx, service string) []Key {
	return slices.DeleteFunc(List[Key](tx, bucketKeys), func(k Key) bool { return k.Service != service })
}

// Revoke revokes a key for good and reports whether the key exists. The description stays, so that a service can
// answer differently to a revoked key and to an unknown one.
func (k *Keys) Revoke(id string) (found bool, err error) {
	err = k.store.Update(func(tx *Tx) error {
		for _, digest := range tx.Keys(bucketKeys) {
			key, _ := Get[Key](tx, bucketKeys, digest)
			if key.ID != id {
				continue
			}
			found = true
			if key.RevokedAt == nil {
				now := k.clock.Now()
				key.RevokedAt = &now
				Put(tx, bucketKeys, digest, key)
			}
		}
		return nil
	})
	return found, err
}
