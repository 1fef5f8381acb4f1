package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/state"
)

// finisherCount is the number of finished runs that are recorded, and downloaded, at once.
const finisherCount = 8

// A finished is an item with a run that has ended or takes too long. run is its entry in the list of runs.
type finished struct {
	item int32
	run  Run
}

// finishRuns records the outcomes of runs until the channel is closed.
func (e *Engine) finishRuns(work context.Context) {
	for f := range e.ends {
		if work.Err() == nil {
			if err := e.finish(work, f); err != nil && work.Err() == nil {
				e.stopNow(Failed, err)
			}
		}
		e.mu.Lock()
		delete(e.finishing, f.item)
		e.fullUntil = time.Time{}
		e.notify()
		e.mu.Unlock()
	}
}

// finish records the outcome of a run and saves its outputs.
func (e *Engine) finish(work context.Context, f finished) error {
	item, err := e.table.Item(int(f.item))
	if err != nil {
		return err
	}
	e.mu.Lock()
	running, isRunning := e.table.Runs()[f.item]
	e.mu.Unlock()
	if isRunning {
		if f.run, err = e.end(work, f, item, running); err != nil {
			return err
		}
	}
	if e.Save != nil && f.run.State == state.Completed.String() {
		return e.save(work, f, item)
	}
	return nil
}

// end records the outcome of a run, and returns the run with its outputs.
func (e *Engine) end(work context.Context, f finished, item plan.Item, running state.Run) (Run, error) {
	run, code := f.run, ""
	if run.State == "" || e.HasOutputs && run.State == state.Completed.String() {
		var err error
		if run, code, err = e.ended(work, running); err != nil || run.State == "" {
			return run, err
		}
	}
	run.ID = running.ID
	return run, e.recordEnd(f.item, item.ID, running.Attempt, run, code)
}

// recordEnd records the outcome of the run of an item, and counts its credits.
func (e *Engine) recordEnd(i int32, id string, attempt int, run Run, code string) error {
	r := journal.Record{
		Type: journal.Ended, ID: id, Attempt: attempt, Run: run.ID, State: run.State, Code: code, Error: run.Error, Outputs: run.Outputs,
	}
	if e.Credits > 0 {
		r.Credits = &e.Credits
	}
	if err := e.record(i, r, false); err != nil {
		return err
	}
	if run.State == state.Failed.String() {
		e.noteFailure(Failure{ID: id, Run: run.ID, Error: run.Error})
	}
	return e.credits.Settle(e.Credits, e.Credits)
}

// save writes the outputs of an item to this disk. An output that cannot be saved does not stop the batch: the same command tries again.
func (e *Engine) save(work context.Context, f finished, item plan.Item) error {
	files, err := e.Save(work, item, f.run)
	if work.Err() != nil {
		return nil
	}
	if err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.unsaved++; e.notSaved == nil {
			e.notSaved = fmt.Errorf("item %q: %w", item.ID, err)
		}
		return nil
	}
	e.mu.Lock()
	attempt := e.table.Attempt(int(f.item))
	e.mu.Unlock()
	return e.record(f.item, journal.Record{Type: journal.Saved, ID: item.ID, Attempt: attempt, Files: files}, false)
}

// saveEarlier sends the completed items without saved outputs, of earlier processes, to finishRuns.
func (e *Engine) saveEarlier(work context.Context) {
	if e.Save == nil {
		return
	}
	var unsaved []int32
	e.mu.Lock()
	for i := range e.table.Len() {
		if e.isOurs[e.table.Shard(i)] && e.table.Status(i) == state.Completed && !e.table.IsSaved(i) {
			unsaved = append(unsaved, int32(i))
		}
	}
	e.mu.Unlock()
	for _, i := range unsaved {
		e.mu.Lock()
		last, err := e.table.Last(int(i))
		e.mu.Unlock()
		run := Run{ID: last.Run}
		if err == nil {
			err = e.call(work, pace.Start, func(ctx context.Context) (err error) {
				run, err = e.Service.Get(ctx, last.Run) // its outputs may have new addresses
				return err
			})
		}
		if work.Err() != nil {
			return
		}
		if err != nil {
			run = Run{ID: last.Run, Outputs: last.Outputs}
		}
		run.State = last.State
		e.queueEnd(work, i, run)
	}
}

// ended requests the outcome of a run. A run that takes too long is cancelled. The State of the returned run is empty if it has not ended.
func (e *Engine) ended(work context.Context, running state.Run) (run Run, code string, err error) {
	get := func(ctx context.Context) (err error) {
		run, err = e.Service.Get(ctx, running.ID)
		return err
	}
	if err = e.call(work, pace.Start, get); err == nil && run.State == "" && e.isLate(running) {
		err = e.call(work, pace.Start, func(ctx context.Context) error {
			_, err := e.Service.Cancel(ctx, running.ID)
			return err
		})
		if err == nil {
			err = e.call(work, pace.Start, get)
		}
		if (err == nil || isUnsupported(err)) && run.State != state.Completed.String() {
			run.State, run.Error, code, err = state.Failed.String(), fmt.Sprintf("the run took longer than %s", e.RunTimeout), "run_timeout", nil
		}
	}
	if err == nil || work.Err() != nil {
		return run, code, err
	}
	if v := e.Service.Judge(err); v.Meaning == Missing {
		return Run{State: state.Failed.String(), Error: "the run no longer exists at the service: " + v.Message}, v.Code, nil
	}
	return run, code, err
}

// isLate reports whether a run takes longer than RunTimeout.
func (e *Engine) isLate(running state.Run) bool {
	return e.RunTimeout > 0 && e.Clock.Now().Sub(running.At) > e.RunTimeout
}
