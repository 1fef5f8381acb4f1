package lamatic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

// errWaitTimeout means that the waiting time is over.
var errWaitTimeout = errors.New("the waiting time is over")

// waitOptions say whether and how long to wait for a run.
type waitOptions struct {
	wait     bool
	interval time.Duration
	timeout  time.Duration
}

// add declares the flags. usage describes --wait.
func (w *waitOptions) add(f *pflag.FlagSet, usage string) {
	f.BoolVarP(&w.wait, "wait", "w", false, usage)
	f.DurationVar(&w.interval, "interval", lamatic.DefaultInterval, "with --wait: poll after this `TIME`")
	f.DurationVar(&w.timeout, "timeout", lamatic.DefaultLimit, "with --wait: stop waiting after this `TIME`; the run continues")
}

func (w *waitOptions) check(cmd *cobra.Command) error {
	for name, value := range map[string]time.Duration{"interval": w.interval, "timeout": w.timeout} {
		if value <= 0 {
			return fail.Usage("", "--%s must be positive", name)
		}
		if cmd.Flags().Changed(name) && !w.wait {
			return fail.Usage("", "--%s needs --wait", name)
		}
	}
	return nil
}

// follow waits for a run and shows its progress.
func (w *waitOptions) follow(ctx context.Context, env *cmdutil.Env, client *lamatic.Client, runID string) (*lamatic.Result, error) {
	progress := env.Progress()
	defer progress.Stop()
	progress.Set("request %s", runID)
	return w.await(ctx, env, client, runID, lamatic.Wait{
		Interval: w.interval, Patience: env.Patience(),
		Update: func(r *lamatic.Result) {
			if r.State() == lamatic.Running {
				progress.Set("%s", r.Status)
			}
		},
		OnFault: func(err error) { progress.Set("%s; still waiting", env.Sessions.Describe(err).Message) },
	})
}

// await waits until a run ends or the waiting time is over.
func (w *waitOptions) await(ctx context.Context, env *cmdutil.Env, client *lamatic.Client, runID string, how lamatic.Wait) (*lamatic.Result, error) {
	waiting, cancel := context.WithTimeoutCause(ctx, w.timeout, errWaitTimeout)
	defer cancel()
	newest, err := client.Wait(waiting, runID, how)
	if err != nil {
		return nil, waitError(env, runID, newest, err)
	}
	return newest, nil
}

// waitError returns the error for waiting that ended before the run did. newest is the last known state; it may be nil.
func waitError(env *cmdutil.Env, runID string, newest *lamatic.Result, err error) error {
	e := &fail.Error{Err: err, RunID: runID, Hint: waitCommand(env, runID)}
	status := ""
	if newest != nil {
		e.Run, status = newest.Raw, newest.Status
	}
	switch {
	case errors.Is(err, errWaitTimeout):
		e.Code = fail.StillRunning
		e.Message = fmt.Sprintf("the workflow is still %s after the waiting time; it continues", cmp.Or(status, "processing"))
	case errors.Is(err, context.Canceled):
		e.Code, e.Message = fail.Interrupted, "stopped waiting; the workflow continues"
	default:
		return statusError(env, runID, err)
	}
	return e
}
