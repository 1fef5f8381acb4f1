package engine

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/provider"
)

// TestJudge: an error means Busy, Refused or Missing only if the start certainly had no effect.
func TestJudge(t *testing.T) {
	t.Parallel()
	refused := func(status int, code string) error {
		return &api.Error{Status: status, Code: code, Rule: provider.Lamina().Classify(status, code)}
	}
	tests := []struct {
		name string
		err  error
		want Meaning
	}{
		{"validation", refused(400, "VALIDATION_ERROR"), Refused},
		{"unprocessable", refused(422, ""), Refused},
		{"no such app", refused(404, "NOT_FOUND"), Missing},
		{"no credits", refused(402, ""), Fatal},
		{"no credential", refused(401, ""), Fatal},
		{"forbidden", refused(403, ""), Fatal},
		{"too many requests", refused(429, ""), Busy},
		{"unavailable", refused(503, ""), Busy},
		{"too early", refused(425, ""), Busy},
		{"internal error", refused(500, ""), Lost},
		{"bad gateway", refused(502, ""), Lost},
		{"gateway timeout", refused(504, ""), Lost},
		{"connection refused", &api.UnreachableError{Kind: api.Refused, Err: errors.New("x")}, Busy},
		{"unknown host", &api.UnreachableError{Kind: api.DNS, Err: errors.New("x")}, Busy},
		{"no trust", &api.UnreachableError{Kind: api.TLS, Err: errors.New("x")}, Fatal},
		{"cut", &api.UnreachableError{Kind: api.Cut, Err: errors.New("x")}, Lost},
		{"timeout", &api.UnreachableError{Kind: api.Timeout, Err: errors.New("x")}, Lost},
		{"interrupted", &api.UnreachableError{Kind: api.Interrupted, Err: errors.New("x")}, Lost},
		{"other", &api.UnreachableError{Kind: api.Other, Err: errors.New("x")}, Lost},
		{"garbage with 202", &api.UnexpectedError{Status: 202}, Lost},
		{"no run in the response", &api.UnexpectedError{}, Lost},
		{"page with 502", &api.UnexpectedError{Status: 502}, Lost},
		{"page with 503", &api.UnexpectedError{Status: 503}, Busy},
		{"redirect", &api.UnexpectedError{Status: 302}, Fatal},
		{"wrapped", fmt.Errorf("start: %w", refused(429, "")), Busy},
		{"no credential to send", errors.New("keyring"), Fatal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Judge(tt.err).Meaning; got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// TestClock: times of the service never go back within an hour, and a clock of this machine that is wrong does no harm.
func TestClock(t *testing.T) {
	t.Parallel()
	var c Clock
	date := time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC)
	header := func(at time.Time) map[string][]string {
		return map[string][]string{"Date": {at.Format("Mon, 02 Jan 2006 15:04:05 GMT")}}
	}
	c.observe(header(date))
	if got := c.Now(); got.Before(date) || got.Sub(date) > time.Minute {
		t.Errorf("got %s, want about %s", got, date)
	}
	before := c.Now()
	c.observe(header(date.Add(-30 * time.Second)))
	if got := c.Now(); got.Before(before) {
		t.Errorf("the clock went back from %s to %s", before, got)
	}
	c.observe(header(date.Add(time.Hour)))
	if got := c.Now(); got.Before(date.Add(time.Hour)) {
		t.Errorf("got %s after the service said %s", got, date.Add(time.Hour))
	}
	c.observe(map[string][]string{"Date": {"yesterday"}})
	if got := c.Now(); got.Before(date.Add(time.Hour)) {
		t.Errorf("an invalid header set the clock to %s", got)
	}
}
