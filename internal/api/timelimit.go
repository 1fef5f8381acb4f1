package api

import (
	"cmp"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// slowEndpoints are the endpoints that respond late by their nature, with the time that a request may take.
var slowEndpoints = []struct {
	method, pattern string // the pattern is one of path.Match
	limit           func(query url.Values) time.Duration
}{
	{http.MethodGet, "/v1/runs/*/wait", func(query url.Values) time.Duration {
		seconds, err := strconv.Atoi(query.Get("timeout"))
		if err != nil || seconds <= 0 {
			seconds = 60 // the default of the service
		}
		return time.Duration(min(seconds, maxWait))*time.Second + 15*time.Second
	}},
	{http.MethodPost, "/v1/runs/*/feedback", minutes(10)}, // steps run again before the response
	{http.MethodPost, "/v1/content/*", minutes(2)},        // a language model plans
}

// maxWait is the greatest number of seconds that the service waits for a run in one request.
const maxWait = 120

func minutes(n time.Duration) func(url.Values) time.Duration {
	return func(url.Values) time.Duration { return n * time.Minute }
}

// timeLimit returns the time that one request of a call may take.
func (c *Client) timeLimit(req Call) time.Duration {
	if req.Timeout != 0 {
		return req.Timeout
	}
	limit := cmp.Or(c.Timeout, 30*time.Second)
	bare, inPath, _ := strings.Cut(req.Path, "?")
	for _, e := range slowEndpoints {
		if ok, _ := path.Match(e.pattern, bare); !ok || req.Method != e.method {
			continue
		}
		query := req.Query
		if inPath != "" {
			query, _ = url.ParseQuery(inPath) // what is not a query has no timeout
		}
		limit = max(limit, e.limit(query))
	}
	return limit
}
