package webhook

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"
)

// maxID is the largest length of the id of a run, in bytes.
const maxID = 200

// An Event is what the body of a delivery says of a run. Statuses are those of the API.
type Event struct {
	RunID  string
	Status string
}

// A BodyError means that the body of a delivery with a valid signature is not that of a run.
type BodyError struct{ Reason string }

// Error describes the problem.
func (e *BodyError) Error() string {
	return "the body of the webhook delivery cannot be used: " + e.Reason
}

// Open verifies a delivery as Verify does, and returns its event. The id of the run is that of the body: the header with the id is not
// signed, so it must be equal if it is there. Errors: those of Verify, *BodyError, and a *HeaderError.
func Open(keys []ed25519.PublicKey, header http.Header, body []byte, now time.Time, tolerance time.Duration) (Event, error) {
	if err := Verify(keys, header, body, now, tolerance); err != nil {
		return Event{}, err
	}
	event, err := ParseEvent(body)
	if err != nil {
		return Event{}, err
	}
	if values := header.Values(HeaderRequestID); len(values) > 1 || len(values) == 1 && values[0] != event.RunID {
		return Event{}, &HeaderError{Name: HeaderRequestID}
	}
	return event, nil
}

// ParseEvent returns the event in the body of a delivery. Older services send the id as executionId. Error: *BodyError.
func ParseEvent(body []byte) (Event, error) {
	var envelope struct {
		Data *struct {
			RunID       any `json:"runId"`
			ExecutionID any `json:"executionId"`
			Status      any `json:"status"` // one that is no text is no reason to lose the delivery
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return Event{}, &BodyError{Reason: fmt.Sprintf("it is not the JSON of a run: %v", err)}
	}
	if envelope.Data == nil {
		return Event{}, &BodyError{Reason: "it has no member data"}
	}
	event := Event{RunID: text(envelope.Data.RunID), Status: text(envelope.Data.Status)}
	if event.RunID == "" {
		event.RunID = text(envelope.Data.ExecutionID)
	}
	switch {
	case event.RunID == "":
		return Event{}, &BodyError{Reason: "it has no data.runId"}
	case len(event.RunID) > maxID || !utf8.ValidString(event.RunID):
		return Event{}, &BodyError{Reason: "data.runId is not the id of a run"}
	}
	return event, nil
}

// text returns a value of JSON that is a text, and "" for another one.
func text(value any) string {
	s, _ := value.(string)
	return s
}
