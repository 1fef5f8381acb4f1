package lamatic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A workflow is deployed in every project.
type workflow struct {
	id     string
	inputs []inputVariable
	// duration returns the time that a run takes. Nil: the run is answered at once.
	duration func(in inputValues) time.Duration
	// run does the work. A *failure is an error that the caller sees.
	run func(ctx context.Context, s *Server, in inputValues) (map[string]any, error)
	// spoken is the member of the result that a language model would write. A stream sends it in pieces.
	spoken string
}

// An inputVariable is an input of a workflow's trigger.
type inputVariable struct {
	name       string
	kind       string // string or integer
	isRequired bool
	fallback   any // value of a missing input
}

// inputValues are a payload that fits the inputs of its workflow: strings are strings, and integers are ints.
type inputValues map[string]any

func (v inputValues) text(name string) string { s, _ := v[name].(string); return s }
func (v inputValues) number(name string) int  { n, _ := v[name].(int); return n }

// A failure is an error of a workflow that the caller sees.
type failure struct{ message string }

func (e *failure) Error() string { return e.message }

func failf(format string, args ...any) error { return &failure{fmt.Sprintf(format, args...)} }

// maxReportTime is the longest time of a report, in seconds.
const maxReportTime = 3600

func workflows() []workflow {
	return []workflow{
		{
			id: "summarize", spoken: "summary", run: summarize,
			inputs: []inputVariable{{name: "text", kind: "string", isRequired: true}, {name: "sentences", kind: "integer", fallback: 2}},
		},
		{
			id: "extract-links", run: extractLinks,
			inputs: []inputVariable{{name: "url", kind: "string"}, {name: "html", kind: "string"}},
		},
		{
			id: "spell-numbers", spoken: "text", run: spellNumbers,
			inputs: []inputVariable{{name: "text", kind: "string", isRequired: true}},
		},
		{
			id: "report", run: report,
			inputs:   []inputVariable{{name: "text", kind: "string", isRequired: true}, {name: "seconds", kind: "integer", fallback: 2}},
			duration: func(in inputValues) time.Duration { return time.Duration(in.number("seconds")) * time.Second },
		},
	}
}

func findWorkflow(id string) (workflow, bool) {
	all := workflows()
	i := slices.IndexFunc(all, func(wf workflow) bool { return wf.id == id })
	if i < 0 {
		return workflow{}, false
	}
	return all[i], true
}

// chooseWorkflow finds a workflow and checks a payload against its inputs.
func chooseWorkflow(id string, payload any) (workflow, inputValues, gqlerror.List) {
	wf, ok := findWorkflow(id)
	if !ok {
		return workflow{}, nil, graphqlErrors("Workflow not found: " + shortID(id))
	}
	in, problems := wf.check(payload)
	return wf, in, graphqlErrors(problems...)
}

// check reads a payload and returns all mistakes in it. It ignores members that are no inputs.
func (wf workflow) check(payload any) (inputValues, []string) {
	given, ok := payload.(map[string]any)
	if !ok || len(given) == 0 {
		return nil, []string{"Invalid payload: it must be an object that is not empty"}
	}
	in, problems := inputValues{}, []string(nil)
	for _, input := range wf.inputs {
		value := given[input.name]
		switch {
		case value == nil && input.isRequired:
			problems = append(problems, fmt.Sprintf("Invalid payload: %s is required", input.name))
		case value == nil:
			in[input.name] = input.fallback
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

// typed converts a value to the type of the input. An integer is a float64 in variables, and an int64 in a document.
func (i inputVariable) typed(value any) (any, bool) {
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

// executeWorkflow runs a workflow and returns its FlowResult. A workflow with a duration is answered with the id of
// its run.
func (s *Server) executeWorkflow(ctx context.Context, project, id string, payload any) (any, gqlerror.List) {
	wf, in, errs := chooseWorkflow(id, payload)
	if errs != nil {
		return nil, errs
	}
	if wf.duration != nil {
		return s.startRun(project, wf, in)
	}
	result, err := wf.run(ctx, s, in)
	if err != nil {
		return nil, graphqlErrors(s.failureText(err))
	}
	return map[string]any{"status": "success", "result": result}, nil
}

// executeAgent runs the only agent. It chooses the workflow that fits the payload.
func (s *Server) executeAgent(ctx context.Context, project, id string, payload any) (any, gqlerror.List) {
	if id != "assistant" {
		return nil, graphqlErrors("Agent not found: " + shortID(id))
	}
	given, _ := payload.(map[string]any)
	chosen := "summarize"
	for _, wf := range workflows() {
		if slices.ContainsFunc(wf.inputs, func(i inputVariable) bool { return i.name != "text" && given[i.name] != nil }) {
			chosen = wf.id
		}
	}
	return s.executeWorkflow(ctx, project, chosen, payload)
}

// failureText returns the text of a failed workflow for the caller. It logs an error that is no failure.
func (s *Server) failureText(err error) string {
	var own *failure
	if errors.As(err, &own) {
		return own.message
	}
	s.Log.Error("a workflow failed", "error", err)
	return "Workflow execution failed"
}

func graphqlErrors(messages ...string) gqlerror.List {
	var errs gqlerror.List
	for _, m := range messages {
		errs = append(errs, &gqlerror.Error{Message: m})
	}
	return errs
}

// shortID returns an id from outside for a message: printable and of limited length.
func shortID(id string) string { return wire.CleanText(id, 200) }
