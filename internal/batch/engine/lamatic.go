package engine

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/state"
)

// Lamatic is the service of workflows. It has no list of runs, no keys for idempotency, and no way to cancel a run. Its client must repeat
// no request.
type Lamatic struct {
	Client   *lamatic.Client
	Workflow string // the id of the workflow or the agent; empty: the inputs of each item are a LamaticItem
	IsAgent  bool   // Workflow, or that of each item, is an agent
}

// A LamaticItem is the inputs of an item that names its own workflow.
type LamaticItem struct {
	Workflow string          `json:"workflow"`
	Payload  json.RawMessage `json:"payload"`
}

// Start implements Service. Most workflows have ended when Lamatic answers.
func (l *Lamatic) Start(ctx context.Context, item plan.Item, _ string) (Run, error) {
	execution := lamatic.Execution{Workflow: l.Workflow, Agent: l.IsAgent, Payload: item.Inputs}
	if l.Workflow == "" {
		var own LamaticItem
		if err := json.Unmarshal(item.Inputs, &own); err != nil {
			return Run{}, err
		}
		execution.Workflow, execution.Payload = own.Workflow, own.Payload
	}
	result, err := l.Client.Execute(ctx, execution)
	if err != nil {
		return Run{}, err
	}
	run := lamaticRun(result, result.State() != lamatic.Running)
	if run.State == "" && run.ID == "" {
		return Run{}, errNoRequestID
	}
	return run, nil
}

// errNoRequestID means that a workflow was started, and that its end cannot be found out.
var errNoRequestID = errors.New("the workflow continues, and Lamatic returned no request id to follow it with")

// Get implements Service.
func (l *Lamatic) Get(ctx context.Context, id string) (Run, error) {
	result, err := l.Client.Check(ctx, id)
	var refused *lamatic.FlowError
	if errors.As(err, &refused) {
		return Run{}, &noResultError{refused}
	}
	if err != nil {
		return Run{}, err
	}
	run := lamaticRun(result, result.HasEnded())
	run.ID = id
	return run, nil
}

// Cancel implements Service.
func (l *Lamatic) Cancel(context.Context, string) (Run, error) { return Run{}, errors.ErrUnsupported }

// A noResultError means that Lamatic does not know a run.
type noResultError struct{ refused *lamatic.FlowError }

func (e *noResultError) Error() string { return e.refused.Error() }
func (e *noResultError) Unwrap() error { return e.refused }

// Judge implements Service. A failure of the server is not known to come before the execution of the workflow, whatever its status is.
func (l *Lamatic) Judge(err error) Verdict {
	var (
		unknown    *noResultError
		refused    *lamatic.FlowError
		status     *api.Error
		unexpected *api.UnexpectedError
	)
	switch {
	case errors.Is(err, errNoRequestID):
		return Verdict{Meaning: Lost}
	case errors.As(err, &unknown):
		return Verdict{Meaning: Missing, Code: api.CodeNotFound, Message: unknown.Error()}
	case errors.As(err, &refused):
		return Verdict{Meaning: Refused, Message: messagesOf(refused)}
	case errors.As(err, &status) && status.Status >= http.StatusInternalServerError:
		return Verdict{Meaning: Lost, After: status.RetryAfter}
	case errors.As(err, &unexpected) && unexpected.Status >= http.StatusInternalServerError:
		return Verdict{Meaning: Lost}
	}
	return Judge(err)
}

// messagesOf returns the reasons why a workflow was not run, or failed at once.
func messagesOf(refused *lamatic.FlowError) string {
	var all []string
	for _, p := range refused.Problems {
		all = append(all, p.Message)
	}
	return strings.Join(all, "; ")
}

// lamaticRun returns the run that a result describes.
func lamaticRun(r *lamatic.Result, hasEnded bool) Run {
	run := Run{ID: r.RunID}
	if !hasEnded {
		return run
	}
	run.State, run.Outputs = state.Completed.String(), lamaticOutputs(r.Output)
	if r.State() == lamatic.Failed {
		run.State, run.Error = state.Failed.String(), r.Message
	}
	return run
}

// A lamaticOutput is the result of a workflow in the form of an output of an app.
type lamaticOutput struct {
	Label string          `json:"label"`
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// lamaticOutputs returns the list of outputs that stands for the result of a workflow; nil if there is none.
func lamaticOutputs(result json.RawMessage) json.RawMessage {
	if len(result) == 0 {
		return nil
	}
	raw, err := json.Marshal([]lamaticOutput{{Label: "result", Type: "json", Value: result}})
	if err != nil { // the client decoded it
		return nil
	}
	return raw
}

// LamaticResult returns the result of a workflow from the outputs of its run; nil if there is none.
func LamaticResult(outputs json.RawMessage) json.RawMessage {
	var list []lamaticOutput
	if json.Unmarshal(outputs, &list) != nil || len(list) != 1 {
		return nil
	}
	return list[0].Value
}
