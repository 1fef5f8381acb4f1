package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// A lightfastError is a refusal, as Lightfast tells it.
type lightfastError struct {
	status  int
	code    string // as generations b to d spell it
	message string
	details any // of a validation: the field → what is wrong with it
}

func (e *lightfastError) Error() string { return e.code + ": " + e.message }

// lightfastErrorBody is the envelope of refusals. The field error holds the code, not the words.
type lightfastErrorBody struct {
	Error     string `json:"error"`
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
	Details   any    `json:"details,omitempty"`
}

func (e *lightfastError) body(c *lightfastCall) lightfastErrorBody {
	code := e.code
	if other, ok := c.generation.codes[code]; ok {
		code = other
	} else if c.generation.lowerCase {
		code = strings.ToLower(code)
	}
	return lightfastErrorBody{Error: code, Message: e.message, RequestID: c.requestID, Details: e.details}
}

// lightfastRequestID is the id of a request in the form of Lightfast.
func lightfastRequestID(r *http.Request) string {
	return "req_" + strings.ReplaceAll(requestID(r.Context()), "-", "")
}

func lightfastUnauthorized() *lightfastError {
	return &lightfastError{
		status: http.StatusUnauthorized, code: "UNAUTHORIZED",
		message: "Authentication required. Provide 'Authorization: Bearer <api-key>' header or sign in.",
	}
}

func lightfastBadRequest(message string) *lightfastError {
	return &lightfastError{status: http.StatusBadRequest, code: "BAD_REQUEST", message: message}
}

func lightfastInvalidJSON(message string) *lightfastError {
	return &lightfastError{status: http.StatusBadRequest, code: "INVALID_JSON", message: message}
}

// lightfastProblems are what is wrong with a request, by field.
type lightfastProblems map[string][]string

func (p lightfastProblems) add(field, format string, args ...any) {
	p[field] = append(p[field], fmt.Sprintf(format, args...))
}

// within complains of a number that is not between two bounds.
func (p lightfastProblems) within(field string, n *int, standard, least, most int) int {
	switch {
	case n == nil:
		return standard
	case *n < least || *n > most:
		p.add(field, "must be between %d and %d", least, most)
	}
	return *n
}

func (p lightfastProblems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &lightfastError{status: http.StatusBadRequest, code: "VALIDATION_ERROR", message: "Invalid request", details: p}
}

// decode reads the body, which is known to be JSON, into v. Fields that v does not have are left out.
func (c *lightfastCall) decode(v any) error {
	err := json.Unmarshal(c.body, v)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		field := wrongType.Field
		if field == "" {
			field = "body"
		}
		return lightfastProblems{field: {"must not be a JSON " + wrongType.Value}}.err()
	}
	return err
}

// checkSources refuses an organization that has nothing to search.
func (c *lightfastCall) checkSources() error {
	if c.organization != lightfastEmpty {
		return nil
	}
	return &lightfastError{
		status: http.StatusInternalServerError, code: "CONFIG_ERROR", message: "This organization has no connected or indexed sources",
	}
}
