package lightfast

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A refusal is an error in the form of Lightfast.
type refusal struct {
	status  int
	code    string // in the spelling of generations b to d
	message string
	details any // of a validation: field → mistakes
}

func (e *refusal) Error() string { return e.code + ": " + e.message }

// An errorBody is the JSON of a refusal. The field error holds the code, and message the text.
type errorBody struct {
	Error     string `json:"error"`
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
	Details   any    `json:"details,omitempty"`
}

func (e *refusal) body(g generation, requestID string) errorBody {
	code := e.code
	if other, ok := g.codes[code]; ok {
		code = other
	} else if g.hasLowerCaseCode {
		code = strings.ToLower(code)
	}
	return errorBody{Error: code, Message: e.message, RequestID: requestID, Details: e.details}
}

// requestID returns the id of a request in the form of Lightfast.
func requestID(r *http.Request) string {
	return "req_" + strings.ReplaceAll(wire.RequestID(r.Context()), "-", "")
}

func unauthorized() *refusal {
	return &refusal{
		status: http.StatusUnauthorized, code: "UNAUTHORIZED",
		message: "Authentication required. Provide 'Authorization: Bearer <api-key>' header or sign in.",
	}
}

func badRequest(message string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "BAD_REQUEST", message: message}
}

func invalidJSON(message string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "INVALID_JSON", message: message}
}

func notFound(message string) *refusal {
	return &refusal{status: http.StatusNotFound, code: "NOT_FOUND", message: message}
}

func methodNotAllowed(message string) *refusal {
	return &refusal{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: message}
}

// fieldErrors are the mistakes in a request, by field.
type fieldErrors map[string][]string

func (e fieldErrors) add(field, format string, args ...any) {
	e[field] = append(e[field], fmt.Sprintf(format, args...))
}

// bounded returns a number, or fallback if it is missing. It adds an error if the number is not between two bounds.
func (e fieldErrors) bounded(field string, n *int, fallback, least, most int) int {
	switch {
	case n == nil:
		return fallback
	case *n < least || *n > most:
		e.add(field, "must be between %d and %d", least, most)
	}
	return *n
}

// err returns a refusal with all mistakes, or nil.
func (e fieldErrors) err() error {
	if len(e) == 0 {
		return nil
	}
	return &refusal{status: http.StatusBadRequest, code: "VALIDATION_ERROR", message: "Invalid request", details: e}
}
