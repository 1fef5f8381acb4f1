package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/platform"
)

type devOptions struct {
	env       *cmdutil.Env
	addr      string
	rateLimit int
	protect   bool
	tokenFile string
	keys      string // what happens to idempotency keys
	platform  platform.Options
	command   []string // runs while the platform does; empty: until Ctrl-C
}

// The rules of --idempotency.
const (
	keysHonoured = "honoured"
	keysIgnored  = "ignored"
)

// NewDev returns the command dev.
func NewDev(env *cmdutil.Env) *cobra.Command {
	opts := &devOptions{env: env}
	cmd := &cobra.Command{
		Use:   "dev [-- CMD…]",
		Short: "Run a local Lamina: sign-in, apps, runs, files and webhooks on your machine",
		Long: "Run a Lamina platform on this machine, without an account and without a network: sign-in pages, an API with apps\n" +
			"that make real files, assets, webhooks, and controls for tests below /dev. It accepts requests from this machine only,\n" +
			"from all of its users. With --protect, the controls, which create keys, and the pages need a token.\n\n" +
			"With --json, the first line on stdout is an object with baseUrl, apiKey, workspaceId and services. It is written when\n" +
			"the platform accepts requests.\n\n" +
			"With a command after two dashes, the platform runs for that command: on a free port, with variables that lead the command\n" +
			"to it (LAMINA_BASE_URL, LAMINA_API_KEY, those of the other services) and away from your own account. It gets stdin, stdout\n" +
			"and signals. Its exit status is that of lamina dev: 127 if it was not found, 126 if it cannot be executed.",
		Example: "lamina dev\nlamina dev --data ./lamina.db\nlamina dev --addr 127.0.0.1:0 --auto-approve --json\n" +
			"lamina dev -- lamina run poster --input text=Hello --wait",
		Args:              commandArgs,
		ValidArgsFunction: complete.Files,
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.command = args; len(args) > 0 && !cmd.Flags().Changed("addr") {
				opts.addr = freePort
			}
			if err := opts.validate(); err != nil {
				return err
			}
			return runDev(cmd.Context(), opts)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

func (o *devOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", "127.0.0.1:8799", "listen on this loopback `ADDRESS`; port 0 picks a free port, the default with a command")
	f.BoolVar(&o.platform.AutoApprove, "auto-approve", false, "approve sign-ins without a user, for scripts")
	f.DurationVar(&o.platform.AccessTokenTTL, "access-token-ttl", time.Hour, "expire access tokens after this `TIME`")
	f.DurationVar(&o.platform.RefreshTokenTTL, "refresh-token-ttl", 720*time.Hour, "expire refresh tokens after this `TIME` without use")
	f.IntVar(&o.rateLimit, "rate-limit", 100, "accept `N` requests a minute from one address; 0 means no limit")
	f.IntVar(&o.platform.Capacity, "capacity", 100, "refuse starts with 503 while `N` runs are queued or running")
	f.StringVar(&o.keys, "idempotency", keysIgnored, "treat the Idempotency-Key of a start by this `RULE`: honoured (the key starts one run) or ignored")
	f.DurationVar(&o.platform.Latency, "latency", 0, "delay every response by this `TIME`")
	f.StringVar(&o.platform.DataFile, "data", "", "keep the state in this `FILE` across restarts")
	f.BoolVar(&o.protect, "protect", false, "require a token for the pages and the controls below /dev, and print it")
	f.StringVar(&o.tokenFile, "dev-token-file", "", "require a token for the pages and the controls below /dev, and write it to this `FILE`, which only you can read")
	_ = cmd.RegisterFlagCompletionFunc("idempotency", complete.Words(keysHonoured, keysIgnored))
}

func (o *devOptions) validate() error {
	const example = "lamina dev --addr 127.0.0.1:8799"
	host, _, err := net.SplitHostPort(o.addr)
	if err != nil {
		return fail.Usage(example, "--addr must be HOST:PORT, not %q", o.addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fail.Usage(example, "--addr must be on this machine (127.0.0.1, [::1] or localhost), not %q", host)
	}
	if o.rateLimit < 0 || o.platform.Latency < 0 {
		return fail.Usage("", "--rate-limit and --latency must not be negative")
	}
	if o.platform.AccessTokenTTL <= 0 || o.platform.RefreshTokenTTL <= 0 {
		return fail.Usage("", "--access-token-ttl and --refresh-token-ttl must be greater than 0")
	}
	if o.platform.Capacity < 1 {
		return fail.Usage("lamina dev --capacity 100", "--capacity must be at least 1, not %d", o.platform.Capacity)
	}
	if err := cmdutil.OneOf("--idempotency", o.keys, keysHonoured, keysIgnored); err != nil {
		return err
	}
	o.platform.HonourKeys = o.keys == keysHonoured
	o.platform.RateLimit = o.rateLimit
	if o.rateLimit == 0 {
		o.platform.RateLimit = -1 // no limit; 0 would be the platform's default
	}
	return nil
}

// runDev serves the platform until ctx ends.
func runDev(ctx context.Context, opts *devOptions) error {
	if opts.protect || opts.tokenFile != "" {
		opts.platform.DevToken = rand.Text()
	}
	opts.platform.WrapAPI = opts.env.WrapAPI
	if opts.env.ErrorsAsJSON() {
		opts.platform.Log = slog.New(slog.NewJSONHandler(opts.env.Streams.Err, nil))
	}
	server, err := startServer(ctx, opts.addr, opts.platform, opts.env.Streams.Err)
	if err != nil {
		return err
	}
	defer server.stop()
	if opts.tokenFile == "" {
		server.access.DevToken = opts.platform.DevToken
	} else if err := writePrivate(opts.tokenFile, opts.platform.DevToken+"\n"); err != nil {
		return fmt.Errorf("could not write the token of /dev: %w", err)
	}
	if len(opts.command) > 0 {
		return opts.runCommand(server)
	}
	if err := announce(opts.env, server.access); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-server.failed:
		return fmt.Errorf("the local platform stopped serving: %w", err)
	}
}

// writePrivate replaces a file by one that only its owner can read. A file that others can read, or a link, is not written to.
func writePrivate(file, text string) error {
	folder, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer folder.Close()
	name := filepath.Base(file)
	temporary := name + "." + rand.Text()
	f, err := folder.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = folder.Rename(temporary, name)
	}
	if err != nil {
		_ = folder.Remove(temporary)
	}
	return err
}

// announce prints how to use the platform.
func announce(env *cmdutil.Env, a access) error {
	if env.Printer.Machine() {
		raw, err := output.EnvelopeWithOldFields(a)
		if err != nil {
			return err
		}
		return env.Printer.Line(raw)
	}
	return env.Printer.Data(nil, func(page *output.Page) {
		page.Line("%s %s", page.Bold("The local Lamina is at"), page.Command(a.BaseURL))
		page.Line("\nIn another terminal:")
		page.Line("  %s", page.Command("export LAMINA_BASE_URL="+a.BaseURL))
		page.Line("  %s", page.Command("lamina login"))
		page.Line("  %s", page.Command(`lamina run poster --input text="Hello" --wait --download ./pictures/`))
		page.Line("\nWithout a sign-in:")
		page.Line("  %s", page.Command("export LAMINA_API_KEY="+a.APIKey))
		page.Line("\nWatch runs, deliveries and requests in a browser:")
		page.Line("  %s", page.Command(a.BaseURL))
		page.Line("\nCreate and revoke keys of the five services:")
		page.Line("  %s", page.Command(a.BaseURL+"/dev/keys"))
		if a.DevToken != "" {
			page.Line("\nThe pages and the controls below /dev need this token (browsers ask for it as a password):")
			page.Line("  %s", page.Command(`curl -H "Authorization: Bearer `+a.DevToken+`" `+a.BaseURL+"/dev/requests"))
		}
		page.Line("\n%s", page.Faint("Press Ctrl-C to stop it."))
	})
}
