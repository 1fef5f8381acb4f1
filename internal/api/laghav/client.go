// Package laghav is the client of Laghav, a proxy that shortens prompts for language models. Its documentation does not specify
// the responses of /api/keys and /v1/playground and the end of a stream; the client accepts every plausible form.
package laghav

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// A Client calls Laghav. New returns one.
type Client struct{ api *api.Client }

// New returns a client that sends its calls with c. ReadRefusal of c must decode the errors of Laghav.
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

// The causes of errors that explain depends on. They are values of provider.Meaning.
const (
	causeQuota       = "quota"
	causeRateLimited = "rate-limited"
)

// explain adds the information in the fields of an error. The code RATE_LIMIT_EXCEEDED is used for three limits; only for the
// limit per minute a short wait helps.
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
	_ = loose.Unmarshal(body, &more) // the fields are optional
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
