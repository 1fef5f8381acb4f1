package runs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// errWaitTimeout means that the waiting time is over.
var errWaitTimeout = errors.New("the waiting time is over")

// waitOptions says how long to wait for a run.
type waitOptions struct {
	timeout    time.Duration
	interval   time.Duration
	timeoutMS  int
	intervalMS int
	notify     notifyOption

	names        map[string]string // names of apps by id
	keepsChanges bool              // show each change on a line of its own, also on a terminal
}

// appName returns the name of the app of a run, which it looks up once.
func (w *waitOptions) appName(ctx context.Context, env *cmdutil.Env, client *api.Client, run api.Run) string {
	if w.names[run.WorkflowID] == "" {
		w.names[run.WorkflowID] = appName(ctx, env, client, run.WorkflowID)
	}
	return w.names[run.WorkflowID]
}

func (w *waitOptions) add(f *pflag.FlagSet) {
	w.names = map[string]string{}
	f.DurationVar(&w.timeout, "timeout", 4*time.Minute, "stop waiting after this `TIME`; the run continues")
	f.DurationVar(&w.interval, "interval", 0, "poll after this `TIME` where the service does not push updates (default 3s)")
	w.notify.add(f)
	f.IntVar(&w.timeoutMS, "timeout-ms", 0, "the timeout in `MILLISECONDS`")
	f.IntVar(&w.intervalMS, "interval-ms", 0, "the interval in `MILLISECONDS`")
	_ = f.MarkHidden("timeout-ms")
	_ = f.MarkHidden("interval-ms")
}

func (w *waitOptions) check() error {
	if w.timeoutMS != 0 {
		w.timeout = time.Duration(w.timeoutMS) * time.Millisecond
	}
	if w.intervalMS != 0 {
		w.interval = time.Duration(w.intervalMS) * time.Millisecond
	}
	if w.timeout <= 0 {
		return fail.Usage("", "--timeout must be positive")
	}
	if w.interval < 0 {
		return fail.Usage("", "--interval must not be negative")
	}
	if w.interval > 0 {
		w.interval = max(w.interval, time.Second) // the rate limit is 100 requests a minute
	}
	return nil
}

// follow waits for a run and shows its progress. If update is not nil, it receives each state.
func follow(ctx context.Context, env *cmdutil.Env, client *api.Client, runID string, opts waitOptions, update func(api.RunUpdate)) (api.RunUpdate, error) {
	waiting, cancel := context.WithTimeoutCause(ctx, opts.timeout, errWaitTimeout)
	defer cancel()
	progress := env.Printer.Progress(opts.keepsChanges || env.IsAccessible())
	defer progress.Stop()
	progress.Set("run %s", runID)
	newest, err := client.FollowRun(waiting, runID, api.Follow{
		Interval: opts.interval,
		Patience: env.Patience(),
		Update: func(u api.RunUpdate) {
			progress.Set("%s", describeProgress(u.Run, opts.appName(ctx, env, client, u.Run), progress.IsLive()))
			if update != nil {
				update(u)
			}
		},
		OnFault: func(err error) { progress.Set("%s; still waiting", env.Sessions.Describe(err).Message) },
	})
	progress.Stop()
	if err != nil {
		return newest, waitError(env, runID, newest, err)
	}
	complete.CacheEnded(env, runID, newest.Run.Status)
	return newest, nil
}

// waitError returns the error for waiting that ended before the run did.
func waitError(env *cmdutil.Env, runID string, newest api.RunUpdate, err error) error {
	e := &fail.Error{Err: err, RunID: runID, Run: newest.Raw, Hint: fail.CommandLine("runs", "wait", runID)}
	switch {
	case errors.Is(err, errWaitTimeout):
		e.Code = fail.StillRunning
		e.Message = fmt.Sprintf("the run is still %s after the waiting time; it continues", cmp.Or(string(newest.Run.Status), "running"))
	case errors.Is(err, context.Canceled):
		e.Code = fail.Interrupted
		e.Message = "stopped waiting; the run continues. Cancel it with: " + env.Command("runs", "cancel", runID)
	case api.IsNotFound(err):
		return noRun(runID, err)
	default:
		return err
	}
	return e
}

// outcome returns an error for a run that failed or was cancelled.
func outcome(u api.RunUpdate) error {
	switch u.Run.Status {
	case api.Failed:
		message := "the run failed"
		if reason := term.Line(api.String(u.Run.ErrorMessage)); reason != "" {
			message += ": " + reason
		}
		return &fail.Error{Code: fail.RunFailed, Message: message, Hint: fail.CommandLine("runs", "get", u.Run.RunID), RunID: u.Run.RunID, Run: u.Raw}
	case api.Cancelled:
		return &fail.Error{Code: fail.RunCancelled, Message: "the run was cancelled", Hint: fail.CommandLine("runs", "get", u.Run.RunID), RunID: u.Run.RunID, Run: u.Raw}
	}
	return nil
}

// waitAndSave waits for a run, saves its outputs if saving has a target, and prints the final state.
func waitAndSave(ctx context.Context, env *cmdutil.Env, client *api.Client, runID string, waiting waitOptions, saving saveOptions) error {
	final, err := follow(ctx, env, client, runID, waiting, nil)
	if err != nil {
		return err
	}
	var files []savedFile
	var saveErr error
	if saving.where != "" && saving.where != toStdout {
		files, saveErr = saveOutputs(ctx, env, final.Run, saving)
	}
	if err := outcome(final); err != nil {
		return err
	}
	if saveErr != nil {
		return saveErr
	}
	if saving.where == toStdout {
		return writeOutput(ctx, env, final.Run, saving)
	}
	app := waiting.appName(ctx, env, client, final.Run)
	err = env.Printer.Data(runEnvelope(final, files), func(p *output.Page) { writeRun(p, final.Run, app, files, env.Now()) })
	if err == nil && saving.open {
		err = openResult(env, runID, files)
	}
	return withRunID(runID, err)
}

// runEnvelope returns the API's envelope of a run, with the saved files beside data.
func runEnvelope(u api.RunUpdate, files []savedFile) json.RawMessage {
	envelope := struct {
		Data  json.RawMessage `json:"data"`
		Files []savedFile     `json:"files,omitempty"`
	}{u.Raw, files}
	raw, _ := json.Marshal(envelope) // cannot fail: Raw was decoded before
	return raw
}

// describeProgress returns a run's state on one line. The bar is last, because a narrow terminal cuts the end of the line.
func describeProgress(run api.Run, app string, bar bool) string {
	parts := []string{app, string(run.Status)}
	if p := run.Progress; p != nil && p.TotalOutputs > 0 {
		parts = append(parts, fmt.Sprintf("%d/%d outputs", p.CompletedOutputs, p.TotalOutputs))
		if p.FailedOutputs > 0 {
			parts = append(parts, fmt.Sprintf("%d failed", p.FailedOutputs))
		}
		if pc := p.PercentComplete; pc != nil {
			parts = append(parts, fmt.Sprintf("%.0f%%", *pc))
			if bar {
				parts = append(parts, output.Bar(*pc/100, 20))
			}
		}
	}
	return strings.Join(parts, "  ")
}

func noRun(runID string, err error) error {
	return &fail.Error{Code: fail.NotFound, Message: fmt.Sprintf("there is no run %s in this workspace", output.Quote(runID)), Hint: "lamina runs list", Err: err}
}
