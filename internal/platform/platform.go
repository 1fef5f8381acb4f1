// Package platform is a local Lamina: an OAuth 2.0 authorization server, the /v1 API with small apps that make real
// files, assets, webhooks, and controls for tests, as one http.Handler. It is the far end of this project's tests and
// of its users' tests, and knows nothing of the client.
package platform

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Options say how a platform behaves. The zero value is usable.
type Options struct {
	// BaseURL is where the platform is reached, as http://host:port without a slash at its end. It is needed for the
	// OAuth issuer and for the addresses of assets.
	BaseURL string
	// AutoApprove answers for the person: authorization and device requests are approved at once.
	AutoApprove bool
	// AccessTokenTTL is how long an access token lives; 0 means one hour.
	AccessTokenTTL time.Duration
	// RefreshTokenTTL is how long a refresh token lives from its last use; 0 means 30 days.
	RefreshTokenTTL time.Duration
	// DeviceInterval is how long a client of the device flow has to wait between polls, in whole seconds; 0 means 5 s.
	DeviceInterval time.Duration
	// RateLimit is how many requests to /v1 one address may make in a minute; 0 means 100, less than 0 no limit.
	RateLimit int
	// Latency is added to every answer.
	Latency time.Duration
	// DataFile keeps the state, with the bytes of assets, across restarts; empty means memory only.
	DataFile string
	// Log is told what went wrong on the platform; nil means nobody. What it is told holds no secrets, but text from
	// outside, so its handler has to escape control characters, like those of log/slog.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	timing *timing // nil: realTiming
}

// A Server is a running platform. Make one with New.
type Server struct {
	opts    Options
	store   *store
	hmacKey []byte
	handler http.Handler
	control control
	timing  timing
	limiter limiter
	log     *slog.Logger
	media   *media

	loopback *http.Client // fetches inputs of apps
	webhooks *http.Client // makes deliveries

	runsChanged   signal // a run has changed
	queueChanged  signal // a run has been added to the queue
	outboxChanged signal // a delivery may have been added to the outbox
	claimed       struct {
		sync.Mutex
		runs map[string]context.CancelFunc // by the id of a run that a worker has: ends the work
	}

	done    <-chan struct{}    // closed when the workers are to end
	stop    context.CancelFunc // ends the workers
	workers sync.WaitGroup
}

// New opens the state, starts the workers and returns a platform that is ready to serve.
func New(opts Options) (*Server, error) {
	if opts.AccessTokenTTL == 0 {
		opts.AccessTokenTTL = time.Hour
	}
	if opts.RefreshTokenTTL == 0 {
		opts.RefreshTokenTTL = 30 * 24 * time.Hour
	}
	if opts.DeviceInterval == 0 {
		opts.DeviceInterval = 5 * time.Second
	}
	if opts.RateLimit == 0 {
		opts.RateLimit = 100
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	st, err := openStore(opts.DataFile)
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, log: opts.Log, store: st, timing: realTiming, media: newMedia(st.db),
		loopback: newLoopbackClient(), webhooks: newWebhookClient(),
	}
	if opts.timing != nil {
		s.timing = *opts.timing
	}
	if s.timing.after == nil {
		s.timing.after = time.After
	}
	if err := errors.Join(s.seed(), s.sweepMedia()); err != nil {
		_ = st.close()
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	mux := http.NewServeMux()
	s.routeOAuth(mux)
	s.routeControl(mux)
	s.routeAPI(mux)
	s.routeServices(mux)
	s.startWorkers(ctx)
	s.handler = s.guard(mux)
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close stops the workers, waits for them and closes the state.
func (s *Server) Close() error {
	s.stop()
	s.workers.Wait()
	return s.store.close()
}

// now is the time on the platform's clock, which tests can move (see POST /dev/clock).
func (s *Server) now() time.Time { return s.opts.Now().Add(s.control.clock.offset()).UTC() }
