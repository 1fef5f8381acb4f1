package wire

import (
	"encoding/json"
	"net/http"
)

// An Error is a refusal in the form of the Lamina API, which the controls below /dev use too.
type Error struct {
	Status     int
	Code       string
	Message    string
	RetryAfter int       // seconds, with RATE_LIMITED
	Details    []Problem // with VALIDATION_ERROR
	// Nested replaces Details where the API has details of another form.
	Nested any
}

// A Problem is one mistake in a request.
type Problem struct {
	Field   string   `json:"field"`
	Code    string   `json:"code,omitempty"`
	Message string   `json:"message"`
	Allowed []string `json:"allowed,omitempty"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// NotFound returns a 404.
func NotFound(message string) error {
	return &Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: message}
}

// Forbidden returns a 403.
func Forbidden(message string) error {
	return &Error{Status: http.StatusForbidden, Code: "FORBIDDEN", Message: message}
}

// Invalid returns a 400 with the mistakes that were found.
func Invalid(message string, problems ...Problem) error {
	return &Error{Status: http.StatusBadRequest, Code: "VALIDATION_ERROR", Message: message, Details: problems}
}

// Unavailable returns a 503.
func Unavailable(message string) error {
	return &Error{Status: http.StatusServiceUnavailable, Code: "RESOURCE_UNAVAILABLE", Message: message}
}

// InternalMessage is the message of every 500. It does not contain the cause, which may hold data of other clients.
const InternalMessage = "Something went wrong on the server"

// Internal returns a 500.
func Internal() *Error {
	return &Error{Status: http.StatusInternalServerError, Code: "INTERNAL_ERROR", Message: InternalMessage}
}

// ErrorOf returns the error that the API gives for a status when it has no better code.
func ErrorOf(status int, message string) *Error {
	return &Error{Status: status, Code: codeOf(status), Message: message}
}

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

// isRetryable reports whether the same request may succeed later.
func (e *Error) isRetryable() bool {
	return e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests
}

// An ErrorBody is the JSON body of an Error.
type ErrorBody struct {
	Error      string          `json:"error"`
	Code       string          `json:"code"`
	Retryable  bool            `json:"retryable"`
	RetryAfter int             `json:"retryAfter,omitempty"` // seconds
	Details    json.RawMessage `json:"details,omitempty"`
	RequestID  string          `json:"requestId"`
}

// Body returns the JSON body of the error.
func (e *Error) Body(requestID string) ErrorBody {
	b := ErrorBody{
		Error: e.Message, Code: e.Code, Retryable: e.isRetryable(), RetryAfter: e.RetryAfter, RequestID: requestID,
	}
	if len(e.Details) > 0 {
		b.Details, _ = json.Marshal(e.Details) // only strings: cannot fail
	}
	if e.Nested != nil {
		b.Details, _ = json.Marshal(e.Nested) // a value of this module
	}
	return b
}

// WriteError answers with an error.
func WriteError(w http.ResponseWriter, r *http.Request, e *Error) {
	WriteJSON(w, e.Status, e.Body(RequestID(r.Context())))
}
