// Package lightfast serves Lightfast, a search service, over the guides of this program. It serves every form that the
// API of Lightfast has had, because clients of all of them exist.
package lightfast

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// Service is the name of the service in the platform.
const Service = "lightfast"

// emptyOrganization is an organization without connected sources.
const emptyOrganization = "org_empty"

// KeyType describes the keys of Lightfast.
func KeyType() wire.KeyType {
	return wire.KeyType{
		Service: Service, Title: "Lightfast", Prefixes: map[string]string{"": "sk-lf-"}, OwnerIs: "organization", Owner: "org_sample",
	}
}

// A generation is one of the forms that the API of Lightfast has had. Each is served at an address of its own.
type generation struct {
	prefix           string // of the path, below /lightfast
	needsWorkspace   bool   // X-Workspace-ID is required
	isNested         bool   // requests have filters, answers have data and meta
	hasLowerCaseCode bool   // of errors
	codes            map[string]string
	limit            int // searches in a minute, reported in headers; 0: no limit
	handlers         map[string]handler
}

// hasNestedReplies reports whether answers other than those to a search are nested too: those of generation b are not.
func (g generation) hasNestedReplies() bool { return g.isNested && !g.needsWorkspace }

// A handler answers a call of a known organization with the JSON of a success.
type handler func(c *call) (any, error)

type server struct {
	wire.Deps
	library  func() *library // built at the first search
	searches wire.Limiter
}

// New returns Lightfast below /lightfast.
func New(deps wire.Deps) http.Handler {
	s := &server{Deps: deps}
	s.library = sync.OnceValue(func() *library { return newLibrary(s.BaseURL + "/lightfast/docs/") })
	mux := http.NewServeMux()
	for _, g := range s.generations() {
		for route, h := range g.handlers {
			mux.HandleFunc("/lightfast"+g.prefix+route, s.handle(g, h))
		}
		mux.HandleFunc("/lightfast"+g.prefix+"/", s.handle(g, nil))
	}
	for _, prefix := range []string{"/api/v1", "/e/api/v1"} {
		mux.HandleFunc("/lightfast"+prefix+"/system/health", s.health)
	}
	mux.HandleFunc("GET /lightfast/docs/{name...}", s.showDocument)
	mux.HandleFunc("/lightfast/", s.handle(generation{}, nil))
	return mux
}

// generations returns the served generations by the letters under which clients know them. The documented one is d.
func (s *server) generations() map[string]generation {
	flat := map[string]handler{"/search": s.search, "/contents": s.contents, "/findsimilar": s.findSimilar}
	return map[string]generation{
		"a": {
			prefix: "/a/v1", hasLowerCaseCode: true, limit: 60,
			codes: map[string]string{
				"UNAUTHORIZED": "authentication_failed", "VALIDATION_ERROR": "invalid_request", "INVALID_JSON": "invalid_request",
				"RATE_LIMITED": "rate_limit_exceeded",
			},
			handlers: map[string]handler{"/search": s.search, "/contents": s.contents, "/similar": s.findSimilar},
		},
		"b": {prefix: "/b/api/v1", needsWorkspace: true, isNested: true, handlers: flat},
		"c": {prefix: "/v1", isNested: true, handlers: map[string]handler{
			"/search": s.search, "/contents": s.contents, "/findsimilar": s.findSimilar, "/related": s.related, "/graph": s.graph,
		}},
		"d": {prefix: "/api/v1", handlers: flat},
		"e": {prefix: "/e/api/v1", hasLowerCaseCode: true, codes: map[string]string{"UNAUTHORIZED": "auth_required"}},
	}
}

// A call is a request in work.
type call struct {
	generation   generation
	organization string
	requestID    string
	body         []byte
	library      *library
	started      time.Time // on the machine's clock, because it measures a duration
}

// took returns the duration of the call in milliseconds.
func (c *call) took() float64 {
	return float64(time.Since(c.started).Microseconds()) / 1000
}

// handle returns a handler that checks the method, the key and the body before it runs h. A nil h is an unknown address.
func (s *server) handle(g generation, h handler) http.HandlerFunc {
	return s.answer(g, func(w http.ResponseWriter, r *http.Request) error {
		reply, err := s.run(w, r, &call{generation: g, requestID: requestID(r), started: time.Now()}, h)
		if err == nil {
			wire.WriteJSON(w, http.StatusOK, reply)
		}
		return err
	})
}

func (s *server) run(w http.ResponseWriter, r *http.Request, c *call, h handler) (any, error) {
	if h == nil {
		return nil, notFound("There is nothing at this address")
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, methodNotAllowed("This address takes only POST")
	}
	key, err := s.caller(r, c.generation)
	if err != nil {
		return nil, err
	}
	c.organization = key.Owner
	if err := s.countSearch(w, c.generation, key); err != nil {
		return nil, err
	}
	if c.body, err = wire.ReadBody(w, r); err != nil {
		return nil, invalidJSON("The body could not be read, or is larger than 1 MiB")
	}
	if !json.Valid(c.body) {
		return nil, invalidJSON("The body is not valid JSON")
	}
	c.library = s.library()
	return h(c)
}

// caller returns the key of a request. A key belongs to an organization; a request that names another one is refused.
func (s *server) caller(r *http.Request, g generation) (wire.Key, error) {
	secret, organization := wire.BearerToken(r), r.Header.Get("X-Org-ID")
	if _, err := r.Cookie("__session"); err == nil && r.Header.Get("Authorization") == "" && organization == "" {
		return wire.Key{}, badRequest("A session needs the header X-Org-ID")
	}
	key, ok := s.Keys.Find(Service, secret)
	if !ok || key.RevokedAt != nil {
		return key, unauthorized()
	}
	if organization != "" && organization != key.Owner {
		return key, &refusal{status: http.StatusForbidden, code: "FORBIDDEN", message: "Not authorized to access this organization"}
	}
	workspace := r.Header.Get("X-Workspace-ID")
	switch {
	case g.needsWorkspace && workspace == "":
		return key, badRequest("The header X-Workspace-ID is missing")
	case g.isNested && workspace != "" && workspace != workspaceOf(key.Owner):
		return key, notFound("Workspace not found")
	}
	return key, nil
}

// workspaceOf returns the one workspace of an organization: ws_sample for org_sample.
func workspaceOf(organization string) string {
	return "ws_" + strings.TrimPrefix(organization, "org_")
}

// countSearch counts a search, if the generation has a limit, and refuses it above the limit.
func (s *server) countSearch(w http.ResponseWriter, g generation, key wire.Key) error {
	if g.limit == 0 {
		return nil
	}
	now := s.Clock.Now()
	count := s.searches.Count(key.ID, g.limit, now)
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(g.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(count.Remaining()))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(now.Add(count.Left).Unix(), 10))
	if !count.Exceeded() {
		return nil
	}
	h.Set("Retry-After", strconv.Itoa(count.Seconds()))
	return &refusal{
		status: http.StatusTooManyRequests, code: "RATE_LIMITED", message: "Too many searches in this minute",
		details: map[string]any{"retryAfter": count.Seconds()},
	}
}

// health reports whether a key is valid, also for an organization without sources. Pages of other origins may call it.
func (s *server) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	s.answer(s.generations()["e"], s.checkHealth)(w, r)
}

func (s *server) checkHealth(w http.ResponseWriter, r *http.Request) error {
	key, ok := s.Keys.Find(Service, wire.BearerToken(r))
	h := w.Header()
	switch {
	case r.Method == http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		w.WriteHeader(http.StatusNoContent)
		return nil
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, OPTIONS")
		return methodNotAllowed("This address takes only GET")
	case !ok || key.RevokedAt != nil:
		return unauthorized()
	}
	wire.WriteJSON(w, http.StatusOK, map[string]any{"status": "ok", "version": "0.1.0-local", "timestamp": s.Clock.Now()})
	return nil
}

// answer returns a handler that writes the failure of h in the form of a generation.
func (s *server) answer(g generation, h wire.Handler) http.HandlerFunc {
	internal := &refusal{status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: wire.InternalMessage}
	return wire.Answer(s.Log, h, internal, func(w http.ResponseWriter, r *http.Request, e *refusal) {
		wire.WriteJSON(w, e.status, e.body(g, requestID(r)))
	})
}

// decode reads the body of a call, which is valid JSON, into v. It ignores unknown fields.
func (c *call) decode(v any) error {
	err := json.Unmarshal(c.body, v)
	if field, kind, ok := wire.WrongType(err); ok {
		return fieldErrors{field: {"must not be a JSON " + kind}}.err()
	}
	return err
}

// checkSources refuses an organization without connected sources.
func (c *call) checkSources() error {
	if c.organization != emptyOrganization {
		return nil
	}
	return &refusal{
		status: http.StatusInternalServerError, code: "CONFIG_ERROR", message: "This organization has no connected or indexed sources",
	}
}
