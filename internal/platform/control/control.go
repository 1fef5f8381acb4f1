// Package control serves the controls of the local platform below /dev: the received requests, planned faults, the
// clock and API keys. Requests, faults and the offset of the clock are in memory only.
package control

import (
	"cmp"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// Options are what the controls need to know about the other servers.
type Options struct {
	// Latency is added to every answer.
	Latency time.Duration
	// Inspect returns the client id and the grant type of an OAuth request. It leaves the request as it is.
	Inspect func(r *http.Request) (clientID, grantType string)
	// GrantTypes are the grant types that a fault can select.
	GrantTypes []string
	// RedactPath returns a path without its secrets.
	RedactPath func(path string) string
}

// A Server serves the controls and applies planned faults to the other servers.
type Server struct {
	wire.Deps
	opts     Options
	requests requestLog
	faults   faultPlans
	forms    page.Forms
	handler  http.Handler
}

// New returns the controls below /dev.
func New(deps wire.Deps, opts Options) *Server {
	s := &Server{Deps: deps, opts: opts, forms: page.Forms{Secrets: deps.Secrets}}
	mux := http.NewServeMux()
	for pattern, methods := range map[string]map[string]wire.Handler{
		"/dev/requests": {"GET": s.listRequests, "DELETE": wire.SameOrigin(s.clearRequests)},
		"/dev/faults":   {"GET": s.listFaults, "POST": wire.SameOrigin(s.planFault), "DELETE": wire.SameOrigin(s.clearFaults)},
		"/dev/clock":    {"GET": s.showClock, "POST": wire.SameOrigin(s.advanceClock)},

		"/dev/webhooks/sign": {"POST": wire.SameOrigin(s.signDelivery)},

		"/dev/keys":        {"GET": s.listKeys, "POST": wire.SameOrigin(s.createKey)},
		"/dev/keys/{id}":   {"DELETE": wire.SameOrigin(s.revokeKey)},
		"/dev/keys/make":   {"POST": s.createKeyOnPage},
		"/dev/keys/revoke": {"POST": s.revokeKeyOnPage},
	} {
		mux.HandleFunc(pattern, s.ByMethod(methods))
	}
	s.handler = mux
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Watch wraps the handler of all servers: it records each request, adds the latency and applies planned faults. It
// leaves requests to the controls and the pages alone.
func (s *Server) Watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isControl(r.URL.Path) || isPage(r.URL.Path) || strings.HasPrefix(r.URL.Path, "/pages/") {
			next.ServeHTTP(w, r)
			return
		}
		clientID, grantType := s.opts.Inspect(r)
		s.requests.serve(w, r, receivedRequest{
			Method: wire.CleanText(r.Method, 32), Path: cut(s.opts.RedactPath(r.URL.Path), maxLoggedPath), GrantType: grantType, Time: s.Clock.Now(),
			RequestID: wire.RequestID(r.Context()), Client: wire.CleanText(cmp.Or(clientID, r.UserAgent()), 200),
		}, func(w http.ResponseWriter, r *http.Request) {
			pause(r.Context(), s.opts.Latency)
			if plan, ok := s.faults.take(r, grantType); ok {
				plan.serve(w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
}

// cut returns at most the first n bytes of a text.
func cut(text string, n int) string { return strings.ToValidUTF8(text[:min(n, len(text))], "") }

// isControl reports whether a path, in any spelling, is that of a control.
func isControl(p string) bool {
	p = path.Clean("/" + p)
	return p == "/dev" || strings.HasPrefix(p, "/dev/")
}

// isPage reports whether a path, in any spelling, is that of a page about the platform.
func isPage(p string) bool {
	p = path.Clean("/" + p)
	return p == "/" || p == "/settings" || strings.HasPrefix(p, "/apps/") || strings.HasPrefix(p, "/runs/")
}

func (s *Server) listRequests(w http.ResponseWriter, _ *http.Request) error {
	return wire.WriteData(w, http.StatusOK, s.requests.list())
}

func (s *Server) clearRequests(w http.ResponseWriter, _ *http.Request) error {
	s.requests.clear()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) listFaults(w http.ResponseWriter, _ *http.Request) error {
	return wire.WriteData(w, http.StatusOK, s.faults.list())
}

func (s *Server) clearFaults(w http.ResponseWriter, _ *http.Request) error {
	s.faults.clear()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// planFault answers POST /dev/faults with the plan.
func (s *Server) planFault(w http.ResponseWriter, r *http.Request) error {
	plan := faultPlan{Times: 1, Chance: 1}
	if err := wire.DecodeStrict(w, r, &plan); err != nil {
		return err
	}
	plan.ID, plan.Remaining = "flt_"+wire.RandomToken(9), plan.Times
	err := plan.check(s.opts.GrantTypes)
	if err == nil {
		err = s.faults.add(plan)
	}
	if err != nil {
		return wire.Invalid("The plan cannot be used: " + err.Error())
	}
	return wire.WriteData(w, http.StatusCreated, plan)
}

// showClock answers GET /dev/clock with the time on the platform's clock and the clock's offset.
func (s *Server) showClock(w http.ResponseWriter, _ *http.Request) error {
	return wire.WriteData(w, http.StatusOK, map[string]any{"now": s.Clock.Now(), "offset": s.Clock.Offset().String()})
}

func (s *Server) advanceClock(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Advance string `json:"advance"`
	}
	if err := wire.DecodeStrict(w, r, &body); err != nil {
		return err
	}
	by, err := time.ParseDuration(body.Advance)
	if err != nil || by <= 0 || by > wire.MaxClockStep {
		return wire.Invalid(`"advance" must be a duration above 0 and up to 87600h, like "90s" or "720h"`)
	}
	if !s.Clock.Advance(by) {
		return wire.Invalid("The clock cannot be moved that far; restart the platform to set it back")
	}
	return s.showClock(w, r)
}
