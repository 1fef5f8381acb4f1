package lamatic

import (
	"cmp"
	"encoding/json"
	"errors"

	"github.com/uselamina/lamina/internal/api"
)

// A FlowError holds the errors[] of a GraphQL response with status 200: the workflow does not exist, the payload does not fit it, or
// the workflow failed. Lamatic documents no codes that distinguish these.
type FlowError struct {
	Problems  []Problem // at least one
	RequestID string
	Raw       json.RawMessage // the whole response
}

// Error returns the message of the first problem, which may hold control characters.
func (e *FlowError) Error() string { return e.Problems[0].Message }

// A Problem is one GraphQL error.
type Problem struct {
	Message string
	// Executed reports that the problem occurred during the execution of a field. Otherwise the document was refused as a whole, and
	// no part of it was executed (GraphQL specification, section 7.1.2: such an error has no path).
	Executed bool
}

// executed reports whether any part of the document was executed.
func (e *FlowError) executed() bool {
	for _, p := range e.Problems {
		if p.Executed {
			return true
		}
	}
	return false
}

// UnmarshalJSON implements json.Unmarshaler. A problem is a string, or an object with a message; of any other value, the
// message is the JSON itself.
func (p *Problem) UnmarshalJSON(raw []byte) error {
	*p = Problem{}
	if json.Unmarshal(raw, &p.Message) == nil && p.Message != "" {
		return nil
	}
	var o struct {
		Message string            `json:"message"`
		Path    []json.RawMessage `json:"path"`
	}
	_ = json.Unmarshal(raw, &o) // a field of another type is left out
	*p = Problem{Message: cmp.Or(o.Message, string(raw)), Executed: len(o.Path) > 0}
	return nil
}

// flowErrorOf returns the *FlowError for a refusal of a stream that came as JSON with status 200; any other error as it is.
func flowErrorOf(err error) error {
	var refused *api.Error
	if errors.As(err, &refused) && refused.Status < 300 {
		return &FlowError{Problems: []Problem{{Message: refused.Message}}, RequestID: refused.RequestID}
	}
	return err
}

// A CutError means that a stream ended before the workflow reported its end. Whether the workflow finished is unknown.
type CutError struct{ Err error }

// Error returns the message.
func (e *CutError) Error() string { return "the stream ended before the workflow did" }

// Unwrap returns the cause; nil if the service closed the stream.
func (e *CutError) Unwrap() error { return e.Err }
