package platform

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The services that the platform answers for. Those beside Lamina are served below their names: BASE/laghav.
const (
	serviceLamina    = "lamina" // its keys are in bucketAPIKeys
	serviceLaminr    = "laminr"
	serviceLamatic   = "lamatic"
	serviceLightfast = "lightfast"
	serviceLaghav    = "laghav"
)

// bucketServiceKeys holds the keys of the other services: digest of the key → serviceKey.
const bucketServiceKeys = "service-keys"

// A serviceKey is what is kept of a key of another service: not the key.
type serviceKey struct {
	ID        string     `json:"id"`
	Service   string     `json:"service"`
	Name      string     `json:"name"`
	Class     string     `json:"class,omitempty"` // live or test, where the service tells them apart
	Owner     string     `json:"owner"`           // a tenant, a project, an organization or an application: what the key is bound to
	Hint      string     `json:"hint"`            // the last four characters, to tell keys apart
	CreatedAt time.Time  `json:"createdAt"`
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
}

// A keyService is a service whose keys the platform makes.
type keyService struct {
	name, title string
	prefixes    map[string]string // how keys start, by class; the class is "" where the service knows none
	class       string            // the one that a key has if nobody asks for another
	ownerIs     string            // what a key is bound to
	owner       string            // the one that every platform has
}

// keyServices are the services whose keys the platform makes, Lamina first.
func keyServices() []keyService {
	return []keyService{
		{serviceLamina, "Lamina", map[string]string{"": "lma_"}, "", "workspace", sampleWorkspaces[0].ID},
		{serviceLaminr, "Laminr", map[string]string{"live": "sk_live_", "test": "sk_test_"}, "live", "tenant", "tenant_sample"},
		{serviceLamatic, "Lamatic.ai", map[string]string{"": ""}, "", "project", "prj_sample"},
		{serviceLightfast, "Lightfast", map[string]string{"": "sk-lf-"}, "", "organization", "org_sample"},
		{serviceLaghav, "Laghav", map[string]string{"live": "lgh_live_", "test": "lgh_test_"}, "live", "application", "app_sample"},
	}
}

// keyServiceOf returns the service of that name.
func keyServiceOf(name string) (keyService, bool) {
	for _, ks := range keyServices() {
		if ks.name == name {
			return ks, true
		}
	}
	return keyService{}, false
}

// classes are those that the service tells apart, in the order of the alphabet; none if it does not.
func (ks keyService) classes() []string {
	if len(ks.prefixes) == 1 {
		return nil
	}
	return slices.Sorted(maps.Keys(ks.prefixes))
}

// newServiceKey makes a key, and returns it and what is kept of it.
func (s *Server) newServiceKey(service, name, class, owner string) (string, serviceKey, error) {
	ks, _ := keyServiceOf(service)
	if class == "" {
		class = ks.class
	}
	secret := ks.prefixes[class] + randomToken(32)
	record := serviceKey{
		ID: "key_" + randomToken(9), Service: service, Name: name, Class: class, Owner: owner, Hint: secret[len(secret)-4:], CreatedAt: s.now(),
	}
	err := s.store.update(func(tx *tx) error {
		put(tx, bucketServiceKeys, s.digest(secret), record)
		return nil
	})
	return secret, record, err
}

// serviceKeyOf looks a key of a service up, be it revoked or not.
func (s *Server) serviceKeyOf(service, secret string) (key serviceKey, ok bool) {
	s.store.view(func(tx *tx) { key, ok = get[serviceKey](tx, bucketServiceKeys, s.digest(secret)) })
	return key, ok && key.Service == service
}

// bearer returns the token of an Authorization header, or "".
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// ServiceAccess is how a client gets at one of the services beside Lamina.
type ServiceAccess struct {
	BaseURL  string            `json:"baseUrl"`
	APIKey   string            `json:"apiKey"`
	Settings map[string]string `json:"settings,omitempty"`
}

// NewServiceKeys makes a working key for each of the services beside Lamina, and returns how to get at them by name.
func (s *Server) NewServiceKeys(name string) (map[string]ServiceAccess, error) {
	access := map[string]ServiceAccess{}
	for service, a := range s.services() {
		ks, _ := keyServiceOf(service)
		var err error
		if a.APIKey, _, err = s.newServiceKey(service, name, ks.class, ks.owner); err != nil {
			return nil, err
		}
		access[service] = a
	}
	for _, project := range []string{lamaticSample, lamaticSecond} { // its keys work from the next deployment on
		if _, err := s.deployLamatic(project); err != nil {
			return nil, err
		}
	}
	return access, nil
}

// services are the addresses and settings of the services beside Lamina, without a key.
func (s *Server) services() map[string]ServiceAccess {
	base := s.opts.BaseURL
	return map[string]ServiceAccess{
		serviceLaminr:    {BaseURL: base + "/laminr"},
		serviceLamatic:   {BaseURL: base + "/lamatic/graphql", Settings: map[string]string{"project-id": "prj_sample"}},
		serviceLightfast: {BaseURL: base + "/lightfast/api/v1"},
		serviceLaghav:    {BaseURL: base + "/laghav"},
	}
}

// routeServices adds the services beside Lamina.
func (s *Server) routeServices(mux *http.ServeMux) {
	s.routeLaminr(mux)
	s.routeLamatic(mux)
	s.routeLightfast(mux)
	s.routeLaghav(mux)
}
