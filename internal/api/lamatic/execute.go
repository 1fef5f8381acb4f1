package lamatic

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/uselamina/lamina/internal/api"
)

// An Execution is a workflow or an agent to run, with its inputs.
type Execution struct {
	// Workflow is the id of the workflow, or of the agent if Agent is set.
	Workflow string
	Agent    bool
	// Payload is a JSON object of inputs. Lamatic refuses an empty one.
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

// Execute runs a workflow or an agent once. Because a run may cost, the call is repeated only if nothing ran. A workflow that does
// not finish at once returns a running Result with an id for Check and Wait.
func (c *Client) Execute(ctx context.Context, e Execution) (*Result, error) {
	d, call := executeWorkflow, executeWorkflow.call(workflowVariables{e.Workflow, e.Payload})
	if e.Agent {
		d, call = executeAgent, executeAgent.call(agentVariables{e.Workflow, e.Payload})
	}
	value, resp, err := c.send(ctx, d, call)
	if err != nil {
		return nil, err
	}
	return newResult(value, resp, call)
}

// A State is the state of a run.
type State string

// The states of a Result.
const (
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
)

// A Result is a run of a workflow, as far as it is known.
type Result struct {
	Status    string          // of the service: success, error, failed, pending, processing
	Output    json.RawMessage // the result, in a form that the workflow defines; nil if there is none
	Message   string          // the service's reason for a failure
	RunID     string          // for Check and Wait: the requestId in the response
	RequestID string          // of the HTTP request; may be empty
	Raw       json.RawMessage // the whole response
}

// newResult decodes the value of executeWorkflow, executeAgent or checkStatus. Lamatic's SDKs expect its parts in different places;
// all of them are tried.
func newResult(value json.RawMessage, resp *api.Response, call api.Call) (*Result, error) {
	var w wireResult
	if err := json.Unmarshal(value, &w); err != nil {
		return nil, resp.Unexpected(call, "the response is not the status and result that Lamatic documents", err)
	}
	output := json.RawMessage(w.Result)
	inner := readOutput(output)
	r := &Result{
		Status: w.Status, Output: output, Message: w.Message, RunID: cmp.Or(w.RequestID, inner.RequestID),
		RequestID: resp.RequestID, Raw: resp.Raw,
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

// State returns the state that the status means. An undocumented status means success if there is no run id, else a running one.
func (r *Result) State() State {
	switch strings.ToLower(r.Status) {
	case "success":
		if r.hasOnlyID() {
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

// hasOnlyID reports whether the output holds only the run id: the workflow was started successfully, and still runs.
func (r *Result) hasOnlyID() bool {
	var output map[string]json.RawMessage
	return r.RunID != "" && json.Unmarshal(r.Output, &output) == nil && len(output) == 1 && output["requestId"] != nil
}
