// Package laghav serves Laghav, a service that shortens prompts and chooses a language model for them. The models are
// replaced by plain functions (see package prompt).
package laghav

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// Service is the name of the service in the platform.
const Service = "laghav"

// KeyType describes the keys of Laghav.
func KeyType() wire.KeyType {
	return wire.KeyType{
		Service: Service, Title: "Laghav", Prefixes: map[string]string{"live": "lgh_live_", "test": "lgh_test_"}, Class: "live",
		OwnerIs: "application", Owner: sampleApplication,
	}
}

// A refusal is an error in the form of Laghav (its page Error Codes): the text is in "error" and the code in "code". Some
// codes add fields.
type refusal struct {
	status  int
	code    string
	message string
	more    map[string]any
}

func (e *refusal) Error() string { return e.code + ": " + e.message }

// invalid returns a 400 for a mistake for which Laghav documents no code.
func invalid(message string) error {
	return &refusal{status: http.StatusBadRequest, code: "INVALID_REQUEST", message: message}
}

// notFound returns a 404. Laghav does not document its answer for an unknown id.
func notFound(message string) error {
	return &refusal{status: http.StatusNotFound, code: "NOT_FOUND", message: message}
}

// limited returns a 429.
func limited(message string, more map[string]any) error {
	return &refusal{status: http.StatusTooManyRequests, code: "RATE_LIMIT_EXCEEDED", message: message, more: more}
}

// locked returns a 403 for a feature that the plan does not include.
func locked(message string) error {
	return &refusal{status: http.StatusForbidden, code: "PLAN_FEATURE_LOCKED", message: message}
}

// A handler answers a request with a valid key.
type handler func(w http.ResponseWriter, r *http.Request, key wire.Key) error

type server struct {
	wire.Deps
	requests wire.Limiter
}

// New returns Laghav below /laghav, and its control at /dev/laghav. It stores the sample application.
func New(deps wire.Deps) (http.Handler, error) {
	s := &server{Deps: deps}
	if err := s.seed(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for path, methods := range map[string]map[string]handler{
		"/v1/complete":                      {"POST": s.complete},
		"/api/keys":                         {"GET": s.listKeys, "POST": s.createKey},
		"/api/keys/{id}":                    {"DELETE": s.revokeKey},
		"/api/applications":                 {"GET": s.listApplications, "POST": s.createApplication},
		"/api/budgets":                      {"GET": s.listBudgets, "POST": s.createBudget},
		"/api/cache/clear":                  {"POST": s.clearCache},
		"/api/agent/{agent_run_id}/summary": {"GET": s.summarizeAgent},
	} {
		mux.HandleFunc("/laghav"+path, s.answer(func(w http.ResponseWriter, r *http.Request) error {
			h, err := wire.ChooseMethod(w, r, methods)
			if err != nil {
				return err
			}
			key, err := s.authenticate(r)
			if err != nil {
				return err
			}
			return h(w, r, key)
		}))
	}
	for path, methods := range map[string]map[string]wire.Handler{
		"/v1/playground": {"POST": s.playground},
		"/health":        {"GET": health},
	} {
		mux.HandleFunc("/laghav"+path, s.answer(func(w http.ResponseWriter, r *http.Request) error {
			h, err := wire.ChooseMethod(w, r, methods)
			if err != nil {
				return err
			}
			return h(w, r)
		}))
	}
	mux.HandleFunc("/laghav/", s.answer(func(http.ResponseWriter, *http.Request) error {
		return notFound("There is nothing at this address")
	}))
	mux.HandleFunc("/dev/laghav", s.ByMethod(map[string]wire.Handler{"GET": s.showTenant, "POST": wire.SameOrigin(s.changeTenant)}))
	return mux, nil
}

// answer returns a handler that adds the id of the request and writes the failure of h in the form of Laghav.
func (s *server) answer(h wire.Handler) http.HandlerFunc {
	internal := &refusal{status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: wire.InternalMessage}
	return wire.Answer(s.Log, func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("X-Laghav-Request-Id", requestID(r))
		err := h(w, r)
		var general *wire.Error
		if errors.As(err, &general) {
			return &refusal{status: general.Status, code: general.Code, message: general.Message}
		}
		return err
	}, internal, writeRefusal)
}

func writeRefusal(w http.ResponseWriter, r *http.Request, e *refusal) {
	body := map[string]any{
		"error": e.message, "code": e.code, "request_id": requestID(r), "docs_url": "https://docs.laghav.ai/errors/" + e.code,
	}
	maps.Copy(body, e.more)
	wire.WriteJSON(w, e.status, body)
}

// requestID returns the id of a request in the form of Laghav. /dev/requests lists the same id.
func requestID(r *http.Request) string {
	return "lgh_req_" + strings.ReplaceAll(wire.RequestID(r.Context()), "-", "")
}

// authenticate returns the key of a request, or a refusal as in Laghav's page Authentication.
func (s *server) authenticate(r *http.Request) (wire.Key, error) {
	refuse := func(code, message string) error {
		return &refusal{status: http.StatusUnauthorized, code: code, message: message}
	}
	secret := wire.BearerToken(r)
	if secret == "" {
		return wire.Key{}, refuse("UNAUTHORIZED", "Missing Authorization header")
	}
	key, ok := s.Keys.Find(Service, secret)
	switch {
	case !ok:
		return key, refuse("INVALID_KEY", "API key not found")
	case key.RevokedAt != nil:
		return key, refuse("KEY_REVOKED", "API key was revoked")
	}
	return key, nil
}

// decodeBody reads a JSON body into v. It ignores unknown fields, as services do.
func decodeBody(w http.ResponseWriter, r *http.Request, v any) error {
	raw, err := wire.ReadBody(w, r)
	switch {
	case errors.Is(err, wire.ErrBodyTooLarge):
		return &refusal{status: http.StatusBadRequest, code: "MESSAGES_TOO_LARGE", message: "The body is larger than 1 MiB"}
	case err != nil:
		return invalid("The body could not be read to its end")
	}
	err = json.Unmarshal(raw, v)
	if field, kind, ok := wire.WrongType(err); ok {
		return invalid(`"` + field + `" must not be a JSON ` + kind)
	}
	if err != nil {
		return invalid("The body is not valid JSON")
	}
	return nil
}

func health(w http.ResponseWriter, _ *http.Request) error {
	wire.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}
