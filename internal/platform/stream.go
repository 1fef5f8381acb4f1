package platform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// How long a stream of events lasts, and how often it says that it is alive.
const (
	streamLife = 10 * time.Minute
	pingEvery  = 15 * time.Second
)

// startEvents begins an answer of server-sent events. What it returns flushes each of them.
func startEvents(w http.ResponseWriter) *http.ResponseController {
	ctl := http.NewResponseController(w)
	_ = ctl.SetWriteDeadline(time.Time{}) // a stream outlives the server's usual limit, where it has one
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	return ctl
}

// streamRun sends a run as server-sent events: progress at each change, and one last event at its end.
func (s *Server) streamRun(w http.ResponseWriter, r *http.Request, p principal) error {
	if _, err := s.findRun(r, p); err != nil {
		return err
	}
	ctl := startEvents(w)
	over, ping := s.timing.after(streamLife), s.timing.after(pingEvery)
	var sent []byte
	for {
		changed := s.runsChanged.next()
		found, err := s.findRun(r, p)
		if err != nil {
			return nil //nolint:nilerr // the answer has begun: to end it is all that is left
		}
		state, err := json.Marshal(found.Run)
		if err != nil {
			return err
		}
		if !bytes.Equal(state, sent) {
			sendEvent(w, ctl, eventName(found.Status), state)
			sent = state
		}
		if found.Status.Final() {
			return nil
		}
		select {
		case <-changed:
		case <-ping:
			sendEvent(w, ctl, "ping", strconv.AppendInt(nil, s.now().UnixMilli(), 10))
			ping = s.timing.after(pingEvery)
		case <-over:
			sendEvent(w, ctl, "timeout", []byte(`{"message":"The stream has reached ten minutes; the run goes on"}`))
			return nil
		case <-r.Context().Done():
			return nil
		case <-s.done:
			return nil
		}
	}
}

func eventName(status api.Status) string {
	switch status {
	case api.Completed:
		return "complete"
	case api.Failed, api.Cancelled:
		return "error"
	default:
		return "progress"
	}
}

// sendEvent sends one event, whose data is one line. A client that has gone is noticed by its context.
func sendEvent(w http.ResponseWriter, ctl *http.ResponseController, name string, data []byte) {
	_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, data)
	_ = ctl.Flush()
}
