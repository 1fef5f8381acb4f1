package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/webhook/forward"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

type replayOptions struct {
	env  *cmdutil.Env
	id   string
	to   []string
	sign bool
}

// replayed is the result of a replay.
type replayed struct {
	RunID string   `json:"runId"`
	To    []string `json:"to"`
}

func newReplay(env *cmdutil.Env) *cobra.Command {
	opts := &replayOptions{env: env}
	cmd := &cobra.Command{
		Use:   "replay RUN",
		Short: "Send a delivery of the inbox again",
		Long: "Send a delivery of the inbox again: to the given addresses, or to those of the last listen --forward-to. It has its original\n" +
			"signature, which a receiver refuses after 5 minutes. With --sign it is signed again, with the key of this machine.",
		Example: "lamina webhook replay RUN --to http://127.0.0.1:3000/hook\n" +
			"lamina webhook replay RUN --to http://127.0.0.1:3000/hook --sign",
		Args:              cmdutil.NeedArgs("RUN"),
		ValidArgsFunction: completeRuns(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.id = args[0]
			for _, target := range opts.to {
				if err := checkTarget("--to", target); err != nil {
					return err
				}
			}
			return replay(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&opts.to, "to", nil, "send it to this `URL`; repeatable")
	f.BoolVar(&opts.sign, "sign", false, "sign it again, with the key of this machine")
	return cmd
}

func replay(ctx context.Context, opts *replayOptions) error {
	env := opts.env
	dir, err := readFolder(env)
	if err != nil {
		return err
	}
	d, found, err := inbox.Find(dir, opts.id)
	if err != nil {
		return err
	}
	if !found {
		return &fail.Error{Code: fail.NotFound, Message: fmt.Sprintf("there is no delivery of run %s in the inbox", output.Quote(opts.id)), Hint: "lamina webhook list"}
	}
	targets := opts.to
	if len(targets) == 0 {
		targets = savedTargets(dir)
	}
	if len(targets) == 0 {
		return fail.Usage(fail.CommandLine("webhook", "replay", opts.id, "--to", "http://127.0.0.1:3000/hook"), "name the address with --to: no listen --forward-to has saved one")
	}
	message := forward.Original(d)
	if opts.sign || d.Source == inbox.FromPoll {
		key, err := localKey(ctx, env)
		if err != nil {
			return err
		}
		message = forward.Signed(key, env.Now(), d.ID, d.Body)
	}
	sender, err := newSender(env)
	if err != nil {
		return err
	}
	if err := opts.send(ctx, sender, d, message, targets); err != nil {
		return err
	}
	result := replayed{d.ID, shortAll(targets)}
	return env.Print(result, func(p *output.Page) {
		for _, target := range result.To {
			p.Line("Sent run %s to %s", d.ID, target)
		}
	})
}

// send sends a message to all targets, also if one of them fails. It returns the error of the last one that failed.
func (o *replayOptions) send(ctx context.Context, sender *forward.Sender, d inbox.Delivery, message forward.Message, targets []string) error {
	var failed error
	for _, target := range targets {
		err := sender.Send(ctx, target, message)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && len(targets) > 1:
			o.env.Say("%s accepted run %s", short(target), d.ID)
		case err != nil && failed != nil:
			o.env.Printer.Warn("%v", failed)
			fallthrough
		case err != nil:
			failed = replayError(d, target, err)
		}
	}
	return failed
}

func replayError(d inbox.Delivery, target string, err error) error {
	e := &fail.Error{Code: fail.DeliveryFailed, RunID: d.ID, Err: err, Message: fmt.Sprintf("%s did not accept run %s: %v", short(target), term.Line(d.ID), err)}
	if d.Source == inbox.FromWebhook {
		e.Hint = "if the receiver refuses the old signature, add --sign, and let the receiver trust: lamina webhook signing-key --local"
	}
	return e
}

// savedTargets returns the addresses of the last listen --forward-to.
func savedTargets(dir string) []string {
	var targets []string
	raw, err := os.ReadFile(filepath.Join(dir, targetsFile))
	if err != nil || json.Unmarshal(raw, &targets) != nil {
		return nil
	}
	return targets
}
