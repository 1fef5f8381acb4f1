package platform

import (
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"

	"github.com/uselamina/lamina/internal/api"
)

// An apiError is a failure of a request, as the API tells it.
type apiError struct {
	status     int
	code       string
	message    string
	retryAfter int       // seconds, for RATE_LIMITED
	details    []problem // for VALIDATION_ERROR
}

// A problem is one thing that is wrong with a request.
type problem struct {
	Field   string   `json:"field"`
	Message string   `json:"message"`
	Allowed []string `json:"allowed,omitempty"`
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func notFound(message string) error {
	return &apiError{status: http.StatusNotFound, code: "NOT_FOUND", message: message}
}

func forbidden(message string) error {
	return &apiError{status: http.StatusForbidden, code: "FORBIDDEN", message: message}
}

func invalid(message string, problems ...problem) error {
	return &apiError{status: http.StatusBadRequest, code: "VALIDATION_ERROR", message: message, details: problems}
}

func unavailable(message string) error {
	return &apiError{status: http.StatusServiceUnavailable, code: "RESOURCE_UNAVAILABLE", message: message}
}

// internalError says nothing of the cause, which may hold what only the operator should see.
func internalError() *apiError {
	return &apiError{
		status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: "Something went wrong on the server",
	}
}

// retryable reports whether the same request may succeed later.
func (e *apiError) retryable() bool {
	return e.status >= http.StatusInternalServerError || e.status == http.StatusTooManyRequests
}

// codeOf returns the code that the API gives a failure with a status, where nothing more is known of it.
func codeOf(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "AUTH_INVALID_KEY"
	case status == http.StatusForbidden:
		return "FORBIDDEN"
	case status == http.StatusNotFound:
		return "NOT_FOUND"
	case status == http.StatusTooManyRequests:
		return "RATE_LIMITED"
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return "RESOURCE_UNAVAILABLE"
	case status >= http.StatusInternalServerError:
		return "INTERNAL_ERROR"
	}
	return "VALIDATION_ERROR"
}

// body returns the error envelope.
func (e *apiError) body(requestID string) api.ErrorBody {
	b := api.ErrorBody{
		Error: e.message, Code: e.code, Retryable: e.retryable(), RetryAfter: e.retryAfter, RequestID: requestID,
	}
	if len(e.details) > 0 {
		b.Details, _ = json.Marshal(e.details) // strings alone: it cannot fail
	}
	return b
}

// answer wraps a handler: every failure and panic becomes the error envelope.
func (s *Server) answer(h anonymous) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := requestID(r.Context())
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				s.log.Error("panic in a handler", "request", id, "panic", v, "stack", string(debug.Stack()))
				writeError(w, r, internalError())
			}
		}()
		err := h(w, r)
		if err == nil {
			return
		}
		var known *apiError
		if !errors.As(err, &known) {
			s.log.Error("request failed", "request", id, "error", err)
			known = internalError()
		}
		writeError(w, r, known)
	}
}

func writeError(w http.ResponseWriter, r *http.Request, e *apiError) {
	writeJSON(w, e.status, e.body(requestID(r.Context())))
}

// writeJSON answers with a value as it is, which no cache may keep.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

// An envelope is the form of every successful answer.
type envelope struct {
	Data       any             `json:"data"`
	Pagination *api.Pagination `json:"pagination,omitempty"`
	Timeout    *bool           `json:"timeout,omitempty"`
}

func writeData(w http.ResponseWriter, status int, data any) error {
	writeJSON(w, status, envelope{Data: data})
	return nil
}
