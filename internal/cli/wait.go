package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// errWaitedLong means that the time for waiting is over.
var errWaitedLong = errors.New("the waiting time is over")

// waitOptions say how long to wait for a run.
type waitOptions struct {
	timeout    time.Duration
	interval   time.Duration
	timeoutMS  int
	intervalMS int
}

func (w *waitOptions) add(f *pflag.FlagSet) {
	f.DurationVar(&w.timeout, "timeout", 4*time.Minute, "stop waiting after this `TIME`; the run goes on")
	f.DurationVar(&w.interval, "interval", 0, "look again after this `TIME` where the service cannot tell by itself (default 3s)")
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
		return usage("", "--timeout must be more than nothing")
	}
	if w.interval < 0 {
		return usage("", "--interval must not be negative")
	}
	if w.interval > 0 {
		w.interval = max(w.interval, time.Second) // a hundred requests a minute are all there are
	}
	return nil
}

// follow waits for a run and shows its progress; update, if not nil, gets each state instead.
func follow(ctx context.Context, env *Env, client *api.Client, runID string, opts waitOptions, update func(api.RunUpdate)) (api.RunUpdate, error) {
	waiting, cancel := context.WithTimeoutCause(ctx, opts.timeout, errWaitedLong)
	defer cancel()
	progress := env.printer.Progress(env.Getenv("ACCESSIBLE") != "")
	defer progress.Stop()
	progress.Set("run %s", runID)
	newest, err := client.FollowRun(waiting, runID, api.Follow{
		Interval: opts.interval,
		Patience: env.patience(),
		Update: func(u api.RunUpdate) {
			progress.Set("%s", describeProgress(u.Run, env.Streams.ErrTTY))
			if update != nil {
				update(u)
			}
		},
		OnFault: func(err error) { progress.Set("%s; still waiting", term.Line(describe(err).Message)) },
	})
	progress.Stop()
	if err != nil {
		return newest, waitError(runID, newest, err)
	}
	return newest, nil
}

// waitError says how to go on after waiting ended before the run did.
func waitError(runID string, newest api.RunUpdate, err error) error {
	e := &commandError{err: err, runID: runID, run: newest.Raw, hint: commandLine("runs", "wait", runID)}
	switch {
	case errors.Is(err, errWaitedLong):
		e.code = codeStillRunning
		e.message = fmt.Sprintf("the run is still %s after the waiting time; it goes on", firstOf(string(newest.Run.Status), "running"))
	case errors.Is(err, context.Canceled):
		e.code = codeInterrupted
		e.message = "stopped waiting; the run goes on. Cancel it with: " + commandLine("runs", "cancel", runID)
	case isNotFound(err):
		return noRun(runID, err)
	default:
		return err
	}
	return e
}

// outcome turns a final state that is not success into an error.
func outcome(u api.RunUpdate) error {
	switch u.Run.Status {
	case api.Failed:
		message := "the run failed"
		if reason := term.Line(text(u.Run.ErrorMessage)); reason != "" {
			message += ": " + reason
		}
		return &commandError{code: codeRunFailed, message: message, hint: commandLine("runs", "get", u.Run.RunID), runID: u.Run.RunID, run: u.Raw}
	case api.Cancelled:
		return &commandError{code: codeRunCancelled, message: "the run was cancelled", hint: commandLine("runs", "get", u.Run.RunID), runID: u.Run.RunID, run: u.Raw}
	}
	return nil
}

// waitAndSave waits for a run, saves what it made where that was asked for, and prints its final state.
func waitAndSave(ctx context.Context, env *Env, client *api.Client, runID string, waiting waitOptions, saving saveOptions) error {
	final, err := follow(ctx, env, client, runID, waiting, nil)
	if err != nil {
		return err
	}
	var files []savedFile
	var saveErr error
	if saving.where != "" {
		files, saveErr = saveOutputs(ctx, env, final.Run, saving)
	}
	if err := outcome(final); err != nil {
		return err
	}
	if saveErr != nil {
		return saveErr
	}
	err = env.printer.Data(runEnvelope(final, files), func(p *output.Page) { writeRun(p, final.Run, files, env.Now()) })
	return unprinted(runID, err)
}

// runEnvelope is the API's envelope around a run, with the files that were saved as a sibling.
func runEnvelope(u api.RunUpdate, files []savedFile) json.RawMessage {
	envelope := struct {
		Data  json.RawMessage `json:"data"`
		Files []savedFile     `json:"files,omitempty"`
	}{u.Raw, files}
	raw, _ := json.Marshal(envelope) // cannot fail: Raw was decoded before
	return raw
}

// describeProgress is a run's state on one line.
func describeProgress(run api.Run, bar bool) string {
	parts := []string{string(run.Status)}
	if p := run.Progress; p != nil && p.TotalOutputs > 0 {
		parts = append(parts, fmt.Sprintf("%d/%d outputs", p.CompletedOutputs, p.TotalOutputs))
		if p.FailedOutputs > 0 {
			parts = append(parts, fmt.Sprintf("%d failed", p.FailedOutputs))
		}
		if pc := p.PercentComplete; pc != nil {
			parts = append(parts, fmt.Sprintf("%.0f%%", *pc))
			if bar {
				parts = append([]string{output.Bar(*pc/100, 20)}, parts...)
			}
		}
	}
	return strings.Join(parts, "  ")
}

func isNotFound(err error) bool {
	var refused *api.Error
	return errors.As(err, &refused) && refused.Status == 404
}

func noRun(runID string, err error) error {
	return &commandError{code: codeNotFound, message: fmt.Sprintf("there is no run %s in this workspace", output.Quote(runID)), hint: "lamina runs list", err: err}
}
