package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/platform"
)

// access is how clients use a platform. Its JSON form is the first line of `lamina dev --json`.
type access struct {
	BaseURL     string                            `json:"baseUrl"`
	APIKey      string                            `json:"apiKey"`
	WorkspaceID string                            `json:"workspaceId"`
	Services    map[string]platform.ServiceAccess `json:"services"` // the other services, by name
	DevToken    string                            `json:"devToken,omitempty"`
}

// A server serves a platform on a loopback address. Make one with startServer.
type server struct {
	access access
	failed chan error // receives an error if the server stops by itself

	http     *http.Server
	platform *platform.Server
	hangUp   context.CancelFunc // ends the contexts of all requests
}

// startServer listens on addr and serves a platform there. Faults of the platform are logged to log, unless opts has a logger.
func startServer(ctx context.Context, addr string, opts platform.Options, log io.Writer) (*server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &fail.Error{
			Code: fail.AddressInUse, Message: addr + " is in use, perhaps by another lamina dev", Hint: "lamina dev --addr 127.0.0.1:0", Err: err,
		}
	}
	if err != nil {
		return nil, fmt.Errorf("could not listen: %w", err)
	}
	opts.BaseURL = "http://" + listener.Addr().String()
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	if opts.AutoApprove {
		opts.DeviceInterval = time.Second // no user has to read a code
	}
	p, err := platform.New(opts)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	s := &server{platform: p, failed: make(chan error, 1)}
	if s.access, err = newAccess(p, opts.BaseURL); err != nil {
		_ = listener.Close()
		_ = p.Close()
		return nil, err
	}
	s.serve(listener, opts.Log)
	return s, nil
}

// newAccess creates a key of each service.
func newAccess(p *platform.Server, baseURL string) (access, error) {
	const name = "lamina dev"
	a := access{BaseURL: baseURL}
	var err error
	if a.APIKey, a.WorkspaceID, err = p.NewAPIKey(name); err != nil {
		return access{}, err
	}
	a.Services, err = p.NewServiceKeys(name)
	return a, err
}

// serve accepts requests in the background.
func (s *server) serve(listener net.Listener, log *slog.Logger) {
	requests, hangUp := context.WithCancel(context.Background())
	s.hangUp = hangUp
	s.http = &http.Server{
		Handler: s.platform, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return requests },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelError),
	}
	go func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
}

// stop lets requests finish, aborts those that take too long, and closes the platform.
func (s *server) stop() {
	grace := time.AfterFunc(300*time.Millisecond, s.hangUp) // event streams do not end by themselves
	defer grace.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	s.hangUp()
	_ = s.platform.Close()
}
