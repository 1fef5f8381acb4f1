package laghav

import (
	"net/http"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// The limits of an agent run, against agents that loop.
const (
	maxAgentSteps = 50
	agentWindow   = 2 * time.Hour
)

// An agentRun is the calls with one agent_run_id.
type agentRun struct {
	Steps []agentStep `json:"steps"`
	// Begun are the times of the admitted calls in the last two hours, for the limit.
	Begun []time.Time `json:"begun"`
}

// An agentStep is a finished call of an agent run.
type agentStep struct {
	Step       int       `json:"step"`
	Tokens     int       `json:"tokens"` // in the input of the model
	CostUSD    float64   `json:"cost_usd"`
	Original   int       `json:"tokens_original"`
	FinishedAt time.Time `json:"finished_at"`
}

// admitAgent counts a step of an agent run. It refuses the step above the limit.
func (s *server) admitAgent(tx *wire.Tx, id string) error {
	if id == "" {
		return nil
	}
	agent, _ := wire.Get[agentRun](tx, bucketAgents, id)
	since := s.Clock.Now().Add(-agentWindow)
	agent.Begun = slices.DeleteFunc(agent.Begun, func(t time.Time) bool { return !t.After(since) })
	if used := len(agent.Begun); used >= maxAgentSteps {
		return limited("Agent loop limit exceeded", map[string]any{
			"agent_loop_detected": true, "agent_run_id": id, "steps_used": used + 1, "steps_max": maxAgentSteps,
			"window_hours": int(agentWindow.Hours()),
		})
	}
	agent.Begun = append(agent.Begun, s.Clock.Now())
	wire.Put(tx, bucketAgents, id, agent)
	return nil
}

func (s *server) addToAgent(tx *wire.Tx, id string, meta completionMeta) {
	agent, _ := wire.Get[agentRun](tx, bucketAgents, id)
	agent.Steps = append(agent.Steps, agentStep{
		Step: len(agent.Steps) + 1, Tokens: meta.Compressed, CostUSD: meta.CostActual, Original: meta.Original, FinishedAt: s.Clock.Now(),
	})
	wire.Put(tx, bucketAgents, id, agent)
}

func (s *server) summarizeAgent(w http.ResponseWriter, r *http.Request, _ wire.Key) error {
	id := r.PathValue("agent_run_id")
	var agent agentRun
	var known bool
	s.Store.View(func(tx *wire.Tx) { agent, known = wire.Get[agentRun](tx, bucketAgents, id) })
	if !known {
		return notFound("There is no agent run with this id")
	}
	cost, original, compressed := 0.0, 0, 0
	for _, step := range agent.Steps {
		cost += step.CostUSD
		original += step.Original
		compressed += step.Tokens
	}
	wire.WriteJSON(w, http.StatusOK, map[string]any{
		"agent_run_id": id, "total_steps": len(agent.Steps), "total_cost_usd": round(cost, 6), "total_tokens_original": original,
		"total_tokens_compressed": compressed, "steps": append([]agentStep{}, agent.Steps...),
	})
	return nil
}
