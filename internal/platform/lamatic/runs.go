package lamatic

import (
	"context"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// bucketRuns holds the runs: id → run.
const bucketRuns = "lamatic-runs"

// A run is a run of a workflow with a duration. The work is done when a client asks for the status after its end.
type run struct {
	ID       string      `json:"id"`
	Project  string      `json:"project"`
	Workflow string      `json:"flow"`
	Payload  inputValues `json:"payload"`
	EndsAt   time.Time   `json:"endsAt"`
}

func (s *Server) startRun(project string, wf workflow, in inputValues) (any, gqlerror.List) {
	r := run{ID: wire.NewUUID(), Project: project, Workflow: wf.id, Payload: in, EndsAt: s.Clock.Now().Add(wf.duration(in))}
	err := s.Store.Update(func(tx *wire.Tx) error {
		wire.Put(tx, bucketRuns, r.ID, r)
		return nil
	})
	if err != nil {
		return nil, graphqlErrors(s.failureText(err))
	}
	return map[string]any{"status": "processing", "result": map[string]any{"requestId": r.ID}}, nil
}

// runStatus returns the status of a run. A failed run is a status, not an error of the question.
func (s *Server) runStatus(ctx context.Context, project, id string) (any, gqlerror.List) {
	var r run
	var ok bool
	s.Store.View(func(tx *wire.Tx) { r, ok = wire.Get[run](tx, bucketRuns, id) })
	wf, isKnown := findWorkflow(r.Workflow)
	if !ok || !isKnown || r.Project != project {
		return nil, graphqlErrors("Request not found: " + shortID(id))
	}
	state := map[string]any{"requestId": id, "status": "processing", "result": nil}
	if s.Clock.Now().Before(r.EndsAt) {
		return state, nil
	}
	in, _ := wf.check(map[string]any(r.Payload)) // was checked before it was stored
	result, err := wf.run(ctx, s, in)
	if err != nil {
		state["status"], state["message"] = "failed", s.failureText(err)
		return state, nil
	}
	state["status"], state["result"] = "success", result
	return state, nil
}
