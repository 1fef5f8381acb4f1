package platform

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// lightfastEmpty is an organization that has connected nothing yet.
const lightfastEmpty = "org_empty"

// A lightfastGeneration is one of the shapes that the API of Lightfast has had. They are all served, each at an address of
// its own, because what a client meets is not for it to choose.
type lightfastGeneration struct {
	prefix    string // of the path, below /lightfast
	workspace bool   // X-Workspace-ID must be sent
	nested    bool   // requests have filters, answers have data and meta
	lowerCase bool   // of error codes
	codes     map[string]string
	limit     int // searches a minute, told in headers; 0: none
	handlers  map[string]lightfastHandler
}

// A lightfastHandler answers a call of a known organization with the JSON of a success.
type lightfastHandler func(c *lightfastCall) (any, error)

// lightfast is the service at work.
type lightfast struct {
	s        *Server
	library  func() *lightfastLibrary // made at the first call that searches
	searches limiter
}

// routeLightfast adds Lightfast below /lightfast.
func (s *Server) routeLightfast(mux *http.ServeMux) {
	l := &lightfast{s: s, library: sync.OnceValue(func() *lightfastLibrary { return newLightfastLibrary(s.opts.BaseURL + "/lightfast/docs/") })}
	for _, g := range l.generations() {
		for route, h := range g.handlers {
			mux.HandleFunc("/lightfast"+g.prefix+route, l.handle(g, h))
		}
		mux.HandleFunc("/lightfast"+g.prefix+"/", l.handle(g, nil))
	}
	for _, prefix := range []string{"/api/v1", "/e/api/v1"} {
		mux.HandleFunc("/lightfast"+prefix+"/system/health", l.health)
	}
	mux.HandleFunc("GET /lightfast/docs/{name...}", l.showDocument)
	mux.HandleFunc("/lightfast/", l.handle(lightfastGeneration{}, nil))
}

// generations returns what is served, the oldest first, by the letters that clients know them under. The documented one is d.
func (l *lightfast) generations() map[string]lightfastGeneration {
	flat := map[string]lightfastHandler{"/search": l.search, "/contents": l.contents, "/findsimilar": l.findSimilar}
	return map[string]lightfastGeneration{
		"a": {
			prefix: "/a/v1", lowerCase: true, limit: 60,
			codes: map[string]string{
				"UNAUTHORIZED": "authentication_failed", "VALIDATION_ERROR": "invalid_request", "INVALID_JSON": "invalid_request",
				"RATE_LIMITED": "rate_limit_exceeded",
			},
			handlers: map[string]lightfastHandler{"/search": l.search, "/contents": l.contents, "/similar": l.findSimilar},
		},
		"b": {prefix: "/b/api/v1", workspace: true, nested: true, handlers: flat},
		"c": {prefix: "/v1", nested: true, handlers: map[string]lightfastHandler{
			"/search": l.search, "/contents": l.contents, "/findsimilar": l.findSimilar, "/related": l.related, "/graph": l.graph,
		}},
		"d": {prefix: "/api/v1", handlers: flat},
		"e": {prefix: "/e/api/v1", lowerCase: true, codes: map[string]string{"UNAUTHORIZED": "auth_required"}},
	}
}

// A lightfastCall is a request that is being answered.
type lightfastCall struct {
	generation   lightfastGeneration
	organization string
	requestID    string
	body         []byte
	library      *lightfastLibrary
	started      time.Time // by the machine's clock: it measures
}

// took is how long the call has been worked on, in milliseconds.
func (c *lightfastCall) took() float64 {
	return float64(time.Since(c.started).Microseconds()) / 1000
}

// handle wraps a handler, nil for an address that there is not: the method, the caller, the body, then the work.
func (l *lightfast) handle(g lightfastGeneration, h lightfastHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &lightfastCall{generation: g, requestID: lightfastRequestID(r), started: time.Now()}
		reply, err := l.answer(w, r, c, h)
		if err == nil {
			writeJSON(w, http.StatusOK, reply)
			return
		}
		var refused *lightfastError
		if !errors.As(err, &refused) {
			l.s.log.Error("request failed", "request", requestID(r.Context()), "error", err)
			refused = &lightfastError{status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: "Something went wrong on the server"}
		}
		writeJSON(w, refused.status, refused.body(c))
	}
}

func (l *lightfast) answer(w http.ResponseWriter, r *http.Request, c *lightfastCall, h lightfastHandler) (any, error) {
	if h == nil {
		return nil, &lightfastError{status: http.StatusNotFound, code: "NOT_FOUND", message: "There is nothing at this address"}
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &lightfastError{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "This address takes only POST"}
	}
	key, err := l.caller(r, c.generation)
	if err != nil {
		return nil, err
	}
	c.organization = key.Owner
	if err := l.meter(w, c.generation, key); err != nil {
		return nil, err
	}
	if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSONBody)); err != nil {
		return nil, lightfastInvalidJSON("The body could not be read, or is larger than 1 MiB")
	}
	if !json.Valid(c.body) {
		return nil, lightfastInvalidJSON("The body is not valid JSON")
	}
	c.library = l.library()
	return h(c)
}

// caller returns the key of a request. Keys belong to organizations, so that an organization that is named must be the key's.
func (l *lightfast) caller(r *http.Request, g lightfastGeneration) (serviceKey, error) {
	secret, organization := bearer(r), r.Header.Get("X-Org-ID")
	if _, err := r.Cookie("__session"); err == nil && r.Header.Get("Authorization") == "" && organization == "" {
		return serviceKey{}, lightfastBadRequest("A session needs the header X-Org-ID")
	}
	key, ok := l.s.serviceKeyOf(serviceLightfast, secret)
	if !ok || key.RevokedAt != nil {
		return key, lightfastUnauthorized()
	}
	if organization != "" && organization != key.Owner {
		return key, &lightfastError{status: http.StatusForbidden, code: "FORBIDDEN", message: "Not authorized to access this organization"}
	}
	workspace := r.Header.Get("X-Workspace-ID")
	switch {
	case g.workspace && workspace == "":
		return key, lightfastBadRequest("The header X-Workspace-ID is missing")
	case g.nested && workspace != "" && workspace != lightfastWorkspace(key.Owner):
		return key, &lightfastError{status: http.StatusNotFound, code: "NOT_FOUND", message: "Workspace not found"}
	}
	return key, nil
}

// lightfastWorkspace is the one workspace of an organization: ws_sample of org_sample.
func lightfastWorkspace(organization string) string {
	return "ws_" + strings.TrimPrefix(organization, "org_")
}

// meter counts a call of a generation that has limits.
func (l *lightfast) meter(w http.ResponseWriter, g lightfastGeneration, key serviceKey) error {
	if g.limit == 0 {
		return nil
	}
	count, left := l.searches.take(key.ID, l.s.now())
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(g.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, g.limit-count)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(l.s.now().Add(left).Unix(), 10))
	if count <= g.limit {
		return nil
	}
	seconds := int((left + time.Second - 1) / time.Second)
	h.Set("Retry-After", strconv.Itoa(seconds))
	return &lightfastError{
		status: http.StatusTooManyRequests, code: "RATE_LIMITED", message: "Too many searches in this minute",
		details: map[string]any{"retryAfter": seconds},
	}
}

// health tells whether a key is good, also of an organization that has nothing yet. Pages of other origins may ask.
func (l *lightfast) health(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	c := &lightfastCall{generation: l.generations()["e"], requestID: lightfastRequestID(r)}
	key, known := l.s.serviceKeyOf(serviceLightfast, bearer(r))
	var refused *lightfastError
	switch {
	case r.Method == http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		w.WriteHeader(http.StatusNoContent)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, OPTIONS")
		refused = &lightfastError{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "This address takes only GET"}
	case !known || key.RevokedAt != nil:
		refused = lightfastUnauthorized()
	default:
		writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "version": "0.1.0-local", "timestamp": l.s.now()})
		return
	}
	writeJSON(w, refused.status, refused.body(c))
}
