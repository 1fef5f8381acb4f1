package platform

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A shownKey is a key of any of the services as the controls show it.
type shownKey struct {
	ID        string     `json:"id"`
	Service   string     `json:"service"`
	Name      string     `json:"name"`
	Class     string     `json:"class,omitempty"`
	Owner     string     `json:"owner"`
	Hint      string     `json:"hint"` // the last four characters
	CreatedAt time.Time  `json:"createdAt"`
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
	Key       string     `json:"key,omitempty"` // only in the answer that made it

	bucket, digest string // where its record is
}

// keys returns the keys of all services, the oldest first.
func (s *Server) keys() []shownKey {
	all := []shownKey{}
	s.store.view(func(tx *tx) { all = append(all, listAllKeys(tx)...) })
	slices.SortStableFunc(all, func(a, b shownKey) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), servicePlace(a.Service)-servicePlace(b.Service), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func servicePlace(name string) int {
	return slices.IndexFunc(keyServices(), func(ks keyService) bool { return ks.name == name })
}

func listAllKeys(tx *tx) []shownKey {
	var all []shownKey
	for _, digest := range tx.keys(bucketAPIKeys) {
		k, _ := get[apiKey](tx, bucketAPIKeys, digest)
		all = append(all, k.shown(digest))
	}
	for _, digest := range tx.keys(bucketServiceKeys) {
		k, _ := get[serviceKey](tx, bucketServiceKeys, digest)
		all = append(all, k.shown(digest))
	}
	return all
}

// shown has an id made of the digest, because an API key has none.
func (k apiKey) shown(digest string) shownKey {
	return shownKey{
		ID: "key_" + digest[:12], Service: serviceLamina, Name: k.Name, Owner: k.WorkspaceID, Hint: k.Hint,
		CreatedAt: k.CreatedAt, RevokedAt: k.RevokedAt, bucket: bucketAPIKeys, digest: digest,
	}
}

func (k serviceKey) shown(digest string) shownKey {
	return shownKey{
		ID: k.ID, Service: k.Service, Name: k.Name, Class: k.Class, Owner: k.Owner, Hint: k.Hint,
		CreatedAt: k.CreatedAt, RevokedAt: k.RevokedAt, bucket: bucketServiceKeys, digest: digest,
	}
}

// A wantedKey is what is asked for where a key is made.
type wantedKey struct {
	Service string `json:"service"`
	Name    string `json:"name"`
	Class   string `json:"class"`
	Owner   string `json:"owner"`
}

// fill refuses what no key can be made of, and puts the standard where nothing was said.
func (s *Server) fill(k *wantedKey) error {
	ks, ok := keyServiceOf(k.Service)
	if !ok {
		var names []string
		for _, known := range keyServices() {
			names = append(names, known.name)
		}
		return invalid(`"service" must be one of `+strings.Join(names, ", "), problem{Field: "service", Message: "is not known", Allowed: names})
	}
	k.Class, k.Owner = cmp.Or(k.Class, ks.class), cmp.Or(k.Owner, ks.owner)
	if _, ok := ks.prefixes[k.Class]; !ok {
		return wrongClass(ks)
	}
	if !isPlainID(k.Owner) {
		return invalid(fmt.Sprintf(`"owner" must be the id of a %s: up to 64 letters, digits, dots, dashes and underscores`, ks.ownerIs))
	}
	k.Name = cmp.Or(cleanText(k.Name, 80), "unnamed")
	if ks.name == serviceLamina {
		return s.knowsWorkspace(k.Owner)
	}
	return nil
}

// isPlainID reports whether a text is 1 to 64 letters, digits, dots, dashes and underscores.
func isPlainID(text string) bool {
	odd := func(r rune) bool {
		return !strings.ContainsRune("_.-0123456789", r) && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	return text != "" && len(text) <= 64 && !strings.ContainsFunc(text, odd)
}

func wrongClass(ks keyService) error {
	classes := ks.classes()
	if classes == nil {
		return invalid(`"class" must be left out: keys of ` + ks.title + ` have no classes`)
	}
	return invalid(`"class" must be one of `+strings.Join(classes, ", "), problem{Field: "class", Message: "is not known", Allowed: classes})
}

func (s *Server) knowsWorkspace(id string) error {
	var known []string
	s.store.view(func(tx *tx) { known = tx.keys(bucketWorkspaces) })
	if slices.Contains(known, id) {
		return nil
	}
	return invalid(`"owner" must be one of the workspaces `+strings.Join(known, ", "), problem{Field: "owner", Message: "is not known", Allowed: known})
}

// newKey makes a key of any service.
func (s *Server) newKey(want wantedKey) (shownKey, error) {
	if err := s.fill(&want); err != nil {
		return shownKey{}, err
	}
	var shown shownKey
	if want.Service == serviceLamina {
		key, record, err := s.newAPIKey(want.Name, want.Owner)
		shown = record.shown(s.digest(key))
		shown.Key = key
		return shown, err
	}
	key, record, err := s.newServiceKey(want.Service, want.Name, want.Class, want.Owner)
	shown = record.shown(s.digest(key))
	shown.Key = key
	return shown, err
}

// withdraw revokes a key for good, and reports whether there is one of that id. Its record stays, so that a service can
// tell a revoked key from an unknown one.
func (s *Server) withdraw(id string) (found bool, err error) {
	err = s.store.update(func(tx *tx) error {
		all := listAllKeys(tx)
		i := slices.IndexFunc(all, func(k shownKey) bool { return k.ID == id })
		if i < 0 {
			return nil
		}
		found = true
		if all[i].RevokedAt == nil {
			s.markRevoked(tx, all[i])
		}
		return nil
	})
	return found, err
}

func (s *Server) markRevoked(tx *tx, k shownKey) {
	now := s.now()
	if k.bucket == bucketAPIKeys {
		record, _ := get[apiKey](tx, bucketAPIKeys, k.digest)
		record.RevokedAt = &now
		put(tx, bucketAPIKeys, k.digest, record)
		return
	}
	record, _ := get[serviceKey](tx, bucketServiceKeys, k.digest)
	record.RevokedAt = &now
	put(tx, bucketServiceKeys, k.digest, record)
}

// listKeys answers a program with the keys, and a browser with the page of them.
func (s *Server) listKeys(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		s.renderKeys(w, r, http.StatusOK, keysPage{})
		return nil
	}
	return writeData(w, http.StatusOK, s.keys())
}

func (s *Server) makeKey(w http.ResponseWriter, r *http.Request) error {
	var want wantedKey
	if err := decodeStrictly(w, r, &want); err != nil {
		return err
	}
	made, err := s.newKey(want)
	if err != nil {
		return err
	}
	return writeData(w, http.StatusCreated, made)
}

func (s *Server) revokeKey(w http.ResponseWriter, r *http.Request) error {
	found, err := s.withdraw(r.PathValue("id"))
	if err == nil && !found {
		err = notFound("There is no key with this id; GET /dev/keys lists them")
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
