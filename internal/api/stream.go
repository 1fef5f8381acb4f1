package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/tmaxmax/go-sse"
)

// maxEvent bounds one server-sent event; an event holds a whole run.
const maxEvent = 4 << 20

// silence is how long a stream may say nothing, pings included (about every 15 s), before it counts as dead.
const silence = 45 * time.Second

// errSilent is why a silent stream is given up.
var errSilent = errors.New("the event stream fell silent")

// errStreamEnded means that the service closed a stream, or let it reach its limit, before the run was final.
var errStreamEnded = errors.New("the event stream ended before the run did")

// A RunUpdate is a run's state with its JSON as it came.
type RunUpdate struct {
	Run Run
	Raw json.RawMessage
}

// StreamRun returns the states of a run as the service sends them (server-sent events), the final one last. A
// sequence that ends with an error says nothing of the run itself.
func (c *Client) StreamRun(ctx context.Context, runID string) iter.Seq2[RunUpdate, error] {
	return func(yield func(RunUpdate, error) bool) {
		req := Call{Method: http.MethodGet, Path: runPath(runID) + "/stream"}
		for event, err := range c.Events(ctx, req) {
			if err != nil {
				yield(RunUpdate{}, err)
				return
			}
			update, isRun, err := parseEvent(event.Type, event.Data)
			if err != nil {
				yield(RunUpdate{}, streamError(req, event.response, err))
				return
			}
			if isRun && (!yield(update, nil) || update.Run.Status.Final()) {
				return
			}
		}
		yield(RunUpdate{}, errStreamEnded)
	}
}

// An Event is one server-sent event.
type Event struct {
	Type string // empty where the service names none
	Data string

	response *http.Response
}

// Events sends a call once and returns the events of the answer as they come. The sequence ends without an error where the
// service closes the stream; a service that has an end marker tells a whole stream from a cut one by it. Errors are those of
// Do; an answer that is no stream is the refusal or the *UnexpectedError that its body makes it.
func (c *Client) Events(ctx context.Context, req Call) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		watchdog := time.AfterFunc(silence, func() { cancel(errSilent) })
		defer watchdog.Stop()
		req.Accept = "text/event-stream"
		resp, err := c.send(ctx, req)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer resp.Body.Close()
		if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
			yield(Event{}, c.noStream(req, resp))
			return
		}
		body := &lively{resp.Body, func() { watchdog.Reset(silence) }}
		for event, err := range sse.Read(body, &sse.ReadConfig{MaxEventSize: maxEvent}) {
			watchdog.Stop()
			if err != nil {
				yield(Event{}, cutOff(ctx, c.BaseURL, fmt.Errorf("the event stream broke: %w", err)))
				return
			}
			if !yield(Event{Type: event.Type, Data: event.Data, response: resp}, nil) {
				return
			}
			watchdog.Reset(silence) // the time that the caller took does not count
		}
	}
}

// A lively reader tells of every sign of life, comments in an event stream included.
type lively struct {
	io.Reader
	alive func()
}

func (l *lively) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if n > 0 {
		l.alive()
	}
	return n, err
}

// noStream is the error of an answer with a good status that is no event stream: services tell some refusals so.
func (c *Client) noStream(req Call, resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	e := &Error{Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"), Method: req.Method, Path: req.Path}
	if err == nil && c.ReadRefusal != nil && c.ReadRefusal(e, resp.Header, raw) {
		return e
	}
	return notJSON(req, resp, raw)
}

func streamError(req Call, resp *http.Response, err error) error {
	if errors.Is(err, errStreamEnded) {
		return err
	}
	return &UnexpectedError{
		Method: req.Method, Path: req.Path, Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"),
		Reason: "an event of the stream is not a run", Err: err,
	}
}

// parseEvent reads one event, and reports whether it holds a run. The run may be in an envelope or not. The error is
// errStreamEnded if the service announces the end, and any other if an event that should hold a run does not.
func parseEvent(kind, data string) (RunUpdate, bool, error) {
	switch kind {
	case "progress", "complete", "error":
	case "timeout":
		return RunUpdate{}, false, errStreamEnded
	default: // ping, and whatever may come
		return RunUpdate{}, false, nil
	}
	raw := json.RawMessage(data)
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(raw, &envelope) == nil && len(envelope.Data) > 0 {
		raw = envelope.Data
	}
	var run Run
	if err := json.Unmarshal(raw, &run); err != nil {
		return RunUpdate{}, false, err
	}
	if run.Status == "" {
		return RunUpdate{}, false, errors.New("it has no status")
	}
	run.normalize()
	return RunUpdate{Run: run, Raw: raw}, true, nil
}
