package platform

import (
	"net/http"
	"slices"
	"time"
)

// The guard against agents that loop.
const (
	laghavAgentSteps  = 50
	laghavAgentWindow = 2 * time.Hour
)

// A laghavAgent is a run of an agent: the calls with its id.
type laghavAgent struct {
	Steps []laghavStep `json:"steps"`
	// Begun are the times of calls that were let in, for the guard: those of the last two hours.
	Begun []time.Time `json:"begun"`
}

type laghavStep struct {
	Step       int       `json:"step"`
	Tokens     int       `json:"tokens"` // that the model read
	CostUSD    float64   `json:"cost_usd"`
	Original   int       `json:"tokens_original"`
	FinishedAt time.Time `json:"finished_at"`
}

// admitAgent counts a step of an agent, unless it made fifty in the last two hours.
func (s *Server) admitAgent(tx *tx, id string) error {
	if id == "" {
		return nil
	}
	agent, _ := get[laghavAgent](tx, bucketLaghavAgents, id)
	since := s.now().Add(-laghavAgentWindow)
	agent.Begun = slices.DeleteFunc(agent.Begun, func(t time.Time) bool { return !t.After(since) })
	if used := len(agent.Begun); used >= laghavAgentSteps {
		return laghavLimited("Agent loop limit exceeded", map[string]any{
			"agent_loop_detected": true, "agent_run_id": id, "steps_used": used + 1, "steps_max": laghavAgentSteps,
			"window_hours": int(laghavAgentWindow.Hours()),
		})
	}
	agent.Begun = append(agent.Begun, s.now())
	put(tx, bucketLaghavAgents, id, agent)
	return nil
}

func (s *Server) bookAgent(tx *tx, id string, meta laghavMeta) {
	agent, _ := get[laghavAgent](tx, bucketLaghavAgents, id)
	agent.Steps = append(agent.Steps, laghavStep{
		Step: len(agent.Steps) + 1, Tokens: meta.Compressed, CostUSD: meta.CostActual, Original: meta.Original, FinishedAt: s.now(),
	})
	put(tx, bucketLaghavAgents, id, agent)
}

func (s *Server) laghavAgentSummary(w http.ResponseWriter, r *http.Request, _ serviceKey) error {
	id := r.PathValue("agent_run_id")
	var agent laghavAgent
	var known bool
	s.store.view(func(tx *tx) { agent, known = get[laghavAgent](tx, bucketLaghavAgents, id) })
	if !known {
		return laghavNotFound("There is no agent run with this id")
	}
	cost, original, compressed := 0.0, 0, 0
	for _, step := range agent.Steps {
		cost += step.CostUSD
		original += step.Original
		compressed += step.Tokens
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"agent_run_id": id, "total_steps": len(agent.Steps), "total_cost_usd": round(cost, 6), "total_tokens_original": original,
		"total_tokens_compressed": compressed, "steps": append([]laghavStep{}, agent.Steps...),
	})
	return nil
}
