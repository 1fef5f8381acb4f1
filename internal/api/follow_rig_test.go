package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
)

// state returns a run as JSON.
func state(status string, percent int) string {
	return fmt.Sprintf(`{"runId":"r1","workflowId":"w1","status":%q,"outputs":[],"createdAt":"2026-04-11T08:00:00Z",`+
		`"progress":{"totalOutputs":1,"completedOutputs":0,"failedOutputs":0,"percentComplete":%d}}`, status, percent)
}

func enveloped(run string) string { return `{"data":` + run + `}` }

// A service has responses for each of the three methods. It gives them in turn and repeats the last one.
type service struct {
	stream, wait, poll []func(http.ResponseWriter, *http.Request)

	mu    sync.Mutex
	calls []string // names of the methods
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/runs/") { // the addresses of other families
		reply(w, 404, `{"error":"Run not found","code":"NOT_FOUND"}`)
		return
	}
	name, answers := "poll", s.poll
	switch path.Base(r.URL.Path) {
	case "stream":
		name, answers = "stream", s.stream
	case "wait":
		name, answers = "wait", s.wait
	}
	s.mu.Lock()
	n := 0
	for _, c := range s.calls {
		if c == name {
			n++
		}
	}
	s.calls = append(s.calls, name)
	s.mu.Unlock()
	if len(answers) == 0 {
		reply(w, 404, `{"error":"no such endpoint","code":"NOT_FOUND"}`)
		return
	}
	answers[min(n, len(answers)-1)](w, r)
}

// methods returns the names of the methods in the order of the requests.
func (s *service) methods() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.calls, " ")
}

type answers = []func(http.ResponseWriter, *http.Request)

// says returns a handler that writes a JSON response.
func says(status int, body string, headers ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body, headers...) }
}

// streams returns a handler that sends events and ends the stream.
func streams(events ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for _, e := range events {
			_, _ = io.WriteString(w, e)
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// streamsThenCuts returns a handler that sends events and closes the connection.
func streamsThenCuts(events ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		streams(events...)(w, r)
		cut(w)
	}
}

func event(kind, data string) string { return "event: " + kind + "\ndata: " + data + "\n\n" }

// An outcome is the result of FollowRun with its calls of Update and OnFault.
type outcome struct {
	run     RunUpdate
	err     error
	updates []string
	faults  []error
}

func followRun(ctx context.Context, c *Client, f Follow) outcome {
	var o outcome
	f.Update = func(u RunUpdate) {
		percent := -1.0
		if u.Run.Progress != nil {
			percent = *u.Run.Progress.PercentComplete
		}
		o.updates = append(o.updates, fmt.Sprintf("%s %.0f", u.Run.Status, percent))
	}
	f.OnFault = func(err error) { o.faults = append(o.faults, err) }
	o.run, o.err = c.FollowRun(ctx, "r1", f)
	return o
}
