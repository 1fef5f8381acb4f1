package runs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// waitRate is the number of requests in a minute while several runs are waited for. The documented limit is 100.
const waitRate = 80

// A waited is a run that was waited for: its newest state, and an error if it did not complete.
type waited struct {
	runID   string
	newest  api.RunUpdate
	err     error
	failure fail.Failure // of err
}

// waitForAll waits for several runs. They go on side by side at the service, so waiting in turn takes no longer. An error of one run
// does not end the wait for the others.
func waitForAll(ctx context.Context, env *cmdutil.Env, client *api.Client, runIDs []string, opts runinfo.WaitOptions) error {
	client.LimitRate(waitRate)
	end := env.Now().Add(opts.Timeout)
	var all []waited
	for i, id := range runIDs {
		opts.Timeout = max(end.Sub(env.Now()), time.Second)
		w := waited{runID: id}
		if w.newest, w.err = runinfo.Follow(ctx, env, client, id, opts, nil); w.err == nil {
			w.err = runinfo.Outcome(w.newest)
		}
		if w.err != nil {
			w.failure = env.Sessions.Describe(w.err)
		}
		all = append(all, w)
		if w.err != nil && (ctx.Err() != nil || w.failure.Exit == fail.ExitAuth) { // the others would end in the same way
			return unfinished(all, runIDs[i+1:])
		}
	}
	if slices.ContainsFunc(all, func(w waited) bool { return w.err != nil }) {
		return unfinished(all, nil)
	}
	var states []json.RawMessage
	for _, w := range all {
		states = append(states, w.newest.Raw)
	}
	return env.Print(states, func(p *output.Page) {
		for i, w := range all {
			if i > 0 {
				p.Line("")
			}
			runinfo.Write(p, w.newest.Run, opts.AppName(ctx, env, client, w.newest.Run), nil, env.Now())
		}
	})
}

// badness lists the exit statuses of runs that were waited for, the worst first.
var badness = []int{
	fail.ExitInterrupted, fail.ExitAuth, fail.ExitService, fail.ExitLimit, fail.ExitNotFound, fail.ExitFailure, fail.ExitRun, fail.ExitStillRunning,
}

// unfinished returns the error of several runs of which one or more did not complete. It names the end of each, and has the code of
// the worst. rest are runs that were not asked for.
func unfinished(all []waited, rest []string) error {
	bad := slices.DeleteFunc(slices.Clone(all), func(w waited) bool { return w.err == nil })
	worst := slices.MinFunc(bad, func(a, b waited) int {
		return cmp.Compare(slices.Index(badness, a.failure.Exit), slices.Index(badness, b.failure.Exit))
	})
	reason := "; the worst: "
	if len(bad) == 1 {
		reason = ": "
	}
	e := &fail.Error{
		Around: fmt.Sprintf("%d of %d runs did not complete%s%%s", len(bad)+len(rest), len(all)+len(rest), reason),
		Err:    worst.err, RunID: worst.runID, Run: worst.failure.Run, Hint: worst.failure.Hint,
	}
	var again []string
	for _, w := range all {
		e.Details = append(e.Details, w.detail())
		if len(w.newest.Raw) > 0 {
			e.Runs = append(e.Runs, w.newest.Raw)
		}
		if w.failure.Exit == fail.ExitStillRunning || w.failure.Exit == fail.ExitInterrupted {
			again = append(again, w.runID)
		}
	}
	if again = append(again, rest...); len(again) > 0 && worst.failure.Exit != fail.ExitAuth {
		e.Hint = fail.CommandLine(append([]string{"runs", "wait"}, again...)...)
	}
	return e
}

// detail says how the run ended.
func (w waited) detail() api.Detail {
	if w.err == nil {
		return api.Detail{Field: w.runID, Code: string(w.newest.Run.Status), Message: string(w.newest.Run.Status)}
	}
	return api.Detail{Field: w.runID, Code: w.failure.Code, Message: term.Line(w.failure.Message)}
}
