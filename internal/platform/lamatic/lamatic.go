// Package lamatic serves Lamatic, a service for workflows, over GraphQL. Its workflows are plain functions; none calls
// a language model.
package lamatic

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// Service is the name of the service in the platform.
const Service = "lamatic"

// The projects. All have the same address; a request names its project in the header X-Project-Id. The draft is never
// deployed.
const (
	SampleProject = "prj_sample"
	secondProject = "prj_second"
	draftProject  = "prj_draft"
)

// bucketDeployments holds the deployments: project id → deployment.
const bucketDeployments = "lamatic-projects"

// A deployment is the state of a project that was deployed. A key that was made later does not work yet.
type deployment struct {
	ProjectID  string    `json:"projectId"`
	DeployedAt time.Time `json:"deployedAt"`
	Keys       []string  `json:"keys"` // ids of the project's keys at that time
}

// KeyType describes the keys of Lamatic.
func KeyType() wire.KeyType {
	return wire.KeyType{
		Service: Service, Title: "Lamatic.ai", Prefixes: map[string]string{"": ""}, OwnerIs: "project", Owner: SampleProject,
	}
}

// A Server is Lamatic with its controls.
type Server struct {
	wire.Deps
	fetch   func(ctx context.Context, address string) ([]byte, error)
	handler http.Handler
}

// New returns Lamatic below /lamatic, and its controls below /dev/lamatic. fetch returns the bytes at an address for a
// workflow; clients see the text of its error.
func New(deps wire.Deps, fetch func(ctx context.Context, address string) ([]byte, error)) *Server {
	s := &Server{Deps: deps, fetch: fetch}
	mux := http.NewServeMux()
	mux.HandleFunc("/lamatic/graphql", s.answer(s.serveGraphQL))
	mux.HandleFunc("/lamatic/", s.answer(func(http.ResponseWriter, *http.Request) error {
		return &refusal{http.StatusNotFound, "Project not found: there is no project at this address"}
	}))
	mux.HandleFunc("/dev/lamatic/deploy", s.ByMethod(map[string]wire.Handler{"POST": wire.SameOrigin(s.deployProject)}))
	mux.HandleFunc("/dev/lamatic/tokens", s.ByMethod(map[string]wire.Handler{"POST": wire.SameOrigin(s.issueToken)}))
	s.handler = mux
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// A refusal is an answer to a request that is not executed. Lamatic documents the statuses and their causes but no
// body. This server uses the form of an error that every GraphQL client reads.
type refusal struct {
	status  int
	message string
}

func (e *refusal) Error() string { return e.message }

// answer returns a handler that writes the failure of h as a refusal.
func (s *Server) answer(h wire.Handler) http.HandlerFunc {
	internal := &refusal{http.StatusInternalServerError, wire.InternalMessage}
	return wire.Answer(s.Log, h, internal, func(w http.ResponseWriter, _ *http.Request, e *refusal) {
		wire.WriteJSON(w, e.status, map[string]any{"errors": []any{map[string]string{"message": e.message}}})
	})
}

// caller returns the project of a request, if its credential belongs to that project.
func (s *Server) caller(r *http.Request) (project string, err error) {
	owner, err := s.credentialOwner(r)
	if err != nil {
		return "", err
	}
	project = r.Header.Get("X-Project-Id")
	_, isDeployed := s.deploymentOf(project)
	switch {
	case project == "":
		return "", &refusal{http.StatusNotFound, "Project not found: the header x-project-id is missing"}
	case project != owner:
		return "", &refusal{http.StatusNotFound, "Project not found: the credential belongs to no project of this id"}
	case !isDeployed:
		return "", &refusal{http.StatusNotFound, "Project not found: the project is not deployed"}
	}
	return project, nil
}

// credentialOwner returns the project of a credential: an access token or, without one, a key.
func (s *Server) credentialOwner(r *http.Request) (project string, err error) {
	if token := r.Header.Get("X-Lamatic-Signature"); token != "" {
		return s.tokenOwner(token)
	}
	unauthorized := func(why string) (string, error) {
		return "", &refusal{http.StatusUnauthorized, "Unauthorized: " + why}
	}
	switch secret := wire.BearerToken(r); {
	case r.Header.Get("Authorization") == "":
		return unauthorized("the Authorization header is missing")
	case secret == "":
		return unauthorized("the Authorization header is not of the form Bearer <key>")
	default:
		key, ok := s.Keys.Find(Service, secret)
		if !ok || key.RevokedAt != nil {
			return unauthorized("the API key is invalid")
		}
		if d, isDeployed := s.deploymentOf(key.Owner); isDeployed && !slices.Contains(d.Keys, key.ID) {
			return unauthorized("the API key is invalid: the project was not deployed since the key was made")
		}
		return key.Owner, nil
	}
}

// deploymentOf returns the deployment of a project, if it was deployed.
func (s *Server) deploymentOf(project string) (d deployment, ok bool) {
	s.Store.View(func(tx *wire.Tx) { d, ok = wire.Get[deployment](tx, bucketDeployments, project) })
	return d, ok
}

// DeploySamples deploys the sample projects, so that their new keys work.
func (s *Server) DeploySamples() error {
	for _, project := range []string{SampleProject, secondProject} {
		if _, err := s.deploy(project); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) deploy(project string) (deployment, error) {
	d := deployment{ProjectID: project, DeployedAt: s.Clock.Now(), Keys: []string{}}
	err := s.Store.Update(func(tx *wire.Tx) error {
		for _, key := range wire.KeysOf(tx, Service) {
			if key.Owner == project && key.RevokedAt == nil {
				d.Keys = append(d.Keys, key.ID)
			}
		}
		wire.Put(tx, bucketDeployments, project, d)
		return nil
	})
	return d, err
}

// deployProject answers POST /dev/lamatic/deploy, a control for tests. In Lamatic, a user deploys in Studio.
func (s *Server) deployProject(w http.ResponseWriter, r *http.Request) error {
	body := struct {
		ProjectID string `json:"projectId"`
	}{SampleProject}
	if err := wire.DecodeStrict(w, r, &body); err != nil {
		return err
	}
	if err := checkProject(body.ProjectID); err != nil {
		return err
	}
	d, err := s.deploy(body.ProjectID)
	if err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusOK, d)
}

func checkProject(id string) error {
	known := []string{SampleProject, secondProject, draftProject}
	if !slices.Contains(known, id) {
		return wire.Invalid("There is no such project", wire.Problem{Field: "projectId", Message: "is none of the projects", Allowed: known})
	}
	return nil
}
