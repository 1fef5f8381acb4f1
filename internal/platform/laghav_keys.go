package platform

import (
	"net/http"
	"slices"
	"time"
)

// A laghavKeyEntry is a key as the API shows it. The page Authentication has the endpoints without their replies; the
// names follow those of applications, which are documented.
type laghavKeyEntry struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	AppID     string     `json:"app_id"`
	Type      string     `json:"type"` // live or test
	Hint      string     `json:"last_four"`
	Status    string     `json:"status"` // active or revoked
	CreatedAt time.Time  `json:"created_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	APIKey    string     `json:"api_key,omitempty"` // once
}

func newLaghavKeyEntry(k serviceKey) laghavKeyEntry {
	e := laghavKeyEntry{
		ID: k.ID, Name: k.Name, AppID: k.Owner, Type: k.Class, Hint: k.Hint, Status: "active", CreatedAt: k.CreatedAt, RevokedAt: k.RevokedAt,
	}
	if k.RevokedAt != nil {
		e.Status = "revoked"
	}
	return e
}

func (s *Server) laghavListKeys(w http.ResponseWriter, _ *http.Request, _ serviceKey) error {
	entries := []laghavKeyEntry{}
	s.store.view(func(tx *tx) {
		for _, k := range list[serviceKey](tx, bucketServiceKeys) {
			if k.Service == serviceLaghav {
				entries = append(entries, newLaghavKeyEntry(k))
			}
		}
	})
	slices.SortStableFunc(entries, func(a, b laghavKeyEntry) int { return a.CreatedAt.Compare(b.CreatedAt) })
	writeJSON(w, http.StatusOK, map[string]any{"keys": entries})
	return nil
}

// laghavMakeKey makes a live key: whether one can ask for a test key, and how, is not documented.
func (s *Server) laghavMakeKey(w http.ResponseWriter, r *http.Request, _ serviceKey) error {
	var body struct {
		Name  string `json:"name"`
		AppID string `json:"app_id"`
	}
	if err := laghavBody(w, r, &body); err != nil {
		return err
	}
	name := cleanText(body.Name, 80)
	if name == "" || body.AppID == "" {
		return laghavInvalid("name and app_id are required")
	}
	var known bool
	var count int
	var plan laghavPlan
	s.store.view(func(tx *tx) {
		_, known = get[laghavApp](tx, bucketLaghavApps, body.AppID)
		count, plan = len(laghavKeysIn(tx)), s.laghavTenantIn(tx).plan()
	})
	if !known {
		return laghavNotFound("There is no application with this id")
	}
	if plan.keys > 0 && count >= plan.keys {
		return laghavLocked("The plan has no room for another key")
	}
	secret, record, err := s.newServiceKey(serviceLaghav, name, "live", body.AppID)
	if err != nil {
		return err
	}
	entry := newLaghavKeyEntry(record)
	entry.APIKey = secret
	writeJSON(w, http.StatusCreated, entry)
	return nil
}

// laghavRevokeKey revokes a key of the tenant, the one of the request too.
func (s *Server) laghavRevokeKey(w http.ResponseWriter, r *http.Request, _ serviceKey) error {
	id := r.PathValue("id")
	var found bool
	s.store.view(func(tx *tx) {
		found = slices.ContainsFunc(list[serviceKey](tx, bucketServiceKeys), func(k serviceKey) bool {
			return k.Service == serviceLaghav && k.ID == id
		})
	})
	if !found {
		return laghavNotFound("There is no key with this id")
	}
	if _, err := s.withdraw(id); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"id": id, "status": "revoked"})
	return nil
}
