package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/platform"
)

type devOptions struct {
	env       *Env
	addr      string
	rateLimit int
	platform  platform.Options
}

func newDevCmd(env *Env) *cobra.Command {
	opts := &devOptions{env: env}
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a local Lamina: sign-in, apps, runs, files and webhooks on your machine",
		Long: "Run a local Lamina on this machine, without an account or a network: sign-in pages, an API with apps that make\n" +
			"real files, assets, webhooks, and controls for tests below /dev. It answers to this machine only.\n\n" +
			"With --json the first line on stdout, once it serves, is an object with baseUrl, apiKey and workspaceId.",
		Example: "lamina dev\nlamina dev --data ./lamina.db\nlamina dev --addr 127.0.0.1:0 --auto-approve --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.validate(); err != nil {
				return err
			}
			return devRun(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.addr, "addr", "127.0.0.1:8799", "listen on this loopback `ADDRESS`; port 0 picks one")
	f.BoolVar(&opts.platform.AutoApprove, "auto-approve", false, "approve sign-ins without asking, for scripts")
	f.DurationVar(&opts.platform.AccessTokenTTL, "access-token-ttl", time.Hour, "let an access token live for this `TIME`")
	f.DurationVar(&opts.platform.RefreshTokenTTL, "refresh-token-ttl", 720*time.Hour, "let a refresh token live for this `TIME` without use")
	f.IntVar(&opts.rateLimit, "rate-limit", 100, "answer `N` requests a minute from one address; 0 is no limit")
	f.DurationVar(&opts.platform.Latency, "latency", 0, "add this `TIME` to every answer")
	f.StringVar(&opts.platform.DataFile, "data", "", "keep the state in this `FILE` across restarts")
	return cmd
}

func (o *devOptions) validate() error {
	host, _, err := net.SplitHostPort(o.addr)
	if err != nil {
		return usage("lamina dev --addr 127.0.0.1:8799", "--addr wants HOST:PORT, not %q", o.addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usage("lamina dev --addr 127.0.0.1:8799", "--addr must be on this machine (127.0.0.1, [::1] or localhost), not %q", host)
	}
	if o.rateLimit < 0 || o.platform.Latency < 0 {
		return usage("", "--rate-limit and --latency must not be negative")
	}
	if o.platform.AccessTokenTTL <= 0 || o.platform.RefreshTokenTTL <= 0 {
		return usage("", "--access-token-ttl and --refresh-token-ttl must be more than nothing")
	}
	o.platform.RateLimit = o.rateLimit
	if o.rateLimit == 0 {
		o.platform.RateLimit = -1
	}
	return nil
}

// devRun serves until the context ends.
func devRun(ctx context.Context, opts *devOptions) error {
	local, err := startPlatform(ctx, opts.addr, opts.platform, opts.env.Streams.Err)
	if err != nil {
		return err
	}
	if err := opts.announce(local); err != nil {
		local.stop()
		return err
	}
	select {
	case <-ctx.Done():
		local.stop()
		return nil
	case err := <-local.failed:
		local.stop()
		return fmt.Errorf("the local platform stopped serving: %w", err)
	}
}

func (o *devOptions) announce(local *localPlatform) error {
	p := o.env.printer
	if p.Machine() {
		raw, err := json.Marshal(local)
		if err != nil {
			return err
		}
		return p.Line(raw)
	}
	return p.Data(nil, func(page *output.Page) {
		page.Line("%s %s", page.Bold("Your local Lamina is at"), page.Command(local.BaseURL))
		page.Line("\nIn another terminal:")
		page.Line("  %s", page.Command("export LAMINA_BASE_URL="+local.BaseURL))
		page.Line("  %s", page.Command("lamina login"))
		page.Line("  %s", page.Command(`lamina run poster --input text="Hello" --wait --download ./pictures/`))
		page.Line("\nOr without signing in:")
		page.Line("  %s", page.Command("export LAMINA_API_KEY="+local.APIKey))
		page.Line("\n%s", page.Faint("Ctrl-C ends it."))
	})
}

// A localPlatform is a platform that serves on a loopback address.
type localPlatform struct {
	BaseURL     string `json:"baseUrl"`
	APIKey      string `json:"apiKey"`
	WorkspaceID string `json:"workspaceId"`
	// Services are those beside Lamina, by name.
	Services map[string]platform.ServiceAccess `json:"services"`

	server   *http.Server
	platform *platform.Server
	hangUp   context.CancelFunc
	failed   chan error
}

// startPlatform listens on addr and serves a platform there, which writes to log what goes wrong with it.
func startPlatform(ctx context.Context, addr string, opts platform.Options, log io.Writer) (*localPlatform, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &commandError{
			code: codeAddressInUse, message: addr + " is in use, perhaps by another lamina dev", hint: "lamina dev --addr 127.0.0.1:0", err: err,
		}
	}
	if err != nil {
		return nil, fmt.Errorf("could not listen: %w", err)
	}
	opts.BaseURL = "http://" + listener.Addr().String()
	opts.Log = slog.New(slog.NewTextHandler(log, nil))
	if opts.AutoApprove {
		opts.DeviceInterval = time.Second // there is nobody to wait for
	}
	p, err := platform.New(opts)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	local := &localPlatform{BaseURL: opts.BaseURL, platform: p, failed: make(chan error, 1)}
	local.APIKey, local.WorkspaceID, err = p.NewAPIKey("lamina dev")
	if err == nil {
		local.Services, err = p.NewServiceKeys("lamina dev")
	}
	if err != nil {
		_ = listener.Close()
		_ = p.Close()
		return nil, err
	}
	requests, hangUp := context.WithCancel(context.Background())
	local.hangUp = hangUp
	local.server = &http.Server{
		Handler: p, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return requests },
		ErrorLog:    slog.NewLogLogger(opts.Log.Handler(), slog.LevelError),
	}
	go func() {
		if err := local.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			local.failed <- err
		}
	}()
	return local, nil
}

// stop lets requests finish, ends those that would not, and closes the state.
func (l *localPlatform) stop() {
	grace := time.AfterFunc(300*time.Millisecond, l.hangUp) // event streams never finish by themselves
	defer grace.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if l.server.Shutdown(ctx) != nil {
		_ = l.server.Close()
	}
	l.hangUp()
	_ = l.platform.Close()
}
