package lamatic

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/uselamina/lamina/internal/api"
)

// An Execution names what to run and with which inputs.
type Execution struct {
	// Workflow is the id of the workflow, or of the agent if Agent is set.
	Workflow string
	Agent    bool
	// Payload is a JSON object of inputs. Lamatic is known to refuse an empty one.
	Payload json.RawMessage
}

var (
	executeWorkflow = document{"executeWorkflow", `query ExecuteWorkflow($workflowId: String!, $payload: JSON) {
  executeWorkflow(workflowId: $workflowId, payload: $payload) {
    status
    result
  }
}`}
	executeAgent = document{"executeAgent", `query ExecuteAgent($agentId: String!, $payload: JSON!) {
  executeAgent(agentId: $agentId, payload: $payload) {
    status
    result
  }
}`}
)

// Execute runs a workflow or an agent once. It costs what the flow costs, so it is not sent again unless it surely did not
// run. A flow that is not done at once returns a running Result with an id for Check and Wait.
func (c *Client) Execute(ctx context.Context, e Execution) (*Result, error) {
	d, variables := executeWorkflow, map[string]any{"workflowId": e.Workflow, "payload": e.Payload}
	if e.Agent {
		d, variables = executeAgent, map[string]any{"agentId": e.Workflow, "payload": e.Payload}
	}
	call := d.call(variables)
	call.Timeout = c.timeout
	value, answer, err := c.do(ctx, d, call)
	if err != nil {
		return nil, err
	}
	return newResult(value, answer, call)
}

// A State is how far a run is.
type State string

// The states of a Result.
const (
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
)

// A Result is what is known of a run of a flow.
type Result struct {
	Status    string          // in the service's words: success, error, failed, pending, processing
	Output    json.RawMessage // result, whose shape is the flow's own; nil if there is none
	Message   string          // what went wrong, in the service's words
	RunID     string          // to ask after a run with: the requestId of the answer
	RequestID string          // of the HTTP request, where the service names one
	Raw       json.RawMessage // the whole answer
}

// newResult reads the value of executeWorkflow, executeAgent or checkStatus. Where each of its parts stands has changed
// between Lamatic's SDKs; all places are looked at.
func newResult(value json.RawMessage, answer *api.Answer, call api.Call) (*Result, error) {
	var word string
	if json.Unmarshal(value, &word) == nil && word != "" { // a status and nothing else
		return &Result{Status: word, RequestID: answer.RequestID, Raw: answer.Raw}, nil
	}
	var fields struct {
		Status    string          `json:"status"`
		Result    json.RawMessage `json:"result"`
		Message   string          `json:"message"`
		RequestID string          `json:"requestId"`
	}
	if err := json.Unmarshal(value, &fields); err != nil {
		return nil, answer.Unexpected(call, "the answer is not the status and result that Lamatic documents", err)
	}
	r := &Result{
		Status: fields.Status, Output: opened(fields.Result), Message: fields.Message, RunID: fields.RequestID,
		RequestID: answer.RequestID, Raw: answer.Raw,
	}
	var inner struct {
		RequestID string `json:"requestId"`
		Message   string `json:"message"`
		Error     string `json:"error"`
	}
	_ = json.Unmarshal(r.Output, &inner) // its shape is the flow's own
	if r.RunID == "" {
		r.RunID = inner.RequestID
	}
	if r.Message == "" && r.State() == Failed {
		r.Message = firstOf(inner.Message, inner.Error, textOf(r.Output))
	}
	return r, nil
}

// State reads the status. A word that is not documented counts as the end only where there is no id to ask after.
func (r *Result) State() State {
	switch strings.ToLower(r.Status) {
	case "success":
		if r.idAlone() {
			return Running
		}
		return Succeeded
	case "error", "failed":
		return Failed
	case "pending", "processing":
		return Running
	}
	if r.RunID != "" {
		return Running
	}
	return Succeeded
}

// idAlone reports whether the output is nothing but the id to ask after: the flow was started with success, and is not done.
func (r *Result) idAlone() bool {
	var output map[string]json.RawMessage
	return r.RunID != "" && json.Unmarshal(r.Output, &output) == nil && len(output) == 1 && output["requestId"] != nil
}

func textOf(raw json.RawMessage) string {
	var text string
	_ = json.Unmarshal(raw, &text) // no text: none
	return text
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
