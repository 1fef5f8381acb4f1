package runinfo

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

// WaitOptions says how long to wait for a run.
type WaitOptions struct {
	Family     api.Family // of the run, if it is known
	Timeout    time.Duration
	interval   time.Duration
	timeoutMS  int
	intervalMS int
	notify     notifyOption

	Names        map[string]string // names of apps by id
	KeepsChanges bool              // show each change on a line of its own, also on a terminal
}

// AppName returns the name of the app of a run, which it looks up once.
func (w *WaitOptions) AppName(ctx context.Context, env *cmdutil.Env, client *api.Client, run api.Run) string {
	if run.Model != "" {
		return run.Model
	}
	if w.Names[run.WorkflowID] == "" {
		w.Names[run.WorkflowID] = AppName(ctx, env, client, run)
	}
	return w.Names[run.WorkflowID]
}

// Add declares the flags.
func (w *WaitOptions) Add(f *pflag.FlagSet) {
	w.Names = map[string]string{}
	f.DurationVar(&w.Timeout, "timeout", 4*time.Minute, "stop waiting after this `TIME`; the run continues")
	f.DurationVar(&w.interval, "interval", 0, "poll after this `TIME` where the service does not push updates (default 3s)")
	w.notify.add(f)
	f.IntVar(&w.timeoutMS, "timeout-ms", 0, "the timeout in `MILLISECONDS`")
	f.IntVar(&w.intervalMS, "interval-ms", 0, "the interval in `MILLISECONDS`")
	_ = f.MarkHidden("timeout-ms")
	_ = f.MarkHidden("interval-ms")
}

// Check validates the flags and reads their older spellings.
func (w *WaitOptions) Check() error {
	if w.timeoutMS != 0 {
		w.Timeout = time.Duration(w.timeoutMS) * time.Millisecond
	}
	if w.intervalMS != 0 {
		w.interval = time.Duration(w.intervalMS) * time.Millisecond
	}
	if w.Timeout <= 0 {
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

// Follow waits for a run and shows its progress. If update is not nil, it receives each state.
func Follow(ctx context.Context, env *cmdutil.Env, client *api.Client, runID string, opts WaitOptions, update func(api.RunUpdate)) (api.RunUpdate, error) {
	waiting, cancel := context.WithTimeoutCause(ctx, opts.Timeout, errWaitTimeout)
	defer cancel()
	progress := env.Printer.Progress(opts.KeepsChanges || env.IsAccessible())
	defer progress.Stop()
	progress.Set("run %s", runID)
	newest, err := client.FollowRun(waiting, runID, api.Follow{
		Family:   opts.Family,
		Interval: opts.interval,
		Patience: env.Patience(),
		Update: func(u api.RunUpdate) {
			progress.Set("%s", describeProgress(u.Run, opts.AppName(ctx, env, client, u.Run), progress.IsLive()))
			if update != nil {
				update(u)
			}
		},
		OnFault: func(err error) { progress.Set("%s; still waiting", env.Sessions.Describe(err).Message) },
	})
	progress.Stop()
	if err != nil {
		return newest, waitError(ctx, env, runID, newest, err)
	}
	complete.CacheEnded(env, runID, newest.Run.Status)
	return newest, nil
}

// waitError returns the error for waiting that ended before the run did.
func waitError(ctx context.Context, env *cmdutil.Env, runID string, newest api.RunUpdate, err error) error {
	e := &fail.Error{Err: err, RunID: runID, Run: newest.Raw, Hint: fail.CommandLine("runs", "wait", runID)}
	switch {
	case errors.Is(err, errWaitTimeout):
		e.Code = fail.StillRunning
		e.Message = fmt.Sprintf("the run is still %s after the waiting time; it continues", cmp.Or(string(newest.Run.Status), "running"))
	case errors.Is(err, context.Canceled):
		e.Code = fail.Interrupted
		e.Message = "stopped waiting; the run continues. Cancel it with: " + env.Command("runs", "cancel", runID)
	case api.IsNotFound(err):
		return NotFound(ctx, env, runID, err)
	default:
		return err
	}
	return e
}

// Outcome returns an error for a run that failed or was cancelled.
func Outcome(u api.RunUpdate) error {
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

// WaitAndSave waits for a run, saves its outputs if saving has a target, and prints the final state.
func WaitAndSave(ctx context.Context, env *cmdutil.Env, client *api.Client, runID string, waiting WaitOptions, saving SaveOptions) error {
	final, err := Follow(ctx, env, client, runID, waiting, nil)
	if err != nil {
		return err
	}
	var files []SavedFile
	var saveErr error
	if saving.Where != "" && saving.Where != ToStdout {
		files, saveErr = SaveOutputs(ctx, env, final.Run, saving)
	}
	if err := Outcome(final); err != nil {
		return err
	}
	if saveErr != nil {
		return saveErr
	}
	if saving.Where == ToStdout {
		return WriteOutput(ctx, env, final.Run, saving)
	}
	app := waiting.AppName(ctx, env, client, final.Run)
	err = env.Printer.Data(runEnvelope(final, files), func(p *output.Page) { Write(p, final.Run, app, files, env.Now()) })
	if err == nil && saving.Open {
		err = OpenResult(env, runID, files)
	}
	return WithRunID(runID, err)
}

// runEnvelope returns the API's envelope of a run, with the saved files beside data.
func runEnvelope(u api.RunUpdate, files []SavedFile) json.RawMessage {
	envelope := struct {
		Data  json.RawMessage `json:"data"`
		Files []SavedFile     `json:"files,omitempty"`
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

// NotFound returns the error for an id that no family of runs has. It may be the name of an app.
func NotFound(ctx context.Context, env *cmdutil.Env, runID string, err error) error {
	if complete.IsApp(ctx, env, runID) {
		return &fail.Error{
			Code: fail.NotFound, Message: fmt.Sprintf("%s is an app, not a run", output.Quote(runID)), Hint: env.Command("apps", "get", runID), Err: err,
		}
	}
	return &fail.Error{Code: fail.NotFound, Message: fmt.Sprintf("there is no run %s in this workspace", output.Quote(runID)), Hint: "lamina runs list", Err: err}
}

// Announce notifies the user of the end of a wait that began at a time, if it was long.
func (w *WaitOptions) Announce(env *cmdutil.Env, began time.Time, err error) {
	w.notify.announce(env, began, err)
}
