package platform

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The largest JSON body of a request, in bytes.
const maxJSONBody = 1 << 20

// A handler answers a request of a known caller.
type handler func(w http.ResponseWriter, r *http.Request, p principal) error

// An anonymous handler answers a request of anybody.
type anonymous func(w http.ResponseWriter, r *http.Request) error

// routeAPI adds the API below /v1 and the files below /media.
func (s *Server) routeAPI(mux *http.ServeMux) {
	for pattern, methods := range map[string]map[string]handler{
		"/v1/account":               {"GET": s.getAccount},
		"/v1/account/usage":         {"GET": s.getUsage},
		"/v1/apps":                  {"GET": requires(scopeRead, s.listApps)},
		"/v1/apps/discover":         {"POST": requires(scopeRead, s.discoverApps)},
		"/v1/apps/{appId}":          {"GET": requires(scopeRead, s.getApp)},
		"/v1/apps/{appId}/workflow": {"GET": requires(scopeRead, s.getWorkflow)},
		"/v1/apps/{appId}/estimate": {"POST": requires(scopeRead, s.estimate)},
		"/v1/apps/{appId}/runs":     {"POST": requires(scopeWrite, s.startRun)},
		"/v1/runs":                  {"GET": requires(scopeRead, s.listRuns)},
		"/v1/runs/{runId}":          {"GET": requires(scopeRead, s.getRun)},
		"/v1/runs/{runId}/wait":     {"GET": requires(scopeRead, s.waitForRun)},
		"/v1/runs/{runId}/stream":   {"GET": requires(scopeRead, s.streamRun)},
		"/v1/runs/{runId}/cancel":   {"POST": requires(scopeWrite, s.cancelRun)},
		"/v1/assets":                {"GET": requires(scopeRead, s.listAssets)},
		"/v1/assets/upload-urls":    {"POST": requires(scopeWrite, s.createUploads)},
		"/v1/webhooks/signing-key":  {"GET": s.getSigningKeys},
	} {
		mux.HandleFunc(pattern, s.v1(methods))
	}
	mux.HandleFunc("/v1/", s.answer(func(w http.ResponseWriter, r *http.Request) error {
		if err := s.meter(w, r); err != nil {
			return err
		}
		return notFound("There is nothing at this address")
	}))
	s.routeMedia(mux)
}

// v1 wraps the handlers of one address: the rate limit, then the method, then the caller.
func (s *Server) v1(methods map[string]handler) http.HandlerFunc {
	return s.answer(func(w http.ResponseWriter, r *http.Request) error {
		if err := s.meter(w, r); err != nil {
			return err
		}
		h, err := choose(w, r, methods)
		if err != nil {
			return err
		}
		p, err := s.caller(r)
		if err != nil {
			return err
		}
		return h(w, r, p)
	})
}

// open wraps the handlers of one address that takes no credential.
func (s *Server) open(methods map[string]anonymous) http.HandlerFunc {
	return s.answer(func(w http.ResponseWriter, r *http.Request) error {
		h, err := choose(w, r, methods)
		if err != nil {
			return err
		}
		return h(w, r)
	})
}

// choose returns what an address has for the method of a request. HEAD is GET, whose body net/http leaves out.
func choose[H any](w http.ResponseWriter, r *http.Request, methods map[string]H) (H, error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	h, ok := methods[method]
	if ok {
		return h, nil
	}
	allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	w.Header().Set("Allow", allowed)
	return h, &apiError{
		status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "This address takes only " + allowed,
	}
}

// requires refuses a caller that was not given a scope.
func requires(scope string, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p principal) error {
		if !p.has(scope) {
			return forbidden("This sign-in does not have the scope " + scope + ": sign in again and allow it")
		}
		return h(w, r, p)
	}
}

// caller returns who makes a request, from x-api-key or else from a bearer token.
func (s *Server) caller(r *http.Request) (principal, error) {
	unauthorized := func(code, message string) error {
		return &apiError{status: http.StatusUnauthorized, code: code, message: message}
	}
	token := r.Header.Get("X-Api-Key")
	if scheme, bearer, ok := strings.Cut(r.Header.Get("Authorization"), " "); token == "" && ok && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(bearer)
	}
	if token == "" {
		return principal{}, unauthorized("AUTH_MISSING_KEY", "Missing API key")
	}
	var p principal
	var ok, complete bool
	s.store.view(func(tx *tx) {
		p, ok = s.authenticate(tx, token)
		complete = tx.bytes(bucketUsers, p.UserID) != nil && tx.bytes(bucketWorkspaces, p.WorkspaceID) != nil
	})
	switch workspace := r.Header.Get("X-Workspace-Id"); {
	case !ok:
		return p, unauthorized("AUTH_INVALID_KEY", "Invalid API key")
	case !complete:
		return p, unauthorized("AUTH_INVALID_CONTEXT", "API key has no workspace or user")
	case workspace != "" && workspace != p.WorkspaceID:
		return p, forbidden("Workspace header does not match API key workspace scope")
	}
	return p, nil
}

// decodeBody reads a JSON body into v, which keeps its value if the body is empty.
func decodeBody(w http.ResponseWriter, r *http.Request, v any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSONBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &apiError{
			status: http.StatusRequestEntityTooLarge, code: "VALIDATION_ERROR", message: "The body is larger than 1 MiB",
		}
	}
	if err != nil {
		return invalid("The body could not be read to its end")
	}
	if len(raw) == 0 {
		return nil
	}
	var wrongType *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, v); errors.As(err, &wrongType) {
		field := wrongType.Field
		if field == "" {
			field = "body"
		}
		return invalid("Invalid body", problem{Field: field, Message: "must not be a JSON " + wrongType.Value})
	} else if err != nil {
		return invalid("The body is not valid JSON", problem{Field: "body", Message: "is not valid JSON"})
	}
	return nil
}

// A query reads the parameters of a request and collects what is wrong with them.
type query struct {
	r        *http.Request
	problems []problem
}

func (q *query) complain(field, message string, allowed ...string) {
	q.problems = append(q.problems, problem{Field: field, Message: message, Allowed: allowed})
}

// number returns a whole number between two bounds, or the standard where it was not given.
func (q *query) number(name string, standard, least, most int) int {
	text := q.r.URL.Query().Get(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		q.complain(name, "must be a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most))
		return standard
	}
	return n
}

// choice returns one of the allowed values, or "".
func (q *query) choice(name string, allowed ...string) string {
	text := q.r.URL.Query().Get(name)
	if text != "" && !slices.Contains(allowed, text) {
		q.complain(name, "is none of the known values", allowed...)
	}
	return text
}

// instant returns a time in ISO 8601, or the zero time. A date alone is its first moment in UTC.
func (q *query) instant(name string) time.Time {
	text := q.r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	q.complain(name, "must be a time in ISO 8601, as 2026-01-31T12:00:00Z")
	return time.Time{}
}

func (q *query) err() error {
	if len(q.problems) == 0 {
		return nil
	}
	return invalid("Invalid query parameters", q.problems...)
}
