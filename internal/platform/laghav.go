package platform

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// A laghavError is a refusal as Laghav tells it (its page Error Codes): the text for people is in "error", the code for
// programs in "code". Some codes add fields.
type laghavError struct {
	status  int
	code    string
	message string
	more    map[string]any
}

func (e *laghavError) Error() string { return e.code + ": " + e.message }

// laghavInvalid is a request that is wrong in a way for which Laghav documents no code.
func laghavInvalid(message string) error {
	return &laghavError{status: http.StatusBadRequest, code: "INVALID_REQUEST", message: message}
}

// laghavNotFound: what Laghav answers for an unknown id is not documented.
func laghavNotFound(message string) error {
	return &laghavError{status: http.StatusNotFound, code: "NOT_FOUND", message: message}
}

// A laghavHandler answers a request that carries a good key.
type laghavHandler func(w http.ResponseWriter, r *http.Request, key serviceKey) error

// routeLaghav adds Laghav below /laghav.
func (s *Server) routeLaghav(mux *http.ServeMux) {
	for path, methods := range map[string]map[string]laghavHandler{
		"/v1/complete":                      {"POST": s.laghavComplete},
		"/api/keys":                         {"GET": s.laghavListKeys, "POST": s.laghavMakeKey},
		"/api/keys/{id}":                    {"DELETE": s.laghavRevokeKey},
		"/api/applications":                 {"GET": s.laghavListApps, "POST": s.laghavMakeApp},
		"/api/budgets":                      {"GET": s.laghavListBudgets, "POST": s.laghavMakeBudget},
		"/api/cache/clear":                  {"POST": s.laghavClearCache},
		"/api/agent/{agent_run_id}/summary": {"GET": s.laghavAgentSummary},
	} {
		mux.HandleFunc("/laghav"+path, s.laghav(func(w http.ResponseWriter, r *http.Request) error {
			h, err := choose(w, r, methods)
			if err != nil {
				return err
			}
			key, err := s.laghavKey(r)
			if err != nil {
				return err
			}
			return h(w, r, key)
		}))
	}
	for path, methods := range map[string]map[string]anonymous{
		"/v1/playground": {"POST": s.laghavPlayground},
		"/health":        {"GET": laghavHealth},
	} {
		mux.HandleFunc("/laghav"+path, s.laghav(func(w http.ResponseWriter, r *http.Request) error {
			h, err := choose(w, r, methods)
			if err != nil {
				return err
			}
			return h(w, r)
		}))
	}
	mux.HandleFunc("/laghav/", s.laghav(func(http.ResponseWriter, *http.Request) error {
		return laghavNotFound("There is nothing at this address")
	}))
}

// laghav wraps a handler: the request has an id of Laghav's form, and every failure its envelope.
func (s *Server) laghav(h anonymous) http.HandlerFunc {
	return s.answer(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("X-Laghav-Request-Id", laghavRequestID(r))
		err := h(w, r)
		var refused *laghavError
		var general *apiError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refused):
		case errors.As(err, &general):
			refused = &laghavError{status: general.status, code: general.code, message: general.message}
		default:
			s.log.Error("request failed", "request", requestID(r.Context()), "error", err)
			refused = &laghavError{status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: internalError().message}
		}
		body := map[string]any{
			"error": refused.message, "code": refused.code, "request_id": laghavRequestID(r),
			"docs_url": "https://docs.laghav.ai/errors/" + refused.code,
		}
		for name, value := range refused.more {
			body[name] = value
		}
		writeJSON(w, refused.status, body)
		return nil
	})
}

// laghavRequestID is the id by which /dev/requests knows the request, in Laghav's form.
func laghavRequestID(r *http.Request) string {
	return "lgh_req_" + strings.ReplaceAll(requestID(r.Context()), "-", "")
}

// laghavKey returns the key of a request, or the refusal of its page Authentication.
func (s *Server) laghavKey(r *http.Request) (serviceKey, error) {
	refuse := func(code, message string) error {
		return &laghavError{status: http.StatusUnauthorized, code: code, message: message}
	}
	secret := bearer(r)
	if secret == "" {
		return serviceKey{}, refuse("UNAUTHORIZED", "Missing Authorization header")
	}
	key, ok := s.serviceKeyOf(serviceLaghav, secret)
	switch {
	case !ok:
		return key, refuse("INVALID_KEY", "API key not found")
	case key.RevokedAt != nil:
		return key, refuse("KEY_REVOKED", "API key was revoked")
	}
	return key, nil
}

// laghavBody reads a JSON body. A field that is not known is no mistake, as services ignore what they do not know.
func laghavBody(w http.ResponseWriter, r *http.Request, into any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSONBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &laghavError{status: http.StatusBadRequest, code: "MESSAGES_TOO_LARGE", message: "The body is larger than 1 MiB"}
	}
	if err != nil {
		return laghavInvalid("The body could not be read to its end")
	}
	var wrongType *json.UnmarshalTypeError
	err = json.Unmarshal(raw, into)
	switch {
	case errors.As(err, &wrongType):
		return laghavInvalid(`"` + wrongType.Field + `" must not be a JSON ` + wrongType.Value)
	case err != nil:
		return laghavInvalid("The body is not valid JSON")
	}
	return nil
}

func laghavHealth(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}
