package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/batch/journal"
)

// A ShortError means that a journal has lost records, and that they may have named runs: the items of those would be started twice.
type ShortError struct {
	Path string // of the journal
	Mark string // the path of the file that says how long the journal was
	Runs int    // runs of the app at the service that no journal names; 0 if the service has no list of them
}

// Error describes the problem.
func (e *ShortError) Error() string {
	what := "the service cannot say which runs they named"
	if e.Runs > 0 {
		what = fmt.Sprintf("the service has runs of the app that no journal names (%d)", e.Runs)
	}
	return fmt.Sprintf("%s: records at its end are missing, and %s", e.Path, what)
}

// checkLength refuses to start items if a journal is shorter than it was and the missing records may have named runs.
func (e *Engine) checkLength(work context.Context) error {
	short := e.shortJournal()
	if short == "" {
		return nil
	}
	runs, err := e.unnamedRuns(work)
	if isUnsupported(err) || err == nil && runs > 0 {
		return &ShortError{Path: short, Mark: journal.MarkPath(short), Runs: runs}
	}
	if work.Err() != nil {
		err = nil // carryOut ends at once
	}
	return err
}

// shortJournal returns the path of a journal of these shards that is shorter than it was; "" if there is none.
func (e *Engine) shortJournal() string {
	for _, s := range e.Shards {
		if e.writers[s].IsShort() {
			return e.Plan.JournalPath(e.shard(s))
		}
	}
	return ""
}

// unnamedRuns counts the runs since the plan that no journal names, except those that starts without outcome may have. Errors:
// errors.ErrUnsupported if the service has no list of runs, or one without an end, and those of requests.
func (e *Engine) unnamedRuns(work context.Context) (int, error) {
	since := e.Clock.Now().Add(-time.Since(e.Plan.CreatedAt)).Add(-slack)
	found := map[string]Run{}
	isWhole, err := e.eachListed(work, since, func(r Run) bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		isOlder := !r.CreatedAt.IsZero() && r.CreatedAt.Before(since)
		if !r.IsForeign && !isOlder && !e.table.IsOurs(r.ID) {
			found[r.ID] = r
		}
		return len(found) <= maxOrphans
	})
	if err == nil && !isWhole {
		err = errors.ErrUnsupported
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, starts := e.lostStarts()
	expected := 0
	for _, r := range found {
		if slices.ContainsFunc(starts, func(l lost) bool { return l.mayHave(r) }) {
			expected++
		}
	}
	return len(found) - min(expected, len(starts)), err
}
