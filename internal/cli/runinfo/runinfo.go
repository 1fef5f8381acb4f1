// Package runinfo finds a run of any family, waits for it, saves its outputs and shows it. The commands of several nouns use it.
package runinfo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// Get fetches a run, and says how to find one if there is none of that id.
func Get(ctx context.Context, env *cmdutil.Env, client *api.Client, runID string) (*api.Reply[api.Run], error) {
	reply, _, err := client.FindRun(ctx, runID)
	if api.IsNotFound(err) {
		return nil, NotFound(ctx, env, runID, err)
	}
	return reply, err
}

// Cancel cancels a run of any family. A run that has ended keeps its state. The API documents no way to cancel a run of a model; a
// service may refuse it.
func Cancel(ctx context.Context, env *cmdutil.Env, client *api.Client, runID string) (*api.Reply[api.CancelledRun], error) {
	reply, err := client.CancelRun(ctx, runID)
	if !api.IsNotFound(err) {
		return reply, err
	}
	found, findErr := Get(ctx, env, client, runID)
	switch {
	case findErr != nil:
		return nil, findErr
	case !found.Data.Status.Final():
		return nil, &fail.Error{
			Code: fail.Unknown, Message: "the service does not cancel this run: it is not a run of an app; it continues",
			Hint: fail.CommandLine("runs", "wait", runID), RunID: runID, Err: err,
		}
	}
	state := api.CancelledRun{RunID: runID, Status: found.Data.Status}
	raw, err := output.Envelope(state)
	return &api.Reply[api.CancelledRun]{Data: state, Raw: raw}, err
}

// WithRunID adds the id of the run to an error that occurred while the run was printed.
func WithRunID(runID string, err error) error {
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return err
	}
	return &fail.Error{Around: "%s; the run was started", Hint: fail.CommandLine("runs", "get", runID), RunID: runID, Err: err}
}

// WriteStarted shows a run that has started, and the command that waits for it.
func WriteStarted(p *output.Page, run api.RunStarted, next string) {
	p.Line("%s %s", p.Good("Started"), cmp.Or(run.WorkflowName, "a run"))
	p.Fields("run", run.RunID, "status", string(run.Status), "webhook", run.WebhookURL)
	p.Line("")
	p.Line("%s", p.Command(next))
}

// Write shows a run and its outputs. app is the name of its app.
func Write(p *output.Page, run api.Run, app string, files []SavedFile, now time.Time) {
	p.Line("%s  %s", p.Bold(app), StatusStyle(p, run.Status))
	if reason := api.String(run.ErrorMessage); reason != "" {
		p.Wrapped("%s", p.Bad(reason))
	}
	if run.StartedAt != nil && run.CompletedAt != nil {
		took := run.CompletedAt.Sub(*run.StartedAt).Round(100 * time.Millisecond)
		p.Wrapped("%s", p.Faint(fmt.Sprintf("ended %s, took %s", when(*run.CompletedAt, now), took)))
	} else {
		p.Wrapped("%s", p.Faint("created "+when(run.CreatedAt, now)))
	}
	saved := map[string]bool{}
	for _, f := range files {
		saved[f.Label] = true
	}
	var shown []api.Output
	for _, o := range run.Outputs {
		if saved[cmp.Or(o.Label, o.Type)] && o.Type != "text" {
			continue // its place on disk was said already
		}
		shown = append(shown, o)
	}
	WriteOutputs(p, shown, run.RunID)
}

// WriteOutputs shows the outputs of a run and its id.
func WriteOutputs(p *output.Page, outputs []api.Output, runID string) {
	var pairs []string
	for _, o := range outputs {
		pairs = append(pairs, cmp.Or(o.Label, o.Type), outputValue(o))
	}
	p.Fields(append(pairs, "run", runID)...)
}

// when returns how long ago something happened, and the time of it.
func when(t, now time.Time) string {
	relative, moment := output.Past(t, now), output.Moment(t)
	if t.IsZero() || relative == moment {
		return relative
	}
	return relative + " (" + moment + ")"
}

// outputValue is an output on one line.
func outputValue(o api.Output) string {
	if reason := api.String(o.Error); reason != "" {
		return "failed: " + reason
	}
	var value string
	if json.Unmarshal(o.Value, &value) == nil && value != "" {
		return value
	}
	if len(o.Value) > 0 && string(o.Value) != "null" {
		return string(o.Value)
	}
	return o.Status
}

// StatusStyle returns the state of a run in its colour.
func StatusStyle(p *output.Page, s api.Status) output.Styled {
	switch s {
	case api.Completed:
		return p.Good(string(s))
	case api.Failed, api.Cancelled:
		return p.Bad(string(s))
	}
	return p.Busy(string(s))
}

// AppName returns the short name of the app of a run, or its model: from the cache, and for text otherwise from the service. It returns the id if there is no
// name.
func AppName(ctx context.Context, env *cmdutil.Env, client *api.Client, run api.Run) string {
	if run.Model != "" {
		return run.Model
	}
	id := run.WorkflowID
	name := complete.AppName(env, id)
	if name != id || id == "" || env.Printer.Machine() {
		return name
	}
	ctx, cancel := context.WithTimeout(ctx, NamesTime)
	defer cancel()
	reply, err := client.App(ctx, id)
	if err != nil {
		return id
	}
	complete.CacheApp(env, id, reply.Data)
	return cmp.Or(complete.ShortName(reply.Data.Name), id)
}

// NamesTime is how long the names of apps may take.
const NamesTime = 2 * time.Second
