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

// A Frame is one step of a flow that streams.
type Frame struct {
	Status       string          // streaming for a token, else as in Result
	Text         string          // of a token: the text since the last one
	Message      string          // the error of the flow, in its last frame
	NodeID       string          // the node of the flow
	NodeFinished bool            // the node has ended
	FlowFinished bool            // the flow has ended; this is the last frame
	Output       json.RawMessage // the result of the flow, in its last frame
	Raw          json.RawMessage // the value of the subscription
}

// Stream runs a workflow once and returns its frames as they arrive. A sequence that ends before the last frame ends with a
// *CutError. Other errors are those of api.Client.Events, and *FlowError.
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

// streamEnd returns the error of a stream: after the first event, a lost connection is a *CutError.
func streamEnd(err error, hasBegun bool) error {
	var lost *api.UnreachableError
	if hasBegun && errors.As(err, &lost) && lost.Kind != api.Interrupted {
		return &CutError{Err: err}
	}
	return flowErrorOf(err)
}

// errDone means that the service announced the end of the stream.
var errDone = errors.New("the stream is done")

// parseFrame returns the frame in an event, and whether there is one: an event may contain null.
func parseFrame(event api.Event) (Frame, bool, error) {
	text := strings.TrimSpace(event.Data)
	switch {
	case text == "[DONE]", event.Type == "complete": // the second is the end in the GraphQL over SSE protocol
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
	_ = json.Unmarshal(value, &o) // fields of other types are of the flow and are left out
	var data struct {
		Generated string `json:"generatedResponse"`
		Error     string `json:"errorMsg"`
	}
	_ = json.Unmarshal(o.Data, &data)
	f := Frame{
		Status: o.Status, NodeID: o.NodeID, NodeFinished: o.NodeFinished, Output: json.RawMessage(o.Result), Raw: value,
		Message: data.Error,
	}
	if o.Status == "streaming" && !o.NodeFinished { // a finished node repeats the text, and doubles it
		f.Text = data.Generated
	}
	if f.Status == "error" || f.Status == "failed" {
		f.Message = cmp.Or(f.Message, o.Message, "the service gave no reason")
	}
	f.FlowFinished = o.FlowFinished || f.Message != ""
	return f
}
