package lamatic

import (
	"cmp"
	"encoding/json"
	"errors"

	"github.com/uselamina/lamina/internal/api"
)

// A FlowError is what GraphQL's errors[] says beside a good HTTP status: that the workflow is not there, that the payload does
// not fit it, or that it failed. Lamatic documents no codes that would tell these apart.
type FlowError struct {
	Problems  []Problem // at least one
	RequestID string
	Raw       json.RawMessage // the whole answer
}

// Error gives the first problem in the service's words, which are not safe for a terminal as they are.
func (e *FlowError) Error() string { return e.Problems[0].Message }

// A Problem is one of errors[].
type Problem struct {
	Message string
	// Executed says that the problem came up while a field was executed. Of a document that was refused as a whole, no part
	// was (GraphQL specification, section 7.1.2: such an error has no path).
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

// flowErrorOf turns the refusal of a stream that was told as plain JSON with a good status into what it is.
func flowErrorOf(err error) error {
	var refused *api.Error
	if errors.As(err, &refused) && refused.Status < 300 {
		return &FlowError{Problems: []Problem{{Message: refused.Message}}, RequestID: refused.RequestID}
	}
	return err
}

// A CutError means that a stream ended before it told the end of the flow. Whether the flow finished is not known.
type CutError struct{ Err error }

// Error says so.
func (e *CutError) Error() string { return "the stream ended before the flow did" }

// Unwrap returns what cut it; nil if the service closed it.
func (e *CutError) Unwrap() error { return e.Err }
