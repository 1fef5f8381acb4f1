package platform

import (
	"net/http"
	"strings"
	"time"
)

// The services beside Lamina that the platform answers for. Each is served below its name: BASE/laghav.
const (
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

// servicePrefixes are how keys start, by service and class.
var servicePrefixes = map[string]string{
	serviceLaminr: "sk_live_", serviceLaminr + " live": "sk_live_", serviceLaminr + " test": "sk_test_",
	serviceLightfast: "sk-lf-",
	serviceLaghav:    "lgh_live_", serviceLaghav + " live": "lgh_live_", serviceLaghav + " test": "lgh_test_",
}

// newServiceKey makes a key, and returns it and what is kept of it.
func (s *Server) newServiceKey(service, name, class, owner string) (string, serviceKey, error) {
	prefix := servicePrefixes[strings.TrimSpace(service+" "+class)]
	secret := prefix + randomToken(32)
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
		key, _, err := s.newServiceKey(service, name, a.class, a.owner)
		if err != nil {
			return nil, err
		}
		a.access.APIKey = key
		access[service] = a.access
	}
	for _, project := range []string{lamaticSample, lamaticSecond} { // its keys work from the next deployment on
		if _, err := s.deployLamatic(project); err != nil {
			return nil, err
		}
	}
	return access, nil
}

// A sampleAccess is what NewServiceKeys gives out for a service.
type sampleAccess struct {
	access       ServiceAccess
	class, owner string
}

func (s *Server) services() map[string]sampleAccess {
	base := s.opts.BaseURL
	return map[string]sampleAccess{
		serviceLaminr:    {ServiceAccess{BaseURL: base + "/laminr"}, "live", "tenant_sample"},
		serviceLamatic:   {ServiceAccess{BaseURL: base + "/lamatic/graphql", Settings: map[string]string{"project-id": "prj_sample"}}, "", "prj_sample"},
		serviceLightfast: {ServiceAccess{BaseURL: base + "/lightfast/api/v1"}, "", "org_sample"},
		serviceLaghav:    {ServiceAccess{BaseURL: base + "/laghav"}, "live", "app_sample"},
	}
}

// routeServices adds the services beside Lamina.
func (s *Server) routeServices(mux *http.ServeMux) {
	s.routeLaminr(mux)
	s.routeLamatic(mux)
	s.routeLightfast(mux)
	s.routeLaghav(mux)
}
