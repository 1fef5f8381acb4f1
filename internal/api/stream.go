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

	"github.com/uselamina/lamina/internal/api/loose"
)

// maxEvent is the largest size of a server-sent event in bytes. An event contains a whole run.
const maxEvent = 4 << 20

// silenceTimeout is the longest time without data before a stream is closed. The service sends a ping every 15 seconds.
const silenceTimeout = 45 * time.Second

// errSilence is the cause of a stream that was closed after silenceTimeout.
var errSilence = errors.New("no data from the event stream for 45 seconds")

// errStreamEnded means that the service closed a stream, or reached its time limit, before the run ended.
var errStreamEnded = errors.New("the event stream ended before the run")

// A RunUpdate is a state of a run with its JSON.
type RunUpdate struct {
	Run Run
	Raw json.RawMessage
}

// StreamRun returns the states of a run as the service sends them (server-sent events), the final state last. An error at the
// end of the sequence is one of the stream, not of the run.
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
	Type string // may be empty
	Data string

	response *http.Response
}

// Events sends a call once and returns the events of its response as they arrive. The sequence ends without an error when the
// service closes the stream; only an end marker in the events, if the service has one, distinguishes a complete stream. The
// errors are those of Do. A response that is not a stream is an *Error or an *UnexpectedError, depending on its body.
func (c *Client) Events(ctx context.Context, req Call) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := c.paced(ctx); err != nil {
			yield(Event{}, err)
			return
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		watchdog := time.AfterFunc(silenceTimeout, func() { cancel(errSilence) })
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
		body := &watchedReader{resp.Body, func() { watchdog.Reset(silenceTimeout) }}
		for event, err := range sse.Read(body, &sse.ReadConfig{MaxEventSize: maxEvent}) {
			watchdog.Stop()
			if err != nil {
				yield(Event{}, cutOff(ctx, c.BaseURL, fmt.Errorf("the event stream was cut off: %w", err)))
				return
			}
			if !yield(Event{Type: event.Type, Data: event.Data, response: resp}, nil) {
				return
			}
			watchdog.Reset(silenceTimeout) // time for the caller does not count
		}
	}
}

// A watchedReader calls onData for all data, including comments in an event stream.
type watchedReader struct {
	io.Reader
	onData func()
}

func (r *watchedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.onData()
	}
	return n, err
}

// noStream returns the error of a successful response that is not an event stream. Some services send errors in this way.
func (c *Client) noStream(req Call, resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if e, hasForm := c.ReadRefusal(req, resp.StatusCode, resp.Header, raw); err == nil && hasForm {
		return e
	}
	return notJSON(req, resp, raw)
}

// streamError returns the error of an event that is not a run.
func streamError(req Call, resp *http.Response, err error) error {
	if errors.Is(err, errStreamEnded) {
		return err
	}
	return &UnexpectedError{
		Method: req.Method, Path: req.Path, Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"),
		Reason: "an event of the stream is not a run", Err: err,
	}
}

// parseEvent returns the run in an event, which may be in an envelope, and whether the event contains one. The error is
// errStreamEnded if the event announces the end of the stream, and another one if the run is invalid.
func parseEvent(kind, data string) (RunUpdate, bool, error) {
	switch kind {
	case "progress", "complete", "error":
	case "timeout":
		return RunUpdate{}, false, errStreamEnded
	default: // a ping, or a type of a newer service
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
	if err := loose.Decode(raw, &run); err != nil {
		return RunUpdate{}, false, err
	}
	if run.Status == "" {
		return RunUpdate{}, false, errors.New("it has no status")
	}
	run.normalize()
	return RunUpdate{Run: run, Raw: raw}, true, nil
}
