package engine

import (
	"context"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/state"
)

// keepStart stores the run of a start that the service answered. An error stops the engine.
func (e *Engine) keepStart(work context.Context, s start, run Run) {
	if run.State != "" {
		e.keepEnd(work, s, run)
		return
	}
	at := run.CreatedAt
	if at.IsZero() {
		at = e.Clock.Now()
	}
	_ = e.record(s.index, journal.Record{Type: journal.Started, ID: s.item.ID, Attempt: s.attempt, Run: run.ID, At: at}, false)
}

// keepEnd stores the run of a start that the service answered when the run had ended: one record says all.
func (e *Engine) keepEnd(work context.Context, s start, run Run) {
	r := journal.Record{
		Type: journal.Ended, ID: s.item.ID, Attempt: s.attempt, Run: run.ID, State: run.State, Error: run.Error, Outputs: run.Outputs,
	}
	if e.Credits > 0 {
		r.Credits = &e.Credits
	}
	if e.record(s.index, r, false) != nil {
		return
	}
	if run.State == state.Failed.String() {
		e.noteFailure(Failure{ID: s.item.ID, Run: run.ID, Error: run.Error})
	}
	if err := e.credits.Settle(e.Credits, e.Credits); err != nil {
		e.stopNow(Failed, err)
		return
	}
	if e.Save != nil && run.State == state.Completed.String() {
		e.hand(work, s.index, run)
	}
}
