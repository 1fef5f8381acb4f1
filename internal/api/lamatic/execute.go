package lamatic

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/uselamina/lamina/internal/api"
)

// An Execution is a workflow or an agent with its inputs.
type Execution struct {
	// Workflow is the id of the workflow, or of the agent if Agent is set.
	Workflow string
	Agent    bool
	// Payload is a JSON object of inputs. Lamatic rejects an empty one.
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

// Execute runs a workflow or an agent once. A run has a cost, so the call is repeated only if the flow certainly did not run. A
// flow that takes longer returns a running Result with an id for Check and Wait.
func (c *Client) Execute(ctx context.Context, e Execution) (*Result, error) {
	d, call := executeWorkflow, executeWorkflow.call(workflowVariables{e.Workflow, e.Payload})
	if e.Agent {
		d, call = executeAgent, executeAgent.call(agentVariables{e.Workflow, e.Payload})
	}
	call.Timeout = c.timeout
	value, resp, err := c.do(ctx, d, call)
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

// A Result is a run of a flow.
type Result struct {
	Status    string          // of the service: success, error, failed, pending, processing
	Output    json.RawMessage // the result of the flow; nil if there is none
	Message   string          // the error of the flow
	RunID     string          // the id for Check and Wait; may be empty
	RequestID string          // of the HTTP request; may be empty
	Raw       json.RawMessage // the whole response
}

// newResult returns the result in the value of executeWorkflow, executeAgent or checkStatus. Lamatic's SDKs differ in the place
// of each field, so newResult reads all places.
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

// State returns the state for the status. With an undocumented status, a run that has an id is Running and another Succeeded.
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

// hasOnlyID reports whether the output is the id of the run alone: then success means that the flow was started.
func (r *Result) hasOnlyID() bool {
	var output map[string]json.RawMessage
	return r.RunID != "" && json.Unmarshal(r.Output, &output) == nil && len(output) == 1 && output["requestId"] != nil
}
