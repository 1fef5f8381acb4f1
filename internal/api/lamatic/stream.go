package lamatic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/uselamina/lamina/internal/api"
)

var executeWithStream = document{
	"executeWorkflowWithStream", `subscription ExecuteWorkflowWithStream($workflowId: String, $payload: JSON!) {
  executeWorkflowWithStream(workflowId: $workflowId, payload: $payload)
}`,
}

// A Frame is one event of a streamed workflow.
type Frame struct {
	Status       string          // streaming for a token; else as in Result
	Text         string          // of a token: the text that the language model added
	Message      string          // the service's reason for a failure; the frame is the last one
	NodeID       string          // the node of the workflow that sent the frame
	NodeFinished bool            // the node has ended
	FlowFinished bool            // the workflow has ended: this is the last frame
	Output       json.RawMessage // of the last frame: the result of the workflow
	Raw          json.RawMessage // the value of the subscription
}

// Stream runs a workflow once and returns its frames as they arrive. If the stream ends before the last frame, the sequence ends
// with a *CutError. Other errors: those of api.Client.Events, and *FlowError.
func (c *Client) Stream(ctx context.Context, e Execution) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		call := executeWithStream.call(workflowVariables{e.Workflow, e.Payload})
		hasBegun := false
		for event, err := range c.api.Events(ctx, call) {
			if err != nil {
				yield(Frame{}, streamEnd(err, hasBegun))
				return
			}
			hasBegun = true
			frame, ok, err := parseFrame(event)
			if errors.Is(err, errDone) {
				break
			}
			if err != nil {
				yield(Frame{}, err)
				return
			}
			if ok && (!yield(frame, nil) || frame.FlowFinished) {
				return
			}
		}
		yield(Frame{}, &CutError{})
	}
}

// streamEnd returns the meaning of a stream's error: a refusal before the first event, a cut after it.
func streamEnd(err error, hasBegun bool) error {
	var lost *api.UnreachableError
	if hasBegun && errors.As(err, &lost) && lost.Kind != api.Interrupted {
		return &CutError{Err: err}
	}
	return flowErrorOf(err)
}

// errDone means that the service sent its end marker.
var errDone = errors.New("the stream is done")

// parseFrame decodes one event, and reports whether it holds a frame: it may be null.
func parseFrame(event api.Event) (Frame, bool, error) {
	text := strings.TrimSpace(event.Data)
	switch {
	case text == "[DONE]", event.Type == "complete": // complete is the end of a subscription in the protocol graphql-sse
		return Frame{}, false, errDone
	case text == "":
		return Frame{}, false, nil
	}
	value, problems, err := executeWithStream.read([]byte(text))
	switch {
	case err != nil:
		return Frame{}, false, &CutError{Err: fmt.Errorf("an event of the stream is not a GraphQL response: %w", err)}
	case len(problems) > 0:
		return Frame{}, false, &FlowError{Problems: problems, Raw: json.RawMessage(text)}
	case value == nil:
		return Frame{}, false, nil
	}
	return newFrame(value), true, nil
}

// newFrame returns the frame in a value of the subscription.
func newFrame(value json.RawMessage) Frame {
	var o struct {
		Status       string          `json:"status"`
		Message      string          `json:"message"`
		NodeID       string          `json:"nodeId"`
		NodeFinished bool            `json:"isNodeExecutionFinished"`
		FlowFinished bool            `json:"isFlowExecutionFinished"`
		Result       scalar          `json:"result"`
		Data         json.RawMessage `json:"data"`
	}
	_ = json.Unmarshal(value, &o) // fields of another type belong to the workflow
	var data struct {
		Generated string `json:"generatedResponse"`
		Error     string `json:"errorMsg"`
	}
	_ = json.Unmarshal(o.Data, &data)
	f := Frame{
		Status: o.Status, NodeID: o.NodeID, NodeFinished: o.NodeFinished, Output: json.RawMessage(o.Result), Raw: value,
		Message: data.Error,
	}
	if o.Status == "streaming" && !o.NodeFinished { // a finished node sends its whole text again, doubled
		f.Text = data.Generated
	}
	if f.Status == "error" || f.Status == "failed" {
		f.Message = cmp.Or(f.Message, o.Message, "the service gave no reason")
	}
	f.FlowFinished = o.FlowFinished || f.Message != ""
	return f
}
