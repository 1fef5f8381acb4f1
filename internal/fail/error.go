package fail

import (
	"encoding/json"
	"fmt"

	"github.com/uselamina/lamina/internal/api"
)

// Error is a failure that the code which returns it describes itself. Describe uses its fields as they are.
type Error struct {
	Code    Code // the zero Code means the code of Err
	Message string
	// Around, if set, replaces Message: a format with one %s for the message of Err.
	Around string
	// Hint is the next command to type, or an action; empty means that of Err with Around, --help for usage errors, and else none.
	Hint      string
	Details   []api.Detail
	RunID     string
	Run       json.RawMessage   // the run's last known state, as the service sent it
	Runs      []json.RawMessage // those of several runs
	RequestID string            // the service's id of the request
	Err       error             // the cause; may be nil
}

// Error returns the message.
func (e *Error) Error() string {
	if e.Around != "" && e.Err != nil {
		return fmt.Sprintf(e.Around, e.Err)
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Usage returns an error about what the user typed. The exit status is 2: nothing was started.
func Usage(hint, format string, args ...any) error {
	return &Error{Code: InvalidArgument, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// Failure is an error as users meet it. Its JSON form is the error object of JSON mode.
type Failure struct {
	Message   string            `json:"error"`
	Code      string            `json:"code"`
	Exit      int               `json:"exitCode"`
	Retryable bool              `json:"retryable"`
	Hint      string            `json:"hint,omitempty"`
	RequestID string            `json:"requestId,omitempty"`
	Details   []api.Detail      `json:"details,omitempty"`
	RunID     string            `json:"runId,omitempty"`
	Run       json.RawMessage   `json:"run,omitempty"`
	Runs      []json.RawMessage `json:"runs,omitempty"`
}

// Is reports whether the failure has a code.
func (f Failure) Is(c Code) bool { return f.Code == c.Name }

// ErrorCode returns the failure's code and exit status as a Code.
func (f Failure) ErrorCode() Code { return Code{f.Code, f.Exit} }

// newFailure returns a failure with a code, a message and a hint.
func newFailure(c Code, message, hint string) Failure {
	return Failure{Message: message, Code: c.Name, Exit: c.Exit, Hint: hint}
}

// retryable returns the failure, marked as one that the same command may overcome.
func (f Failure) retryable() Failure {
	f.Retryable = true
	return f
}
