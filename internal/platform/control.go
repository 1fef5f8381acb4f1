package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// control is what tests can see and do below /dev: the requests that were received, planned faults, and the clock. It
// is in memory only.
type control struct {
	requests requestLog
	faults   faultPlans
	clock    movedClock
}

// maxControlBody is the largest body, in bytes, that is read below /dev.
const maxControlBody = 1 << 20

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

func (s *Server) routeControl(mux *http.ServeMux) {
	mux.HandleFunc("GET /dev/requests", func(w http.ResponseWriter, _ *http.Request) {
		writeControl(w, http.StatusOK, s.control.requests.list())
	})
	mux.HandleFunc("DELETE /dev/requests", ownOnly(func(w http.ResponseWriter, _ *http.Request) {
		s.control.requests.clear()
		w.WriteHeader(http.StatusNoContent)
	}))
	mux.HandleFunc("GET /dev/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeControl(w, http.StatusOK, s.control.faults.list())
	})
	mux.HandleFunc("POST /dev/faults", ownOnly(s.planFault))
	mux.HandleFunc("DELETE /dev/faults", ownOnly(func(w http.ResponseWriter, _ *http.Request) {
		s.control.faults.clear()
		w.WriteHeader(http.StatusNoContent)
	}))
	mux.HandleFunc("GET /dev/clock", s.showClock)
	mux.HandleFunc("POST /dev/clock", ownOnly(s.advanceClock))
}

// showClock says what time it is here, and by how much the clock was moved.
func (s *Server) showClock(w http.ResponseWriter, _ *http.Request) {
	writeControl(w, http.StatusOK, map[string]any{"now": s.now(), "offset": s.control.clock.offset().String()})
}

func (s *Server) advanceClock(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Advance string `json:"advance"`
	}
	if !readControl(w, r, &body) {
		return
	}
	by, err := time.ParseDuration(body.Advance)
	if err != nil || by <= 0 || by > maxClockStep {
		writeFailure(w, r, http.StatusBadRequest, `"advance" must be a duration above 0 and up to 87600h, like "90s" or "720h"`)
		return
	}
	if !s.control.clock.advance(by) {
		writeFailure(w, r, http.StatusBadRequest, "The clock cannot be moved that far; restart the platform to set it back")
		return
	}
	s.showClock(w, r)
}

// ownOnly refuses what a browser sends for a page of another origin. A JSON body cannot be sent across origins without
// being asked for first, so its type is checked, too; a request without a body has none.
func ownOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewCrossOriginProtection().Check(r); err != nil {
			writeFailure(w, r, http.StatusForbidden, "Pages of other origins may not control the platform")
			return
		}
		mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if mediaType != "application/json" && (r.Method == http.MethodPost || r.ContentLength != 0) {
			writeFailure(w, r, http.StatusUnsupportedMediaType, "Send the body as application/json")
			return
		}
		next(w, r)
	}
}

// readControl reads a JSON body strictly, or answers what is wrong with it.
func readControl(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("there is more than one JSON value")
	}
	if err != nil {
		writeFailure(w, r, http.StatusBadRequest, fmt.Sprintf("The body cannot be used: %v", err))
	}
	return err == nil
}

// writeControl answers with data in the envelope of the API.
func writeControl(w http.ResponseWriter, status int, data any) {
	writeOAuth(w, status, map[string]any{"data": data})
}

// writeFailure answers with an error in the envelope of the API.
func writeFailure(w http.ResponseWriter, r *http.Request, status int, text string) {
	writeOAuth(w, status, failure(r, status, text))
}

// failure is the error envelope of the API for a status.
func failure(r *http.Request, status int, text string) api.ErrorBody {
	code, retryable := codeOf(status)
	return api.ErrorBody{Error: text, Code: code, Retryable: retryable, RequestID: requestID(r.Context())}
}

// codeOf returns the API's error code that goes with a status, and whether trying again may help.
func codeOf(status int) (code string, retryable bool) {
	switch {
	case status == http.StatusUnauthorized:
		return "AUTH_INVALID_KEY", false
	case status == http.StatusForbidden || status == http.StatusMisdirectedRequest:
		return "FORBIDDEN", false
	case status == http.StatusNotFound:
		return "NOT_FOUND", false
	case status == http.StatusTooManyRequests:
		return "RATE_LIMITED", true
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return "RESOURCE_UNAVAILABLE", true
	case status >= http.StatusInternalServerError:
		return "INTERNAL_ERROR", true
	}
	return "VALIDATION_ERROR", false
}
