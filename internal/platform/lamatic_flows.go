package platform

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/uselamina/lamina/internal/platform/apps"
)

// A lamaticFlow is a workflow that is deployed in every project.
type lamaticFlow struct {
	id     string
	inputs []flowInput
	// takes says how long a run goes on after it was started. Nil: it is answered at once.
	takes func(in flowPayload) time.Duration
	// run does the work. An *apps.Error is the flow's own failure.
	run func(ctx context.Context, s *Server, in flowPayload) (map[string]any, error)
	// spoken is the member of the result that a language model would write: a stream sends it piece by piece.
	spoken string
}

// A flowInput is one input variable of a flow's trigger.
type flowInput struct {
	name     string
	kind     string // string or integer
	required bool
	standard any // what an input that is left out is taken for
}

// A flowPayload is a payload that fits the inputs of its flow: strings are strings, and integers are ints.
type flowPayload map[string]any

func (p flowPayload) text(name string) string { v, _ := p[name].(string); return v }
func (p flowPayload) number(name string) int  { v, _ := p[name].(int); return v }

// maxReportTime bounds how long a report can be asked to take, in seconds.
const maxReportTime = 3600

func lamaticFlows() []lamaticFlow {
	return []lamaticFlow{
		{
			id: "summarize", spoken: "summary", run: summarizeFlow,
			inputs: []flowInput{{name: "text", kind: "string", required: true}, {name: "sentences", kind: "integer", standard: 2}},
		},
		{
			id: "extract-links", run: extractLinksFlow,
			inputs: []flowInput{{name: "url", kind: "string"}, {name: "html", kind: "string"}},
		},
		{
			id: "spell-numbers", spoken: "text", run: spellNumbersFlow,
			inputs: []flowInput{{name: "text", kind: "string", required: true}},
		},
		{
			id: "report", run: reportFlow,
			inputs: []flowInput{{name: "text", kind: "string", required: true}, {name: "seconds", kind: "integer", standard: 2}},
			takes:  func(in flowPayload) time.Duration { return time.Duration(in.number("seconds")) * time.Second },
		},
	}
}

func findFlow(id string) (lamaticFlow, bool) {
	flows := lamaticFlows()
	i := slices.IndexFunc(flows, func(f lamaticFlow) bool { return f.id == id })
	if i < 0 {
		return lamaticFlow{}, false
	}
	return flows[i], true
}

// chooseFlow finds a flow and checks the payload against its inputs.
func chooseFlow(id string, payload any) (lamaticFlow, flowPayload, gqlerror.List) {
	flow, ok := findFlow(id)
	if !ok {
		return lamaticFlow{}, nil, flowErrors("Workflow not found: " + shortID(id))
	}
	in, problems := flow.check(payload)
	return flow, in, flowErrors(problems...)
}

// check reads a payload, and returns everything that is wrong with it. What the flow has no input for is left alone: the
// trigger of a flow reads what it knows.
func (f lamaticFlow) check(payload any) (flowPayload, []string) {
	given, ok := payload.(map[string]any)
	if !ok || len(given) == 0 {
		return nil, []string{"Invalid payload: it must be an object that is not empty"}
	}
	in, problems := flowPayload{}, []string(nil)
	for _, input := range f.inputs {
		value := given[input.name]
		switch {
		case value == nil && input.required:
			problems = append(problems, fmt.Sprintf("Invalid payload: %s is required", input.name))
		case value == nil:
			in[input.name] = input.standard
		default:
			typed, ok := input.typed(value)
			if !ok {
				problems = append(problems, fmt.Sprintf("Invalid payload: %s must be of type %s", input.name, input.kind))
			}
			in[input.name] = typed
		}
	}
	return in, problems
}

// typed returns a value as the input takes it. Integers come as float64 from variables, and as int64 from the document.
func (i flowInput) typed(value any) (any, bool) {
	if i.kind == "string" {
		text, ok := value.(string)
		return text, ok
	}
	switch n := value.(type) {
	case int64:
		return int(n), math.Abs(float64(n)) <= math.MaxInt32
	case float64:
		return int(n), n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32
	}
	return 0, false
}

// executeFlow runs a flow and returns its FlowResult. A flow that takes its time is answered with the id to ask after.
func (s *Server) executeFlow(ctx context.Context, project, id string, payload any) (any, gqlerror.List) {
	flow, in, errs := chooseFlow(id, payload)
	if errs != nil {
		return nil, errs
	}
	if flow.takes != nil {
		return s.startFlow(project, flow, in)
	}
	result, err := flow.run(ctx, s, in)
	if err != nil {
		return nil, s.flowFailure(err)
	}
	return map[string]any{"status": "success", "result": result}, nil
}

// executeAgent lets the one agent there is choose the flow that a payload is for.
func (s *Server) executeAgent(ctx context.Context, project, id string, payload any) (any, gqlerror.List) {
	if id != "assistant" {
		return nil, flowErrors("Agent not found: " + shortID(id))
	}
	given, _ := payload.(map[string]any)
	flow := "summarize"
	for _, other := range lamaticFlows() {
		if slices.ContainsFunc(other.inputs, func(i flowInput) bool { return i.name != "text" && given[i.name] != nil }) {
			flow = other.id
		}
	}
	return s.executeFlow(ctx, project, flow, payload)
}

// flowFailure is what a caller is told of a flow that failed.
func (s *Server) flowFailure(err error) gqlerror.List { return flowErrors(s.flowFailureText(err)) }

func (s *Server) flowFailureText(err error) string {
	var own *apps.Error
	if errors.As(err, &own) {
		return own.Message
	}
	s.log.Error("a flow failed", "error", err)
	return "Workflow execution failed"
}

func flowErrors(messages ...string) gqlerror.List {
	var errs gqlerror.List
	for _, m := range messages {
		errs = append(errs, &gqlerror.Error{Message: m})
	}
	return errs
}

// shortID is a name from outside in a message: of bounded length and printable.
func shortID(name string) string { return cleanText(name, 200) }

// A flowRun is a run of a flow that is not answered at once. Its work is done when somebody asks after its end.
type flowRun struct {
	ID      string      `json:"id"`
	Project string      `json:"project"`
	Flow    string      `json:"flow"`
	Payload flowPayload `json:"payload"`
	EndsAt  time.Time   `json:"endsAt"`
}

// bucketLamaticRuns holds the runs that are asked after: request id → flowRun.
const bucketLamaticRuns = "lamatic-runs"

func (s *Server) startFlow(project string, flow lamaticFlow, in flowPayload) (any, gqlerror.List) {
	run := flowRun{ID: newUUID(), Project: project, Flow: flow.id, Payload: in, EndsAt: s.now().Add(flow.takes(in))}
	err := s.store.update(func(tx *tx) error {
		put(tx, bucketLamaticRuns, run.ID, run)
		return nil
	})
	if err != nil {
		return nil, s.flowFailure(err)
	}
	return map[string]any{"status": "processing", "result": map[string]any{"requestId": run.ID}}, nil
}

// flowStatus returns how far a run is. That a run failed is told in its status, not as an error of the question.
func (s *Server) flowStatus(ctx context.Context, project, id string) (any, gqlerror.List) {
	var run flowRun
	var ok bool
	s.store.view(func(tx *tx) { run, ok = get[flowRun](tx, bucketLamaticRuns, id) })
	flow, known := findFlow(run.Flow)
	if !ok || !known || run.Project != project {
		return nil, flowErrors("Request not found: " + shortID(id))
	}
	state := map[string]any{"requestId": id, "status": "processing", "result": nil}
	if s.now().Before(run.EndsAt) {
		return state, nil
	}
	in, _ := flow.check(map[string]any(run.Payload)) // it was checked before it was stored
	result, err := flow.run(ctx, s, in)
	if err != nil {
		state["status"], state["message"] = "failed", s.flowFailureText(err)
		return state, nil
	}
	state["status"], state["result"] = "success", result
	return state, nil
}
