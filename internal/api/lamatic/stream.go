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
	Status       string          // streaming for a token; else as in Result
	Text         string          // of a token: what the language model said since the last one
	Message      string          // what went wrong, in the service's words: the flow failed, and this is the last frame
	NodeID       string          // the node of the flow that the frame is about
	NodeFinished bool            // the node has ended
	FlowFinished bool            // the flow has ended: this is the last frame
	Output       json.RawMessage // of the last frame: the result of the flow
	Raw          json.RawMessage // the value of the subscription as it came
}

// Stream runs a workflow once and returns what it tells as it goes, its last frame included. A sequence that ends before that
// ends in a *CutError. Other errors are those of api.Client.Events, and *FlowError.
func (c *Client) Stream(ctx context.Context, e Execution) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		call := executeWithStream.call(workflowVariables{e.Workflow, e.Payload})
		begun := false
		for event, err := range c.api.Events(ctx, call) {
			if err != nil {
				yield(Frame{}, streamEnd(err, begun))
				return
			}
			begun = true
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

// streamEnd is what an error of the stream means: before its begin a refusal, after it a cut.
func streamEnd(err error, begun bool) error {
	var lost *api.UnreachableError
	if begun && errors.As(err, &lost) && lost.Kind != api.Interrupted {
		return &CutError{Err: err}
	}
	return flowErrorOf(err)
}

// errDone is the end that the service announces.
var errDone = errors.New("the stream is done")

// parseFrame reads one event: a GraphQL response with a frame, or with null, which says nothing.
func parseFrame(event api.Event) (Frame, bool, error) {
	text := strings.TrimSpace(event.Data)
	switch {
	case text == "[DONE]", event.Type == "complete": // the second is how others end a subscription over server-sent events
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
	_ = json.Unmarshal(value, &o) // what fits is enough: fields of other types belong to the flow
	var data struct {
		Generated string `json:"generatedResponse"`
		Error     string `json:"errorMsg"`
	}
	_ = json.Unmarshal(o.Data, &data)
	f := Frame{
		Status: o.Status, NodeID: o.NodeID, NodeFinished: o.NodeFinished, Output: json.RawMessage(o.Result), Raw: value,
		Message: data.Error,
	}
	if o.Status == "streaming" && !o.NodeFinished { // of a finished node the text comes once more, and doubled
		f.Text = data.Generated
	}
	if f.Status == "error" || f.Status == "failed" {
		f.Message = cmp.Or(f.Message, o.Message, "the service gave no reason")
	}
	f.FlowFinished = o.FlowFinished || f.Message != ""
	return f
}
