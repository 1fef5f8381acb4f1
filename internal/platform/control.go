package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"sync/atomic"
	"time"
)

// control is what tests can see and do below /dev: the requests that were received, planned faults, and the clock. It
// is in memory only. Keys, which are state of the platform, have their controls in control_keys.go.
type control struct {
	requests requestLog
	faults   faultPlans
	clock    movedClock
}

// Bounds of the clock: one step and all steps together. The sum stays far from where a time.Duration ends.
const (
	maxClockStep   = 10 * 365 * 24 * time.Hour
	maxClockOffset = 10 * maxClockStep
)

// A movedClock is how far tests have moved the platform's clock ahead.
type movedClock struct{ ahead atomic.Int64 }

func (c *movedClock) offset() time.Duration { return time.Duration(c.ahead.Load()) }

// advance moves the clock ahead and reports whether it stays within its bounds.
func (c *movedClock) advance(by time.Duration) bool {
	for {
		was := c.ahead.Load()
		if time.Duration(was)+by > maxClockOffset {
			return false
		}
		if c.ahead.CompareAndSwap(was, was+int64(by)) {
			return true
		}
	}
}

// routeControl adds the addresses below /dev.
func (s *Server) routeControl(mux *http.ServeMux) {
	for pattern, methods := range map[string]map[string]anonymous{
		"/dev/requests": {"GET": s.listRequests, "DELETE": ownOnly(s.forgetRequests)},
		"/dev/faults":   {"GET": s.listFaults, "POST": ownOnly(s.planFault), "DELETE": ownOnly(s.forgetFaults)},
		"/dev/clock":    {"GET": s.showClock, "POST": ownOnly(s.advanceClock)},
		"/dev/laghav":   {"GET": s.showLaghav, "POST": ownOnly(s.changeLaghav)},

		"/dev/keys":        {"GET": s.listKeys, "POST": ownOnly(s.makeKey)},
		"/dev/keys/{id}":   {"DELETE": ownOnly(s.revokeKey)},
		"/dev/keys/make":   {"POST": s.makeKeyOnPage},
		"/dev/keys/revoke": {"POST": s.revokeKeyOnPage},
	} {
		mux.HandleFunc(pattern, s.open(methods))
	}
}

func (s *Server) listRequests(w http.ResponseWriter, _ *http.Request) error {
	return writeData(w, http.StatusOK, s.control.requests.list())
}

func (s *Server) forgetRequests(w http.ResponseWriter, _ *http.Request) error {
	s.control.requests.clear()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) listFaults(w http.ResponseWriter, _ *http.Request) error {
	return writeData(w, http.StatusOK, s.control.faults.list())
}

func (s *Server) forgetFaults(w http.ResponseWriter, _ *http.Request) error {
	s.control.faults.clear()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// showClock says what time it is here, and by how much the clock was moved.
func (s *Server) showClock(w http.ResponseWriter, _ *http.Request) error {
	return writeData(w, http.StatusOK, map[string]any{"now": s.now(), "offset": s.control.clock.offset().String()})
}

func (s *Server) advanceClock(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Advance string `json:"advance"`
	}
	if err := decodeStrictly(w, r, &body); err != nil {
		return err
	}
	by, err := time.ParseDuration(body.Advance)
	if err != nil || by <= 0 || by > maxClockStep {
		return invalid(`"advance" must be a duration above 0 and up to 87600h, like "90s" or "720h"`)
	}
	if !s.control.clock.advance(by) {
		return invalid("The clock cannot be moved that far; restart the platform to set it back")
	}
	return s.showClock(w, r)
}

// ownOnly refuses what a browser sends for a page of another origin. A JSON body cannot be sent across origins without
// being asked for first, so its type is checked, too; a request without a body has none.
func ownOnly(next anonymous) anonymous {
	return func(w http.ResponseWriter, r *http.Request) error {
		if http.NewCrossOriginProtection().Check(r) != nil {
			return forbidden("Pages of other origins may not control the platform")
		}
		mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if mediaType != "application/json" && (r.Method == http.MethodPost || r.ContentLength != 0) {
			return &apiError{
				status: http.StatusUnsupportedMediaType, code: "VALIDATION_ERROR", message: "Send the body as application/json",
			}
		}
		return next(w, r)
	}
}

// decodeStrictly reads a JSON body that holds nothing but what is known.
func decodeStrictly(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxJSONBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("there is more than one JSON value")
	}
	if err != nil {
		return invalid(fmt.Sprintf("The body cannot be used: %v", err))
	}
	return nil
}
