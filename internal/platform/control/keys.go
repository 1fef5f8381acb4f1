package control

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// maxKeys is the number of keys, also revoked ones, up to which new ones can be created.
const maxKeys = 10_000

// A keyRequest is the body of a request for a new key.
type keyRequest struct {
	Service string `json:"service"`
	Name    string `json:"name"`
	Class   string `json:"class"`
	Owner   string `json:"owner"`
}

// A createdKey is the description of a new key with the key itself.
type createdKey struct {
	wire.Key
	Secret string `json:"key"`
}

// complete validates a request and sets the defaults of its service.
func (s *Server) complete(req *keyRequest) error {
	kt, ok := s.Keys.Type(req.Service)
	if !ok {
		var names []string
		for _, known := range s.Keys.Types() {
			names = append(names, known.Service)
		}
		return wire.Invalid(`"service" must be one of `+strings.Join(names, ", "), wire.Problem{Field: "service", Message: "is not known", Allowed: names})
	}
	req.Class, req.Owner = cmp.Or(req.Class, kt.Class), cmp.Or(req.Owner, kt.Owner)
	if _, ok := kt.Prefixes[req.Class]; !ok {
		return wrongClass(kt)
	}
	if !isPlainID(req.Owner) {
		return wire.Invalid(fmt.Sprintf(`"owner" must be the id of a %s: up to 64 letters, digits, dots, dashes and underscores`, kt.OwnerIs))
	}
	req.Name = cmp.Or(wire.CleanText(req.Name, 80), "unnamed")
	return s.checkOwner(kt, req.Owner)
}

// isPlainID reports whether a text is 1 to 64 letters, digits, dots, dashes and underscores.
func isPlainID(text string) bool {
	isOther := func(r rune) bool {
		return !strings.ContainsRune("_.-0123456789", r) && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	return text != "" && len(text) <= 64 && !strings.ContainsFunc(text, isOther)
}

func wrongClass(kt wire.KeyType) error {
	classes := kt.Classes()
	if classes == nil {
		return wire.Invalid(`"class" must be left out: keys of ` + kt.Title + ` have no classes`)
	}
	return wire.Invalid(`"class" must be one of `+strings.Join(classes, ", "), wire.Problem{Field: "class", Message: "is not known", Allowed: classes})
}

// checkOwner refuses an unknown owner, if the service has a list of owners.
func (s *Server) checkOwner(kt wire.KeyType, owner string) error {
	if kt.Owners == nil {
		return nil
	}
	var known []string
	s.Store.View(func(tx *wire.Tx) { known = kt.Owners(tx) })
	if slices.Contains(known, owner) {
		return nil
	}
	return wire.Invalid(fmt.Sprintf(`"owner" must be one of the %ss %s`, kt.OwnerIs, strings.Join(known, ", ")),
		wire.Problem{Field: "owner", Message: "is not known", Allowed: known})
}

func (s *Server) newKey(req keyRequest) (createdKey, error) {
	if err := s.complete(&req); err != nil {
		return createdKey{}, err
	}
	if s.Keys.Count() >= maxKeys {
		return createdKey{}, &wire.Error{
			Status: http.StatusTooManyRequests, Code: "RATE_LIMITED",
			Message: fmt.Sprintf("The platform keeps at most %d keys; start it with another data file", maxKeys),
		}
	}
	secret, key, err := s.Keys.Make(req.Service, req.Name, req.Class, req.Owner)
	return createdKey{key, secret}, err
}

// listKeys answers GET /dev/keys: a browser with the page of keys, another client with JSON.
func (s *Server) listKeys(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		s.renderKeys(w, r, http.StatusOK, keysPage{})
		return nil
	}
	return wire.WriteData(w, http.StatusOK, s.Keys.List())
}

func (s *Server) createKey(w http.ResponseWriter, r *http.Request) error {
	var req keyRequest
	if err := wire.DecodeStrict(w, r, &req); err != nil {
		return err
	}
	created, err := s.newKey(req)
	if err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusCreated, created)
}

func (s *Server) revokeKey(w http.ResponseWriter, r *http.Request) error {
	found, err := s.Keys.Revoke(r.PathValue("id"))
	if err == nil && !found {
		err = wire.NotFound("There is no key with this id; GET /dev/keys lists them")
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
