package content

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// startOptions are the options of a command that starts a run.
type startOptions struct {
	webhook    string
	noWebhook  bool
	wait       bool
	timeout    time.Duration
	timeoutMS  int
	intervalMS int
}

func (o *startOptions) add(f *pflag.FlagSet) {
	f.StringVar(&o.webhook, "webhook", "", "when the run ends, send a webhook delivery to this `URL`; 'default' is the saved address (lamina config), 'none' sends none")
	f.BoolVar(&o.noWebhook, "no-webhook", false, "send no webhook delivery, even if an address is saved")
	f.BoolVarP(&o.wait, "wait", "w", false, "wait until the run ends")
	f.DurationVar(&o.timeout, "timeout", 4*time.Minute, "stop waiting after this `TIME`; the run continues")
	f.IntVar(&o.timeoutMS, "timeout-ms", 0, "the timeout in `MILLISECONDS`")
	f.IntVar(&o.intervalMS, "interval-ms", 0, "accepted for scripts of the Node client: `MILLISECONDS` between two polls, where the service pushes no updates")
	_ = f.MarkHidden("timeout-ms")
	_ = f.MarkHidden("interval-ms")
}

func (o *startOptions) validate(cmd *cobra.Command) error {
	if o.timeoutMS != 0 {
		o.timeout = time.Duration(o.timeoutMS) * time.Millisecond
	}
	if o.timeout <= 0 {
		return fail.Usage("", "--timeout must be positive")
	}
	return cmdutil.AtMostOne(cmd, "webhook", "no-webhook")
}

// webhookURL returns the address for the webhook delivery; "" means none.
func (o *startOptions) webhookURL(env *cmdutil.Env) (string, error) {
	return env.WebhookURL(o.webhook, o.noWebhook, "lamina content create BRIEF")
}

// typed returns the flags that repeat the options. `lamina run` has them, too.
func (o *startOptions) typed() []string {
	var args []string
	if o.webhook != "" {
		args = append(args, "--webhook", o.webhook)
	}
	if o.noWebhook {
		args = append(args, "--no-webhook")
	}
	if o.wait {
		args = append(args, "--wait")
	}
	return args
}

// errWaitTimeout means that the waiting time is over.
var errWaitTimeout = errors.New("the waiting time is over")

// follow waits for a run and prints its final state.
func (o *startOptions) follow(ctx context.Context, env *cmdutil.Env, client *api.Client, runID, app string) error {
	waiting, cancel := context.WithTimeoutCause(ctx, o.timeout, errWaitTimeout)
	defer cancel()
	progress := env.Progress()
	defer progress.Stop()
	newest, err := client.FollowRun(waiting, runID, api.Follow{
		Interval: time.Duration(o.intervalMS) * time.Millisecond, Patience: env.Patience(),
		Update: func(u api.RunUpdate) { progress.Set("%s %s", app, u.Run.Status) },
	})
	progress.Stop()
	e := &fail.Error{RunID: runID, Run: newest.Raw, Hint: fail.CommandLine("runs", "wait", runID), Err: err}
	switch {
	case errors.Is(err, errWaitTimeout):
		e.Code, e.Message = fail.StillRunning, fmt.Sprintf("the run is still %s after the waiting time; it continues", cmp.Or(string(newest.Run.Status), "running"))
		return e
	case errors.Is(err, context.Canceled):
		e.Code, e.Message = fail.Interrupted, "stopped waiting; the run continues. Cancel it with: "+env.Command("runs", "cancel", runID)
		return e
	case err != nil:
		return err
	}
	complete.CacheEnded(env, runID, newest.Run.Status)
	e.Hint = fail.CommandLine("runs", "get", runID)
	switch newest.Run.Status {
	case api.Failed:
		e.Code, e.Message = fail.RunFailed, "the run failed: "+cmp.Or(term.Line(api.String(newest.Run.ErrorMessage)), "the service gave no reason")
		return e
	case api.Cancelled:
		e.Code, e.Message = fail.RunCancelled, "the run was cancelled"
		return e
	}
	return env.Printer.Data(envelope(newest.Raw), func(p *output.Page) { writeFinal(p, newest.Run, app, env.Command("runs", "download", runID, "./")) })
}

// writeFinal shows a run that has ended and its outputs. next is the command that saves them.
func writeFinal(p *output.Page, run api.Run, app, next string) {
	p.Line("%s  %s", p.Bold(app), p.Good(string(run.Status)))
	var pairs []string
	for _, o := range run.Outputs {
		var value string
		if json.Unmarshal(o.Value, &value) != nil {
			value = output.PlainJSON(o.Value)
		}
		pairs = append(pairs, cmp.Or(o.Label, o.Type), cmp.Or(value, api.String(o.Error), o.Status))
	}
	p.Fields(append(pairs, "run", run.RunID)...)
	p.Line("")
	p.Line("%s", p.Command(next))
}
