package wire

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A Query reads the query parameters of a request and collects the mistakes in them.
type Query struct {
	r        *http.Request
	problems []Problem
}

// NewQuery returns the query of a request.
func NewQuery(r *http.Request) *Query { return &Query{r: r} }

func (q *Query) addProblem(field, message string, allowed ...string) {
	q.problems = append(q.problems, Problem{Field: field, Message: message, Allowed: allowed})
}

// Number returns a whole number between two bounds, or fallback if the parameter is missing.
func (q *Query) Number(name string, fallback, least, most int) int {
	text := q.r.URL.Query().Get(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		q.addProblem(name, "must be a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most))
		return fallback
	}
	return n
}

// Choice returns one of the allowed values, or "".
func (q *Query) Choice(name string, allowed ...string) string {
	text := q.r.URL.Query().Get(name)
	if text != "" && !slices.Contains(allowed, text) {
		q.addProblem(name, "is none of the known values", allowed...)
	}
	return text
}

// Time returns a time in ISO 8601, or the zero time if the parameter is missing. A date without a time is its first
// moment in UTC.
func (q *Query) Time(name string) time.Time {
	text := q.r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	q.addProblem(name, "must be a time in ISO 8601, as 2026-01-31T12:00:00Z")
	return time.Time{}
}

// Err returns a refusal with all mistakes, or nil.
func (q *Query) Err() error {
	if len(q.problems) == 0 {
		return nil
	}
	return Invalid("Invalid query parameters", q.problems...)
}
