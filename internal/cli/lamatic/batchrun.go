package lamatic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// run runs the payloads and prints a line for each.
func (o *batchOptions) run(ctx context.Context) error {
	var payloads []payload
	if o.file != "" {
		var err error
		if payloads, err = readPayloads(ctx, o.env, o.workflow, o.file); err != nil {
			return err
		}
	}
	s, err := o.env.Sessions.OpenFor(provider.Lamatic())
	if err != nil {
		return err
	}
	f, err := o.prepare(s, payloads)
	if err != nil {
		return err
	}
	b := &batch{batchOptions: o, folder: f, counts: map[lineState]int{}}
	err = b.carryOut(ctx, s)
	if !b.canContinue() {
		f.remove()
	}
	return err
}

// A batch runs one workflow for each of many payloads.
type batch struct {
	*batchOptions
	folder  *folder
	table   *state.Table // what the journal says
	printed int          // lines
	counts  map[lineState]int
	result  engine.Result
}

// carryOut runs all payloads, and returns an error if the batch was ended or a payload did not succeed.
func (b *batch) carryOut(ctx context.Context, s *session.Session) error {
	p := b.folder.plan
	unlock, err := plan.LockShared(p.Dir())
	if err != nil {
		return batchinfo.Busy(p.Dir(), err)
	}
	defer unlock()
	e, err := b.engine(s)
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	if b.table, err = state.Open(p); err != nil {
		return batchinfo.Unusable(p.Dir(), err)
	}
	defer func() { _ = b.table.Close() }()
	if b.result, err = batchinfo.Run(ctx, b.env, e, b.printLines); err != nil {
		return err
	}
	if err := e.Close(); err != nil && b.result.Err == nil {
		b.result.Reason, b.result.Err = engine.Failed, err
	}
	if err := b.printRest(); err != nil {
		return err
	}
	return b.outcome()
}

// engine returns the engine that runs the payloads.
func (b *batch) engine(s *session.Session) (*engine.Engine, error) {
	p := b.folder.plan
	limit, err := batchinfo.FailureLimit(b.maxFailures, p.Items)
	if err != nil {
		return nil, err
	}
	pacer, clock, client := pace.New(pace.Options{}), &engine.Clock{}, s.Client()
	service := &engine.Lamatic{
		Client:  lamatic.New(engine.PacedClient(client, pacer, clock)),
		IsAgent: p.App.Kind == kindAgent || p.App.Kind == kindAgents,
	}
	if p.App.Kind == kindWorkflow || p.App.Kind == kindAgent {
		service.Workflow = p.App.ID
	}
	e, err := engine.New(engine.Options{
		Plan: p, Shards: []int{0}, Service: service, Pacer: pacer, Clock: clock, Concurrency: b.parallel, MaxCredits: -1,
		MaxFailures: limit, TimeLimit: b.timeLimit, LastAnswers: client.Timeout, Patience: b.env.Patience(),
		StartsOnly: !b.waiting.wait, Interval: b.waiting.interval, FollowFor: b.waiting.timeout,
		Settle: time.Nanosecond, // there is no list in which a run could show up
	})
	if err != nil {
		return nil, batchinfo.Unusable(p.Dir(), err)
	}
	return e, nil
}

// canContinue reports whether the same command would do more.
func (b *batch) canContinue() bool {
	c := b.result.Counts
	return c.Pending > 0 || b.waiting.wait && c.Running > 0 && b.result.Reason != engine.Done
}

// outcome returns an error if the batch was ended or a payload did not succeed.
func (b *batch) outcome() error {
	c, again := b.result.Counts, b.again()
	switch b.result.Reason {
	case engine.Failed:
		if short := batchinfo.Short(b.folder.plan.Dir(), b.result.Err); short != nil {
			return short
		}
		if b.canContinue() {
			b.env.Say("the payloads that were not sent are kept; to continue: %s", again)
		}
		return &fail.Error{Around: "the batch stopped: %s", Err: b.result.Err}
	case engine.Interrupted:
		return &fail.Error{Code: fail.Interrupted, Message: "interrupted; workflows that were started continue", Hint: again, Err: context.Canceled}
	case engine.TimeLimit:
		return &fail.Error{Code: fail.BatchStopped, Message: "the time limit was reached; the batch can be continued", Hint: again}
	case engine.Failures:
		return &fail.Error{
			Code: fail.BatchFailed, Hint: b.env.Command("batch", "retry", b.folder.plan.Dir(), "--failed"),
			Message: fmt.Sprintf("%d payloads failed, and --max-failures ends the batch; %d were not sent", c.Failed, c.Pending),
		}
	}
	bad := b.counts[failed] + b.counts[unknown]
	if bad == 0 {
		return nil
	}
	e := &fail.Error{Code: fail.RunFailed, Message: fmt.Sprintf("%d of %d payloads did not succeed; see their lines", bad, c.Total())}
	if !b.folder.isTemporary {
		which := "--failed"
		if b.counts[failed] == 0 {
			which = "--unknown"
		}
		e.Hint = b.env.Command("batch", "retry", b.folder.plan.Dir(), which)
	}
	return e
}

// again returns the command that continues the batch; "" if nothing is left to do.
func (b *batch) again() string {
	if !b.canContinue() {
		return ""
	}
	args := []string{"lamatic", "batch", "--out", b.folder.plan.Dir()}
	if b.waiting.wait {
		args = append(args, "--wait")
	}
	return b.env.Command(args...)
}

// errWaitEnded returns the error of a workflow that still runs although the command was to wait for its end.
func (b *batch) errWaitEnded(runID string) error {
	e := &fail.Error{RunID: runID, Hint: waitCommand(b.env, runID)}
	if b.result.Reason == engine.Done {
		e.Code, e.Message = fail.StillRunning, "the workflow is still processing after the waiting time; it continues"
		return e
	}
	e.Code, e.Message, e.Err = fail.Interrupted, "stopped waiting; the workflow continues", errors.New("the batch was ended")
	return e
}
