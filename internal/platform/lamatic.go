package platform

import (
	"net/http"
	"slices"
	"time"
)

// The projects of the local Lamatic. All answer at one address and are told apart by x-project-id. The last one was never
// deployed.
const (
	lamaticSample = "prj_sample"
	lamaticSecond = "prj_second"
	lamaticDraft  = "prj_draft"
)

// bucketLamaticProjects holds what deployments changed: id of the project → lamaticProject.
const bucketLamaticProjects = "lamatic-projects"

// A lamaticProject is a project as it was last deployed. A key that was made since then does not work yet.
type lamaticProject struct {
	ID         string    `json:"projectId"`
	DeployedAt time.Time `json:"deployedAt"`
	Keys       []string  `json:"keys"` // ids of the keys that were known then
}

// routeLamatic adds Lamatic below /lamatic, and the control that deploys a project.
func (s *Server) routeLamatic(mux *http.ServeMux) {
	mux.HandleFunc("/lamatic/graphql", s.answer(s.serveLamatic))
	mux.HandleFunc("/lamatic/", s.answer(func(w http.ResponseWriter, _ *http.Request) error {
		refuseLamatic(w, http.StatusNotFound, "Project not found: there is no project at this address")
		return nil
	}))
	mux.HandleFunc("/dev/lamatic/deploy", s.open(map[string]anonymous{"POST": ownOnly(s.deployLamaticProject)}))
	mux.HandleFunc("/dev/lamatic/tokens", s.open(map[string]anonymous{"POST": ownOnly(s.issueLamaticToken)}))
}

// serveLamatic answers a GraphQL request: who is it, for which project, and what is to be done.
func (s *Server) serveLamatic(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuseLamatic(w, http.StatusMethodNotAllowed, "GraphQL requests are sent with POST")
		return nil
	}
	project, refusal := s.lamaticCaller(r)
	if refusal != nil {
		refuseLamatic(w, refusal.status, refusal.message)
		return nil
	}
	return s.serveGraphQL(w, r, project)
}

// A lamaticRefusal is why a request is not looked at. Lamatic documents the statuses and their causes, but no body: the
// platform sends the one form of an error that every GraphQL client reads.
type lamaticRefusal struct {
	status  int
	message string
}

func refuseLamatic(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"errors": []any{map[string]string{"message": message}}})
}

// lamaticCaller returns the project that a request is for, if its credential is one of that project's.
func (s *Server) lamaticCaller(r *http.Request) (string, *lamaticRefusal) {
	owner, refusal := s.lamaticOwner(r)
	if refusal != nil {
		return "", refusal
	}
	asked := r.Header.Get("X-Project-Id")
	project, deployed := s.lamaticProject(asked)
	switch {
	case asked == "":
		return "", &lamaticRefusal{http.StatusNotFound, "Project not found: the header x-project-id is missing"}
	case asked != owner:
		return "", &lamaticRefusal{http.StatusNotFound, "Project not found: the credential belongs to no project of this id"}
	case !deployed:
		return "", &lamaticRefusal{http.StatusNotFound, "Project not found: the project is not deployed"}
	}
	return project.ID, nil
}

// lamaticOwner returns the project that a credential belongs to: an access token, which wins where both are sent, or a key.
func (s *Server) lamaticOwner(r *http.Request) (string, *lamaticRefusal) {
	if token := r.Header.Get("X-Lamatic-Signature"); token != "" {
		return s.lamaticTokenOwner(token)
	}
	unauthorized := func(why string) (string, *lamaticRefusal) {
		return "", &lamaticRefusal{http.StatusUnauthorized, "Unauthorized: " + why}
	}
	switch secret := bearer(r); {
	case r.Header.Get("Authorization") == "":
		return unauthorized("the Authorization header is missing")
	case secret == "":
		return unauthorized("the Authorization header is not of the form Bearer <key>")
	default:
		key, ok := s.serviceKeyOf(serviceLamatic, secret)
		if !ok || key.RevokedAt != nil {
			return unauthorized("the API key is invalid")
		}
		if project, deployed := s.lamaticProject(key.Owner); deployed && !slices.Contains(project.Keys, key.ID) {
			return unauthorized("the API key is invalid: the project was not deployed since the key was made")
		}
		return key.Owner, nil
	}
}

// lamaticProject returns a project as it is deployed, and whether it is.
func (s *Server) lamaticProject(id string) (project lamaticProject, deployed bool) {
	s.store.view(func(tx *tx) { project, deployed = get[lamaticProject](tx, bucketLamaticProjects, id) })
	return project, deployed
}

// deployLamatic deploys a project, so that the keys that were made for it work.
func (s *Server) deployLamatic(id string) (lamaticProject, error) {
	project := lamaticProject{ID: id, DeployedAt: s.now(), Keys: []string{}}
	err := s.store.update(func(tx *tx) error {
		for _, key := range list[serviceKey](tx, bucketServiceKeys) {
			if key.Service == serviceLamatic && key.Owner == id && key.RevokedAt == nil {
				project.Keys = append(project.Keys, key.ID)
			}
		}
		put(tx, bucketLamaticProjects, id, project)
		return nil
	})
	return project, err
}

// deployLamaticProject is the control for tests: in Lamatic, a person does this in Studio.
func (s *Server) deployLamaticProject(w http.ResponseWriter, r *http.Request) error {
	body := struct {
		ProjectID string `json:"projectId"`
	}{lamaticSample}
	if err := decodeStrictly(w, r, &body); err != nil {
		return err
	}
	if err := knownLamaticProject(body.ProjectID); err != nil {
		return err
	}
	project, err := s.deployLamatic(body.ProjectID)
	if err != nil {
		return err
	}
	return writeData(w, http.StatusOK, project)
}

func knownLamaticProject(id string) error {
	known := []string{lamaticSample, lamaticSecond, lamaticDraft}
	if !slices.Contains(known, id) {
		return invalid("There is no such project", problem{Field: "projectId", Message: "is none of the projects", Allowed: known})
	}
	return nil
}
