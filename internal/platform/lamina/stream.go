package lamina

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// The longest duration of a stream, and the interval of its pings.
const (
	streamTTL = 10 * time.Minute
	pingEvery = 15 * time.Second
)

// streamRun sends a run as server-sent events: one at each change, and a last one at its end.
func (s *Server) streamRun(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	if _, err := s.findRun(r, p); err != nil {
		return err
	}
	ctl := wire.StartEvents(w)
	timeout, ping := s.Timing.After(streamTTL), s.Timing.After(pingEvery)
	var sent []byte
	for {
		changed := s.runsChanged.next()
		found, err := s.findRun(r, p)
		if err != nil {
			return nil //nolint:nilerr // the answer has begun and can only end
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
			sendEvent(w, ctl, "ping", strconv.AppendInt(nil, s.Clock.Now().UnixMilli(), 10))
			ping = s.Timing.After(pingEvery)
		case <-timeout:
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

// sendEvent sends one event with one line of data. A disconnected client is noticed by its context.
func sendEvent(w http.ResponseWriter, ctl *http.ResponseController, name string, data []byte) {
	_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, data)
	_ = ctl.Flush()
}
