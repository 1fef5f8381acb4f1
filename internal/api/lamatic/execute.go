package lamatic

import (
	"cmp"
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

// workflowVariables are the variables of executeWorkflow and executeWorkflowWithStream.
type workflowVariables struct {
	WorkflowID string          `json:"workflowId"`
	Payload    json.RawMessage `json:"payload"`
}

// agentVariables are the variables of executeAgent.
type agentVariables struct {
	AgentID string          `json:"agentId"`
	Payload json.RawMessage `json:"payload"`
}

// Execute runs a workflow or an agent once. It costs what the flow costs, so it is not sent again unless it surely did not
// run. A flow that is not done at once returns a running Result with an id for Check and Wait.
func (c *Client) Execute(ctx context.Context, e Execution) (*Result, error) {
	d, call := executeWorkflow, executeWorkflow.call(workflowVariables{e.Workflow, e.Payload})
	if e.Agent {
		d, call = executeAgent, executeAgent.call(agentVariables{e.Workflow, e.Payload})
	}
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
	var w wireResult
	if err := json.Unmarshal(value, &w); err != nil {
		return nil, answer.Unexpected(call, "the response is not the status and result that Lamatic documents", err)
	}
	output := json.RawMessage(w.Result)
	inner := readOutput(output)
	r := &Result{
		Status: w.Status, Output: output, Message: w.Message, RunID: cmp.Or(w.RequestID, inner.RequestID),
		RequestID: answer.RequestID, Raw: answer.Raw,
	}
	if r.State() == Failed {
		r.Message = cmp.Or(r.Message, inner.Message, inner.Error, inner.text)
	}
	return r, nil
}

// A wireResult is the value of executeWorkflow, executeAgent or checkStatus: an object, or a status alone.
type wireResult struct {
	Status    string `json:"status"`
	Result    scalar `json:"result"`
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (w *wireResult) UnmarshalJSON(raw []byte) error {
	var status string
	if json.Unmarshal(raw, &status) == nil && status != "" {
		*w = wireResult{Status: status}
		return nil
	}
	type plain wireResult
	return json.Unmarshal(raw, (*plain)(w))
}

// An output has the parts of a flow's result that say more about the run. The flow decides on the shape of its result.
type output struct {
	RequestID string `json:"requestId"`
	Message   string `json:"message"`
	Error     string `json:"error"`

	text string // the whole result, if it is a text
}

// readOutput reads the parts that are there and have the expected type.
func readOutput(raw json.RawMessage) output {
	var o output
	if json.Unmarshal(raw, &o.text) != nil {
		_ = json.Unmarshal(raw, &o)
	}
	return o
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
