// Package lamina serves the Lamina API of the local platform below /v1: apps, runs with their workers, assets and webhook
// deliveries. It also serves the files of assets below /media.
package lamina

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// Service is the name of the service in the platform.
const Service = "lamina"

// KeyType describes the API keys of Lamina.
func KeyType() wire.KeyType {
	return wire.KeyType{
		Service: Service, Title: "Lamina", Prefixes: map[string]string{"": "lma_"}, OwnerIs: "workspace",
		Owner: wire.SampleWorkspaces()[0].ID, Owners: wire.WorkspaceIDs,
	}
}

// Options configure the API.
type Options struct {
	// RateLimit is the number of requests to /v1 in a minute for each address. Below 0 there is no limit.
	RateLimit int
	// AccessToken returns the principal of an OAuth access token.
	AccessToken func(token string) (wire.Principal, bool)
	// Capacity is the number of runs that may be queued or running.
	Capacity int
	// HonourKeys makes a start with a known Idempotency-Key answer with the first run.
	HonourKeys bool
}

// A Server is the Lamina API with its workers.
type Server struct {
	wire.Deps
	opts    Options
	limiter wire.Limiter
	files   *wire.Files
	index   *runIndex
	handler http.Handler

	signingKey ed25519.PrivateKey // of webhook deliveries

	loopback *http.Client // fetches inputs of apps
	webhooks *http.Client // sends webhook deliveries

	runsChanged   signal // a run has changed
	queueChanged  signal // a run was added to the queue
	outboxChanged signal // a delivery may have been added to the outbox
	claimed       struct {
		sync.Mutex
		runs map[string]context.CancelFunc // id of a run that a worker has → cancels its work
	}

	done    <-chan struct{}    // closed when the workers have to end
	stop    context.CancelFunc // ends the workers
	workers sync.WaitGroup
}

// New returns the API. Start starts its workers.
func New(deps wire.Deps, opts Options) (*Server, error) {
	files, err := wire.OpenFiles(deps.Store, maxFilesMemory)
	if err != nil {
		return nil, err
	}
	s := &Server{Deps: deps, opts: opts, files: files, index: newRunIndex(), loopback: newLoopbackClient(), webhooks: newWebhookClient()}
	err = deps.Store.Update(func(tx *wire.Tx) error {
		s.signingKey = wire.WebhookKey(tx)
		s.index.load(tx)
		return nil
	})
	if err := errors.Join(err, s.sweepFiles()); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	s.addRoutes(mux)
	s.addPublishingRoutes(mux)
	s.addFileRoutes(mux)
	mux.HandleFunc("/dev/runs", s.ByMethod(map[string]wire.Handler{"GET": s.listStored}))
	mux.HandleFunc("/dev/credits", s.ByMethod(map[string]wire.Handler{"POST": wire.SameOrigin(s.addCredits)}))
	s.handler = mux
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// A handler answers a request of a known principal.
type handler func(w http.ResponseWriter, r *http.Request, p wire.Principal) error

func (s *Server) addRoutes(mux *http.ServeMux) {
	for pattern, methods := range map[string]map[string]handler{
		"/v1/account":               {"GET": s.getAccount},
		"/v1/account/usage":         {"GET": s.getUsage},
		"/v1/apps":                  {"GET": requireScope(wire.ScopeRead, s.listApps)},
		"/v1/apps/discover":         {"POST": requireScope(wire.ScopeRead, s.discoverApps)},
		"/v1/apps/{appId}":          {"GET": requireScope(wire.ScopeRead, s.getApp)},
		"/v1/apps/{appId}/workflow": {"GET": requireScope(wire.ScopeRead, s.getWorkflow)},
		"/v1/apps/{appId}/estimate": {"POST": requireScope(wire.ScopeRead, s.estimate)},
		"/v1/apps/{appId}/runs":     {"POST": requireScope(wire.ScopeWrite, s.startRun)},
		"/v1/runs":                  {"GET": requireScope(wire.ScopeRead, s.listRuns)},
		"/v1/runs/{runId}":          {"GET": requireScope(wire.ScopeRead, s.getFamily(familyApps))},
		"/v1/runs/{runId}/wait":     {"GET": requireScope(wire.ScopeRead, s.waitForRun)},
		"/v1/runs/{runId}/stream":   {"GET": requireScope(wire.ScopeRead, s.streamRun)},
		"/v1/runs/{runId}/cancel":   {"POST": requireScope(wire.ScopeWrite, s.cancelRun)},
		"/v1/assets":                {"GET": requireScope(wire.ScopeRead, s.listAssets)},
		"/v1/assets/upload-urls":    {"POST": requireScope(wire.ScopeWrite, s.createUploads)},
		"/v1/webhooks/signing-key":  {"GET": s.getSigningKeys},

		"/v1/runs/{runId}/feedback":    {"POST": requireScope(wire.ScopeWrite, s.sendFeedback)},
		"/v1/models/{model}":           {"GET": requireScope(wire.ScopeRead, s.getModels)},
		"/v1/models/{model}/{modelId}": {"GET": requireScope(wire.ScopeRead, s.getModel)},
		"/v1/generate/image":           {"POST": requireScope(wire.ScopeWrite, s.generate("image"))},
		"/v1/generate/video":           {"POST": requireScope(wire.ScopeWrite, s.generate("video"))},
		"/v1/generate/runs/{runId}":    {"GET": requireScope(wire.ScopeRead, s.getFamily(familyGenerate))},
		"/v1/freestyle/{runId}":        {"GET": requireScope(wire.ScopeRead, s.getFamily(familyFreestyle))},
	} {
		mux.HandleFunc(pattern, s.authorized(methods))
	}
	s.addContentRoutes(mux)
	mux.HandleFunc("/v1/", s.Answer(func(w http.ResponseWriter, r *http.Request) error {
		if err := s.countRequest(w, r); err != nil {
			return err
		}
		return wire.NotFound("Endpoint not found")
	}))
}

// authorized returns a handler for an address. It checks the rate limit, the method and the credential, in this order.
func (s *Server) authorized(methods map[string]handler) http.HandlerFunc {
	return s.Answer(func(w http.ResponseWriter, r *http.Request) error {
		if err := s.countRequest(w, r); err != nil {
			return err
		}
		h, err := wire.ChooseMethod(w, r, methods)
		if err != nil {
			return err
		}
		p, err := s.authenticate(r)
		if err != nil {
			return err
		}
		return h(w, r, p)
	})
}

// requireScope returns a handler that refuses a principal without a scope.
func requireScope(scope string, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
		if !p.HasScope(scope) {
			return wire.Forbidden("This sign-in does not have the scope " + scope + ": sign in again and allow it")
		}
		return h(w, r, p)
	}
}

// authenticate returns the principal of a request, from x-api-key or else from a bearer token.
func (s *Server) authenticate(r *http.Request) (wire.Principal, error) {
	unauthorized := func(code, message string) error {
		return &wire.Error{Status: http.StatusUnauthorized, Code: code, Message: message}
	}
	token := r.Header.Get("X-Api-Key")
	if token == "" {
		token = wire.BearerToken(r)
	}
	if token == "" {
		return wire.Principal{}, unauthorized("AUTH_MISSING_KEY", "Missing API key")
	}
	p, ok := s.principal(token)
	var exists bool
	s.Store.View(func(tx *wire.Tx) { exists = p.Exists(tx) })
	switch workspace := r.Header.Get("X-Workspace-Id"); {
	case !ok:
		return p, unauthorized("AUTH_INVALID_KEY", "Invalid API key")
	case !exists:
		return p, unauthorized("AUTH_INVALID_CONTEXT", "API key has no workspace or user")
	case workspace != "" && workspace != p.WorkspaceID:
		return p, wire.Forbidden("Workspace header does not match API key workspace scope")
	}
	return p, nil
}

// principal returns the principal of an API key or an access token.
func (s *Server) principal(token string) (wire.Principal, bool) {
	if key, ok := s.Keys.Find(Service, token); ok {
		return wire.Principal{UserID: wire.SampleUser().ID, WorkspaceID: key.Owner}, key.RevokedAt == nil
	}
	return s.opts.AccessToken(token)
}

// countRequest counts a request against the limit of its address, sets the headers of the limit, and refuses a request
// above the limit.
func (s *Server) countRequest(w http.ResponseWriter, r *http.Request) error {
	if s.opts.RateLimit < 0 {
		return nil
	}
	count := s.limiter.Count(wire.ClientAddress(r), s.opts.RateLimit, s.Clock.Now())
	h := w.Header()
	h.Set("RateLimit-Limit", strconv.Itoa(count.Limit))
	h.Set("RateLimit-Remaining", strconv.Itoa(count.Remaining()))
	h.Set("RateLimit-Reset", strconv.Itoa(count.Seconds()))
	if !count.Exceeded() {
		return nil
	}
	h.Set("Retry-After", strconv.Itoa(count.Seconds()))
	return &wire.Error{
		Status: http.StatusTooManyRequests, Code: "RATE_LIMITED", Message: "Too many requests from this address",
		RetryAfter: count.Seconds(),
	}
}

// An envelope is the form of a successful answer.
type envelope struct {
	Data       any             `json:"data"`
	Pagination *api.Pagination `json:"pagination,omitempty"`
	Timeout    *bool           `json:"timeout,omitempty"`
}

// page returns at most limit of the values, from offset on.
func page[T any](all []T, limit, offset int) []T {
	all = all[min(offset, len(all)):]
	return all[:min(limit, len(all))]
}

func writePage(w http.ResponseWriter, data any, total, limit, offset int) {
	wire.WriteJSON(w, http.StatusOK, envelope{Data: data, Pagination: &api.Pagination{Total: total, Limit: limit, Offset: offset}})
}

// RedactPath returns a path without the secret in the address of a file. A client that knows the address may read the file
// or upload it.
func RedactPath(path string) string {
	switch name, isFile := strings.CutPrefix(path, "/media/"); {
	case strings.HasPrefix(name, "uploads/"):
		return "/media/uploads/***"
	case isFile:
		return "/media/***"
	default:
		return path
	}
}
