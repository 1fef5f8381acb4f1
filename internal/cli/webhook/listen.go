package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/session"
)

type listenOptions struct {
	env         *cmdutil.Env
	host        string
	port        uint16
	path        string
	publicURL   string
	saveDefault bool
	once        bool
	timeout     time.Duration
	poll        bool
	interval    time.Duration
	trust       trustOptions
	forwardTo   []string
	exec        string
}

func newListen(env *cmdutil.Env) *cobra.Command {
	opts := &listenOptions{env: env}
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive webhook deliveries, or follow the runs without a tunnel",
		Long: "Receive webhook deliveries on this machine, and print each one: a line of text, or of JSON. A delivery is verified, stored in\n" +
			"the inbox, and then answered; repeated deliveries of a run are stored once.\n\n" +
			"A service on the internet needs a tunnel to reach this machine: name its address with --public-url. --poll works without\n" +
			"one: it asks the service for the runs of the workspace, and prints the same lines. After a pause it continues where it\n" +
			"ended, so that no run is missed.",
		Example: "lamina webhook listen\n" +
			"lamina webhook listen --poll --once --timeout 10m\n" +
			"lamina webhook listen --forward-to http://127.0.0.1:3000/hook\n" +
			"lamina webhook listen --poll --exec 'jq .data.status'",
		Aliases: []string{"serve"},
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.validate(cmd); err != nil {
				return err
			}
			return runListen(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.host, "host", defaultHost, "listen on this loopback `ADDRESS`")
	f.Uint16Var(&opts.port, "port", defaultPort, "listen on this `PORT`; 0 picks a free one")
	f.StringVar(&opts.path, "path", defaultPath, "accept deliveries at this `PATH` of the address")
	f.StringVar(&opts.publicURL, "public-url", "", "the `URL` of the tunnel that leads here; without a path, that of --path is added")
	f.BoolVar(&opts.saveDefault, "save-default", false, "save the public URL, so that each run sends its delivery there")
	f.BoolVar(&opts.once, "once", false, "end after the first delivery")
	f.DurationVar(&opts.timeout, "timeout", 0, "end after this `TIME` (default: never)")
	f.BoolVar(&opts.poll, "poll", false, "follow the runs of the workspace instead of receiving deliveries")
	f.DurationVar(&opts.interval, "interval", 5*time.Second, "with --poll, ask after this `TIME` again")
	f.StringArrayVar(&opts.forwardTo, "forward-to", nil, "send each delivery on to this `URL`, with its signature; repeatable")
	f.StringVar(&opts.exec, "exec", "", "run this `COMMAND` in a shell for each delivery, with the body on stdin")
	opts.trust.add(f)
	_ = cmd.RegisterFlagCompletionFunc("path", complete.None)
	return cmd
}

func (o *listenOptions) validate(cmd *cobra.Command) error {
	for _, name := range []string{"host", "port", "path", "public-url", "save-default", "key", "trust-local"} {
		if err := cmdutil.AtMostOne(cmd, "poll", name); err != nil {
			return err
		}
	}
	switch {
	case !safeurl.IsLoopback(strings.Trim(o.host, "[]")):
		return fail.Usage("lamina webhook listen --public-url https://TUNNEL", "--host must be on this machine (127.0.0.1, ::1 or localhost), not %q", o.host)
	case !strings.HasPrefix(o.path, "/") || strings.ContainsAny(o.path, "?# "):
		return fail.Usage("", "--path must be a path such as %s, not %q", defaultPath, o.path)
	case o.saveDefault && o.publicURL == "":
		return fail.Usage("", "--save-default needs --public-url")
	case o.timeout < 0 || o.interval < 0:
		return fail.Usage("", "--timeout and --interval must not be negative")
	}
	o.interval = max(o.interval, time.Second) // the rate limit is 100 requests a minute
	for _, target := range o.forwardTo {
		if err := checkTarget("--forward-to", target); err != nil {
			return err
		}
	}
	return o.checkPublicURL()
}

// checkPublicURL checks the public URL and adds the path of the listener to it if it has none.
func (o *listenOptions) checkPublicURL() error {
	if o.publicURL == "" {
		return nil
	}
	if err := session.CheckWebhook(o.publicURL); err != nil {
		return fail.Usage("lamina webhook listen --public-url https://TUNNEL", "--public-url: %v", err)
	}
	u, err := url.Parse(o.publicURL)
	if err == nil && strings.Trim(u.Path, "/") == "" {
		u.Path = o.path
		o.publicURL = u.String()
	}
	return err
}

// runListen receives, stores, prints and passes on deliveries until the user ends it.
func runListen(ctx context.Context, opts *listenOptions) error {
	dir, err := openFolder(opts.env)
	if err != nil {
		return err
	}
	box, err := openInbox(dir)
	if err != nil {
		return err
	}
	source, err := opts.newSource(ctx, dir, box)
	if err == nil {
		err = opts.save(ctx, dir)
	}
	if err == nil {
		var r *relay
		if r, err = newRelay(ctx, opts, dir, box); err == nil {
			err = r.run(ctx, source)
		}
	}
	return cmp.Or(err, box.Close())
}

// save saves the public URL as the default of runs, and the addresses for a later replay.
func (o *listenOptions) save(ctx context.Context, dir string) error {
	if len(o.forwardTo) > 0 {
		raw, err := json.Marshal(o.forwardTo)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, targetsFile), raw, 0o600); err != nil {
			return err
		}
	}
	if !o.saveDefault {
		return nil
	}
	err := o.env.Sessions.Store().Update(ctx, func(doc *config.Document) error {
		doc.SetWebhook(o.publicURL, o.env.Now())
		return nil
	})
	if err == nil {
		o.env.Say("Saved the public address: runs send their deliveries there, until: %s", o.env.Command("webhook", "clear"))
	}
	return err
}
