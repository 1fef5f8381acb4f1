// Package laghav is the client of Laghav, a proxy that shortens prompts before a model reads them. What its documents leave
// open (the replies of /api/keys and /v1/playground, the end of a stream) is read in every plausible shape.
package laghav

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/uselamina/lamina/internal/api"
)

// A Client calls Laghav. Make one with New.
type Client struct{ api *api.Client }

// New returns a client that sends its calls with c, whose ReadRefusal knows the general shape of refusals.
func New(c *api.Client) *Client {
	own := *c
	if general := c.ReadRefusal; general != nil {
		own.ReadRefusal = func(e *api.Error, header http.Header, body []byte) bool {
			shaped := general(e, header, body)
			explain(e, header, body)
			return shaped
		}
	}
	return &Client{&own}
}

// The causes of refusals that explain tells apart; the words are those of the table of services.
const (
	causeQuota       = "quota"
	causeRateLimited = "rate-limited"
)

// explain adds to a refusal what its own fields say. The code RATE_LIMIT_EXCEEDED stands for three limits, of which only
// that of a minute ends by waiting a little.
func explain(e *api.Error, header http.Header, body []byte) {
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
	_ = json.Unmarshal(body, &more) // what fits is enough
	final := func(says string) {
		e.Cause, e.Says, e.Try, e.Final, e.Retryable, e.RetryAfter = causeQuota, says, "", true, false, 0
	}
	switch remaining, err := strconv.Atoi(header.Get("X-RateLimit-Remaining")); {
	case more.Loop:
		final(fmt.Sprintf("the agent run %s made more than %s steps in %s hours, as a loop does; another agent run may go on", more.Agent, more.StepsMax, more.Window))
	case e.Status == http.StatusTooManyRequests && e.Cause == causeRateLimited && err == nil && remaining > 0:
		final("it is not the limit of a minute, so waiting for a minute does not help; a test key makes 100 calls a day")
	case more.Budget != "" && more.Spent != "":
		e.Says = fmt.Sprintf("budget %s has a limit of $%s and spent $%s; it stops hard", more.Budget, more.Limit, more.Spent)
	case more.CallsUsed != "" && more.ResetAt != "":
		e.Says = fmt.Sprintf("the %s calls of the day are used up until %s; a key has its own quota", more.CallsUsed, more.ResetAt)
	}
}
