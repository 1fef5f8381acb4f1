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
	if err := e.recordEnd(s.index, s.item.ID, s.attempt, run, ""); err != nil {
		e.stopNow(Failed, err)
		return
	}
	if e.Save != nil && run.State == state.Completed.String() {
		e.queueEnd(work, s.index, run)
	}
}
