package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/retry"
	"github.com/uselamina/lamina/internal/session"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/webhook/inbox"
	"github.com/uselamina/lamina/internal/webhook/listen"
	"github.com/uselamina/lamina/internal/webhook/poll"
)

// A source adds deliveries to the inbox until ctx ends.
type source func(ctx context.Context) error

// newSource returns the receiver of deliveries, or the poller.
func (o *listenOptions) newSource(ctx context.Context, dir string, box *inbox.Inbox) (source, error) {
	if o.poll {
		return o.newPoller(dir, box)
	}
	keys, err := o.trust.keys(ctx, o.env, dir)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(o.host, strconv.Itoa(int(o.port)))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &fail.Error{
			Code: fail.AddressInUse, Message: address + " is in use, perhaps by another lamina webhook listen", Hint: "lamina webhook listen --port 0", Err: err,
		}
	}
	if err != nil {
		return nil, fmt.Errorf("could not listen: %w", err)
	}
	here := "http://" + listener.Addr().String() + o.path
	o.announce(here)
	if service, err := o.env.Sessions.AnonymousClient(provider.Lamina()); o.publicURL == "" && err == nil && !session.IsLoopback(service.BaseURL) {
		o.env.Note("%s cannot reach this machine: name the address of a tunnel with --public-url, or use --poll, which needs none", service.BaseURL)
	}
	refused, repeated := &limiter{say: o.env.Say, now: o.env.Now}, &limiter{say: o.env.Say, now: o.env.Now}
	server := &listen.Server{
		Path: o.path, Keys: keys, Inbox: box, Now: o.env.Now,
		Refused:  func(status int, reason error) { refused.print("Refused a request (%d): %v", status, reason) },
		Repeated: func(id string) { repeated.print("Run %s was delivered again, and is in the inbox already", id) },
	}
	return func(ctx context.Context) error { return server.Serve(ctx, listener) }, nil
}

// announce prints the addresses of the listener, each on one line, so that it can be copied.
func (o *listenOptions) announce(here string) {
	if o.env.Flags.Quiet {
		return
	}
	o.env.Printer.Verbatim("Listening on %s", here)
	if o.publicURL != "" {
		o.env.Printer.Verbatim("Public address: %s", o.publicURL)
		here = o.publicURL
	}
	o.env.Say("To receive the end of a run:")
	o.env.Printer.Verbatim("  %s", o.env.Command("run", "APP", "--webhook", here))
}

// pollRate is the number of requests in a minute while runs are followed. The documented limit is 100.
const pollRate = 80

// newPoller returns the source that asks the service for the runs.
func (o *listenOptions) newPoller(dir string, box *inbox.Inbox) (source, error) {
	client, err := o.env.Sessions.Client()
	if err != nil {
		return nil, err
	}
	client.LimitRate(pollRate)
	p := &poll.Poller{
		API: client, Has: box.Has, File: filepath.Join(dir, cursorFile), Now: o.env.Now,
		Report: func(ctx context.Context, d inbox.Delivery) error {
			_, err := box.Add(ctx, d)
			return err
		},
	}
	begun := false
	step := func(ctx context.Context) error {
		if begun {
			return pollError(p.Poll(ctx))
		}
		account, err := client.Account(ctx)
		if err != nil {
			return err
		}
		p.Workspace = client.BaseURL
		if w := account.Data.Workspace; w != nil {
			p.Workspace += " " + w.ID
		}
		resumes, err := p.Begin(ctx)
		if err != nil {
			return err
		}
		begun = true
		if resumes {
			o.env.Say("Following the runs of the workspace; those that ended since the last time come first")
		} else {
			o.env.Say("Following the runs of the workspace; those that ended before now are not reported")
		}
		return pollError(p.Poll(ctx))
	}
	passes := func(f fail.Failure) bool { return f.Retryable || begun && f.Exit == fail.ExitService }
	return func(ctx context.Context) error { return o.follow(ctx, step, passes) }, nil
}

// pollError names the run that the service cannot show.
func pollError(err error) error {
	unreadable := (*poll.UnreadableError)(nil)
	if !errors.As(err, &unreadable) {
		return err
	}
	return &fail.Error{Around: "run " + term.Line(unreadable.RunID) + " has ended, but cannot be read: %s", Err: err}
}

// follow takes one step after the other until ctx ends. A failure that passes, such as a lost network or the page of a captive portal, only
// delays the next step.
func (o *listenOptions) follow(ctx context.Context, step func(context.Context) error, passes func(fail.Failure) bool) error {
	backoff := retry.Backoff{Base: o.interval, Max: time.Minute}
	for failures := 0; ctx.Err() == nil; {
		err := step(ctx)
		pause := o.interval
		switch {
		case ctx.Err() != nil:
		case err == nil && failures > 0:
			o.env.Say("The service answers again")
			failures = 0
		case err != nil:
			failure := o.env.Sessions.Describe(err)
			if !passes(failure) {
				return err
			}
			failures++
			pause = backoff.Delay(failures)
			o.env.Say("%s; asking again in %s", failure.Message, pause)
		}
		_ = retry.Sleep(ctx, pause)
	}
	return nil
}
