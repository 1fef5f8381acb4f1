package laghav

import (
	"net/http"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A keyEntry is a key in a reply. Laghav documents the endpoints without their replies; the names follow those of
// applications, which are documented.
type keyEntry struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	AppID     string     `json:"app_id"`
	Type      string     `json:"type"` // live or test
	Hint      string     `json:"last_four"`
	Status    string     `json:"status"` // active or revoked
	CreatedAt time.Time  `json:"created_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	APIKey    string     `json:"api_key,omitempty"` // only in the reply that creates it
}

func newKeyEntry(k wire.Key) keyEntry {
	e := keyEntry{
		ID: k.ID, Name: k.Name, AppID: k.Owner, Type: k.Class, Hint: k.Hint, Status: "active", CreatedAt: k.CreatedAt, RevokedAt: k.RevokedAt,
	}
	if k.RevokedAt != nil {
		e.Status = "revoked"
	}
	return e
}

func (s *server) listKeys(w http.ResponseWriter, _ *http.Request, _ wire.Key) error {
	entries := []keyEntry{}
	s.Store.View(func(tx *wire.Tx) {
		for _, k := range wire.KeysOf(tx, Service) {
			entries = append(entries, newKeyEntry(k))
		}
	})
	slices.SortStableFunc(entries, func(a, b keyEntry) int { return a.CreatedAt.Compare(b.CreatedAt) })
	wire.WriteJSON(w, http.StatusOK, map[string]any{"keys": entries})
	return nil
}

// createKey answers POST /api/keys with a live key. Laghav does not document how to create a test key.
func (s *server) createKey(w http.ResponseWriter, r *http.Request, _ wire.Key) error {
	var body struct {
		Name  string `json:"name"`
		AppID string `json:"app_id"`
	}
	if err := decodeBody(w, r, &body); err != nil {
		return err
	}
	name := wire.CleanText(body.Name, 80)
	if name == "" || body.AppID == "" {
		return invalid("name and app_id are required")
	}
	var known bool
	var count int
	var limits planLimits
	s.Store.View(func(tx *wire.Tx) {
		_, known = wire.Get[application](tx, bucketApps, body.AppID)
		count, limits = len(activeKeys(tx)), s.currentTenant(tx).plan()
	})
	if !known {
		return notFound("There is no application with this id")
	}
	if limits.keys > 0 && count >= limits.keys {
		return locked("The plan allows no further key")
	}
	secret, record, err := s.Keys.Make(Service, name, "live", body.AppID)
	if err != nil {
		return err
	}
	entry := newKeyEntry(record)
	entry.APIKey = secret
	wire.WriteJSON(w, http.StatusCreated, entry)
	return nil
}

// revokeKey answers DELETE /api/keys/{id}. A key may revoke itself.
func (s *server) revokeKey(w http.ResponseWriter, r *http.Request, _ wire.Key) error {
	id := r.PathValue("id")
	var found bool
	s.Store.View(func(tx *wire.Tx) {
		found = slices.ContainsFunc(wire.KeysOf(tx, Service), func(k wire.Key) bool { return k.ID == id })
	})
	if !found {
		return notFound("There is no key with this id")
	}
	if _, err := s.Keys.Revoke(id); err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusOK, map[string]string{"id": id, "status": "revoked"})
	return nil
}

// activeKeys returns the keys that are not revoked.
func activeKeys(tx *wire.Tx) []wire.Key {
	return slices.DeleteFunc(wire.KeysOf(tx, Service), func(k wire.Key) bool { return k.RevokedAt != nil })
}
