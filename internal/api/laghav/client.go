// Package laghav is the client of Laghav, a proxy that shortens prompts before a model reads them. Responses that Laghav does not
// document (those of /api/keys and /v1/playground, the end of a stream) are decoded in every plausible form.
package laghav

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/provider"
)

// A Client calls Laghav. New returns one.
type Client struct{ api *api.Client }

// New returns a client that sends its calls with c.
func New(c *api.Client) *Client {
	own := *c
	own.Provider, own.Refine = provider.Laghav(), refine
	return &Client{&own}
}

// refine explains a refusal with the fields that only Laghav sends. The code RATE_LIMIT_EXCEEDED stands for three limits, of which
// only the limit of a minute ends soon.
func refine(e *api.Error, header http.Header, body []byte) {
	var more struct {
		Loop      bool        `json:"agent_loop_detected"`
		Agent     string      `json:"agent_run_id"`
		StepsMax  json.Number `json:"steps_max"`
		Window    json.Number `json:"window_hours"`
		Budget    string      `json:"budget_id"`
		Spent     json.Number `json:"spent_usd"`
		Limit     json.Number `json:"limit_usd"`
		CallsUsed json.Number `json:"calls_used"`
		ResetAt   string      `json:"reset_at"`
	}
	_ = json.Unmarshal(body, &more) // fields of another type are left out
	quota := func(explanation string) {
		e.Rule, e.Retryable, e.RetryAfter = provider.Rule{Kind: provider.Quota, Explanation: explanation}, false, 0
	}
	switch remaining, err := strconv.Atoi(header.Get("X-RateLimit-Remaining")); {
	case more.Loop:
		quota(fmt.Sprintf("the agent run %s made more than %s steps in %s hours, as a loop does; another agent run may go on", more.Agent, more.StepsMax, more.Window))
	case e.Status == http.StatusTooManyRequests && e.Rule.Kind == provider.RateLimited && err == nil && remaining > 0:
		quota("it is not the limit of a minute, so waiting for a minute does not help; a test key makes 100 calls a day")
	case more.Budget != "" && more.Spent != "":
		e.Rule.Explanation = fmt.Sprintf("budget %s has a limit of $%s and spent $%s; the limit is hard", more.Budget, more.Limit, more.Spent)
	case more.CallsUsed != "" && more.ResetAt != "":
		e.Rule.Explanation = fmt.Sprintf("the %s calls of the day are used up until %s; a key has its own quota", more.CallsUsed, more.ResetAt)
	}
}
