package platform

import (
	"github.com/uselamina/lamina/internal/platform/laghav"
	"github.com/uselamina/lamina/internal/platform/lamatic"
	"github.com/uselamina/lamina/internal/platform/lamina"
	"github.com/uselamina/lamina/internal/platform/laminr"
	"github.com/uselamina/lamina/internal/platform/lightfast"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// keyTypes returns the types of key of all services, Lamina first.
func keyTypes() []wire.KeyType {
	return []wire.KeyType{lamina.KeyType(), laminr.KeyType(), lamatic.KeyType(), lightfast.KeyType(), laghav.KeyType()}
}

// NewAPIKey makes an API key of Lamina for the sample user in the first workspace. It returns the key and the id of the
// workspace.
func (s *Server) NewAPIKey(name string) (key, workspaceID string, err error) {
	secret, record, err := s.deps.Keys.Make(lamina.Service, name, "", "")
	return secret, record.Owner, err
}

// ServiceAccess is what a client needs for another service than Lamina.
type ServiceAccess struct {
	BaseURL  string            `json:"baseUrl"`
	APIKey   string            `json:"apiKey"`
	Settings map[string]string `json:"settings,omitempty"`
}

// NewServiceKeys makes an API key for each of the other services. It returns the access to them by service.
func (s *Server) NewServiceKeys(name string) (map[string]ServiceAccess, error) {
	base := s.deps.BaseURL
	all := map[string]ServiceAccess{
		laminr.Service:    {BaseURL: base + "/laminr"},
		lamatic.Service:   {BaseURL: base + "/lamatic/graphql", Settings: map[string]string{"project-id": lamatic.SampleProject}},
		lightfast.Service: {BaseURL: base + "/lightfast/api/v1"},
		laghav.Service:    {BaseURL: base + "/laghav"},
	}
	for service, access := range all {
		var err error
		if access.APIKey, _, err = s.deps.Keys.Make(service, name, "", ""); err != nil {
			return nil, err
		}
		all[service] = access
	}
	return all, s.lamatic.DeploySamples()
}
