// Package platform is a local Lamina as one http.Handler: an authorization server, the Lamina API with small apps that
// create real files, four other services, and controls for tests. It assembles the servers of the packages below it and
// starts their workers. The tests of this project and of its users run against it; it knows nothing of the client.
package platform

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/platform/control"
	"github.com/uselamina/lamina/internal/platform/laghav"
	"github.com/uselamina/lamina/internal/platform/lamatic"
	"github.com/uselamina/lamina/internal/platform/lamina"
	"github.com/uselamina/lamina/internal/platform/laminr"
	"github.com/uselamina/lamina/internal/platform/lightfast"
	"github.com/uselamina/lamina/internal/platform/oauth"
	"github.com/uselamina/lamina/internal/platform/overview"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// Options configure a platform. The zero value is usable.
type Options struct {
	// BaseURL is the address of the platform, as http://host:port without a slash at the end. The OAuth issuer and the
	// addresses of files begin with it.
	BaseURL string
	// AutoApprove approves every authorization and device request without a user.
	AutoApprove bool
	// AccessTokenTTL is the lifetime of an access token; 0 means one hour.
	AccessTokenTTL time.Duration
	// RefreshTokenTTL is the lifetime of a refresh token; 0 means 30 days. Each refresh issues a new one.
	RefreshTokenTTL time.Duration
	// DeviceInterval is the time between polls in the device flow, in whole seconds; 0 means 5 s.
	DeviceInterval time.Duration
	// RateLimit is the number of requests to /v1 in a minute for each address; 0 means 100, below 0 no limit.
	RateLimit int
	// Capacity is the number of runs that may be queued or running, before a start is refused; 0 means 100.
	Capacity int
	// HonourKeys makes a start with an Idempotency-Key that was sent before answer with the run of the first one.
	HonourKeys bool
	// Latency is added to every answer.
	Latency time.Duration
	// DataFile stores the state and the files of assets; empty means memory only.
	DataFile string
	// DevToken must be sent with every request below /dev; empty: none is needed.
	DevToken string
	// Log receives the errors of the platform; nil discards them. Records contain no secrets. They contain text from
	// clients, so the handler has to escape control characters, as those of log/slog do.
	Log *slog.Logger
	// WrapAPI wraps the handler of the Lamina API, below planned faults; nil means that nothing does. Tests look at its exchanges.
	WrapAPI func(http.Handler) http.Handler
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	timing *wire.Timing // nil: wire.RealTiming
}

// withDefaults returns the options with a value for every zero value that has a default.
func (o Options) withDefaults() Options {
	o.AccessTokenTTL = cmp.Or(o.AccessTokenTTL, time.Hour)
	o.RefreshTokenTTL = cmp.Or(o.RefreshTokenTTL, 30*24*time.Hour)
	o.DeviceInterval = cmp.Or(o.DeviceInterval, 5*time.Second)
	o.RateLimit = cmp.Or(o.RateLimit, 100)
	o.Capacity = cmp.Or(o.Capacity, 100)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.timing == nil {
		timing := wire.RealTiming()
		o.timing = &timing
	}
	return o
}

// A Server is a running platform.
type Server struct {
	deps    wire.Deps
	lamina  *lamina.Server
	lamatic *lamatic.Server
	handler http.Handler
}

// New opens the state, starts the workers and returns a platform. A *wire.DataFileError means that the data file cannot be used.
func New(opts Options) (s *Server, err error) {
	opts = opts.withDefaults()
	store, err := wire.OpenStore(opts.DataFile)
	if err != nil {
		return nil, err
	}
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *wire.RecordError:
			_ = store.Close()
			s, err = nil, &wire.DataFileError{File: opts.DataFile, Detail: "was written by another version of lamina dev, or is damaged", Err: v}
		default:
			panic(v)
		}
	}()
	s = &Server{}
	if s.deps, err = newDeps(store, opts); err == nil {
		err = s.assemble(opts)
	}
	if err != nil {
		_ = store.Close()
		return nil, err
	}
	s.lamina.Start()
	return s, nil
}

func newDeps(store *wire.Store, opts Options) (wire.Deps, error) {
	deps := wire.Deps{BaseURL: opts.BaseURL, Store: store, Clock: wire.NewClock(opts.Now), Timing: *opts.timing, Log: opts.Log}
	var err error
	if deps.Secrets, err = wire.OpenSecrets(store); err != nil {
		return deps, err
	}
	if deps.Keys, err = wire.OpenKeys(store, deps.Secrets, deps.Clock, keyTypes()...); err != nil {
		return deps, err
	}
	return deps, wire.SeedIdentities(store)
}

// assemble makes the servers and connects them.
func (s *Server) assemble(opts Options) error {
	auth := oauth.New(s.deps, oauth.Options{
		AutoApprove: opts.AutoApprove, AccessTokenTTL: opts.AccessTokenTTL, RefreshTokenTTL: opts.RefreshTokenTTL,
		DeviceInterval: opts.DeviceInterval,
	})
	var err error
	s.lamina, err = lamina.New(s.deps, lamina.Options{
		RateLimit: opts.RateLimit, AccessToken: auth.Authenticate, Capacity: opts.Capacity, HonourKeys: opts.HonourKeys,
	})
	if err != nil {
		return err
	}
	s.lamatic = lamatic.New(s.deps, s.lamina.Fetch)
	laghav, err := laghav.New(s.deps)
	if err != nil {
		return err
	}
	controls := control.New(s.deps, control.Options{
		Latency: opts.Latency, Inspect: oauth.Inspect, GrantTypes: oauth.GrantTypes(), RedactPath: lamina.RedactPath,
	})
	var laminaAPI http.Handler = s.lamina
	if opts.WrapAPI != nil {
		laminaAPI = opts.WrapAPI(s.lamina)
	}
	mux := http.NewServeMux()
	for handler, patterns := range map[http.Handler][]string{
		auth: {
			"/.well-known/oauth-authorization-server/cli/oauth", "/cli/oauth/{endpoint}", "/oauth/consent", "/device",
		},
		s.lamina:                                 {"/media/", "/dev/runs", "/dev/credits"},
		s.lamatic:                                {"/lamatic/", "/dev/lamatic/{control}"},
		laghav:                                   {"/laghav/", "/dev/laghav"},
		laminr.New(s.deps):                       {"/laminr/", "/laminr-storage/"},
		lightfast.New(s.deps):                    {"/lightfast/"},
		controls:                                 {"/dev/"},
		overview.New(s.deps, s.lamina, controls): {"/{$}", "/apps/", "/runs/", "/settings"},
	} {
		for _, pattern := range patterns {
			mux.Handle(pattern, handler)
		}
	}
	mux.Handle("/v1/", laminaAPI)
	mux.HandleFunc("GET /pages/style.css", page.ServeFile)
	mux.HandleFunc("GET /pages/icon.svg", page.ServeFile)
	mux.HandleFunc("GET /pages/live.js", page.ServeFile)
	s.handler = wire.LimitBodies(s.deps.Timing.Bodies, wire.Guard(s.deps.Clock, control.Protect(opts.DevToken, controls.Watch(mux))))
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close stops the workers, waits for them and closes the state.
func (s *Server) Close() error {
	s.lamina.Close()
	return s.deps.Store.Close()
}
