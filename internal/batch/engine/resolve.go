package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/state"
)

// maxRepeats is how often one process repeats a lost start with its key and loses the response. A service that only seems to honour keys would
// otherwise start a run each time.
const maxRepeats = 5

// maxDoubt is how long a lost start waits for others that may own the run that was found for it.
const maxDoubt = time.Minute

// maxOrphans is how many unknown runs are looked at.
const maxOrphans = 100_000

// A lost start is one without outcome.
type lost struct {
	item        int32         // -1 if its item was in the state held
	from, until time.Time     // when its run can have been created, by the clock of the runs
	age         time.Duration // since the response was lost
	isOpen      bool          // it may still be answered
	isUndated   bool          // a clock was set back since: its time says nothing
	isSettled   bool          // it is ours, and the list shows its run, if there is one
	candidates  []int         // indexes of runs that it may own
}

// mayHave reports whether a run was created when that of the start can have been. A run without a time may be of any time.
func (l lost) mayHave(r Run) bool {
	return r.CreatedAt.IsZero() || !r.CreatedAt.Before(l.from) && !r.CreatedAt.After(l.until)
}

// resolve finds the outcomes of lost starts: it looks for runs of the app that no journal names and that were created when the start
// was sent. If a run and a start can only belong together, the item gets the run. If there is no run, the start had no effect.
// All others are ambiguous, because a run does not name its inputs: their items are held.
func (e *Engine) resolve(work context.Context) error {
	if e.repeatLost() || !e.hasSettled() {
		return nil
	}
	began := time.Now()
	defer func() { e.nextLook = time.Now().Add(max(e.Settle, time.Since(began))) }()
	e.mu.Lock()
	err := e.table.Refresh() // other processes of this folder may own the runs
	since, starts := e.lostStarts()
	e.mu.Unlock()
	if err != nil {
		return err
	}
	var orphans []Run
	isWhole, err := e.eachListed(work, since, func(r Run) bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		if !e.table.IsOurs(r.ID) {
			orphans = append(orphans, r)
		}
		return len(orphans) <= maxOrphans
	})
	switch {
	case isUnsupported(err):
		return e.holdAll(starts, errNoList.Error())
	case err != nil:
		return err
	case !isWhole:
		return e.holdAll(starts, "the list of runs has no end")
	}
	e.mu.Lock()
	if err = e.table.Refresh(); err == nil {
		orphans = e.unknownRuns(orphans)
	}
	e.mu.Unlock()
	if err != nil {
		return err
	}
	return e.decide(starts, orphans)
}

// repeatLost makes lost starts startable again if the service honours their keys. It reports whether there were any.
func (e *Engine) repeatLost() (some bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.IsIdempotent || e.reason != "" {
		return false
	}
	queued := map[int32]bool{}
	for _, i := range append(slices.Clone(e.again), e.retries...) {
		queued[i] = true
	}
	for i := range e.table.Unresolved() {
		if e.isOurs[e.table.Shard(int(i))] && !e.inFlight[i] && !queued[i] && e.repeats[i] < maxRepeats {
			e.retries = append(e.retries, i)
			some = true
		}
	}
	if some {
		e.notify()
	}
	return some || len(queued) > 0
}

// hasSettled reports whether a lost start of these shards was sent long enough ago. It does not ask for the list of runs all the time: a
// start that was looked for may have to wait for those of other shards, and runs have to be followed, too.
func (e *Engine) hasSettled() bool {
	if time.Now().Before(e.nextLook) {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.Clock.Now()
	for i, o := range e.table.Unresolved() {
		if e.isOurs[e.table.Shard(int(i))] && !e.inFlight[i] && e.isSettled(o, now) {
			return true
		}
	}
	return false
}

// isSettled reports whether the list of runs must show the run of a lost start, if there is one. If a clock was set back, the start is
// at least as old as this process.
func (e *Engine) isSettled(o state.Lost, now time.Time) bool {
	return now.Sub(o.Until) > e.Settle || o.Until.After(now.Add(slack)) && time.Since(e.began) > e.Settle
}

// lostStarts returns the starts without outcome of the folder and those of held items, and the earliest creation time of the runs that
// are looked for now. The caller has locked the mutex.
func (e *Engine) lostStarts() (since time.Time, starts []lost) {
	now := e.Clock.Now()
	since = now
	for i, o := range e.table.Unresolved() {
		isOurs := e.isOurs[e.table.Shard(int(i))]
		l := lost{item: i, from: e.skew.earliest(o.At), until: e.skew.latest(now), isOpen: o.Until.IsZero() || isOurs && e.inFlight[i]}
		if !l.isOpen {
			l.until = e.skew.latest(o.Until)
			l.age = now.Sub(o.Until)
			l.isUndated = o.Until.After(now.Add(slack))
			l.isSettled = isOurs && e.isSettled(o, now)
		}
		if l.isSettled && l.from.Before(since) {
			since = l.from
		}
		starts = append(starts, l)
	}
	for _, o := range e.table.Doubts() {
		starts = append(starts, lost{item: -1, from: e.skew.earliest(o.At), until: e.skew.latest(o.Until)})
	}
	return since, starts
}

// unknownRuns returns the runs that no journal names, each once. The caller holds the mutex.
func (e *Engine) unknownRuns(listed []Run) (orphans []Run) {
	seen := map[string]bool{}
	for _, r := range listed {
		if !seen[r.ID] && !e.table.IsOurs(r.ID) {
			orphans = append(orphans, r)
		}
		seen[r.ID] = true
	}
	return orphans
}

// decide records the outcomes that are certain.
func (e *Engine) decide(starts []lost, orphans []Run) error {
	owners := make([]int, len(orphans)) // how many starts may own the run
	waits := make([]bool, len(orphans)) // one of them may still be answered
	for s := range starts {
		l := &starts[s]
		for o, r := range orphans {
			if l.mayHave(r) {
				l.candidates = append(l.candidates, o)
				owners[o]++
				waits[o] = waits[o] || l.isOpen
			}
		}
	}
	isShared := e.table.HasJournals()
	for _, l := range starts {
		if !l.isSettled {
			continue
		}
		isDoubtful := false
		for _, o := range l.candidates {
			isDoubtful = isDoubtful || waits[o]
		}
		if isDoubtful && l.age < maxDoubt {
			continue
		}
		if err := e.recordFound(l, orphans, owners, isShared); err != nil {
			return err
		}
	}
	return nil
}

// recordFound records the outcome of a lost start.
func (e *Engine) recordFound(l lost, orphans []Run, owners []int, isShared bool) error {
	item, err := e.table.Item(int(l.item))
	if err != nil {
		return err
	}
	e.mu.Lock()
	attempt := e.table.Attempt(int(l.item))
	isOpen := e.table.Status(int(l.item)) == state.Starting && !e.inFlight[l.item]
	e.mu.Unlock()
	if !isOpen {
		return nil
	}
	r := e.found(l, journal.Record{ID: item.ID, Attempt: attempt}, orphans, owners, isShared)
	if err := e.record(l.item, r, true); err != nil {
		return err
	}
	switch r.Type {
	case journal.None:
		_ = e.unreserve(false)
		e.putBack(l.item)
	case journal.Refused:
		_ = e.unreserve(false)
		e.noteFailure(Failure{ID: item.ID, Error: r.Error})
	case journal.Held:
		e.noteFailure(Failure{ID: item.ID, Error: r.Reason})
	}
	return nil
}

// found completes the record of what became of a lost start.
func (e *Engine) found(l lost, r journal.Record, orphans []Run, owners []int, isShared bool) journal.Record {
	e.mu.Lock()
	failures, start := e.trials[l.item].lost, e.table.Unresolved()[l.item]
	e.mu.Unlock()
	switch {
	case l.isUndated:
		r.Type, r.Reason = journal.Held, "the response was lost, and a clock was set back since"
	case len(l.candidates) == 0 && failures >= maxTrials:
		r.Type, r.Final = journal.Refused, true
		r.Error = fmt.Sprintf("the service failed %d times, and started the items before and after it: %s", failures, start.Reason)
	case len(l.candidates) == 0:
		r.Type = journal.None
	case len(l.candidates) == 1 && owners[l.candidates[0]] == 1 && isShared && !orphans[l.candidates[0]].IsForeign:
		r.Type, r.Run, r.Adopted, r.At = journal.Started, orphans[l.candidates[0]].ID, true, start.At
	default:
		r.Type, r.Reason = journal.Held, e.doubt(l, orphans, isShared)
	}
	return r
}

// doubt returns the reason why it is unknown whether a start has a run.
func (e *Engine) doubt(l lost, orphans []Run, isShared bool) string {
	if !isShared {
		return "the response was lost; a run was found that may belong to a shard with another folder"
	}
	if len(l.candidates) > 1 {
		return "the response was lost; several runs may belong to it"
	}
	if orphans[l.candidates[0]].IsForeign {
		return "the response was lost; a run was found that names another app"
	}
	return "the response was lost; a run was found that may belong to another item"
}

// holdAll holds the lost starts of these shards.
func (e *Engine) holdAll(starts []lost, reason string) error {
	for _, l := range starts {
		if !l.isSettled {
			continue
		}
		item, err := e.table.Item(int(l.item))
		if err != nil {
			return err
		}
		e.mu.Lock()
		attempt, cause := e.table.Attempt(int(l.item)), e.table.Unresolved()[l.item].Reason
		e.mu.Unlock()
		r := journal.Record{Type: journal.Held, ID: item.ID, Attempt: attempt, Reason: heldReason(cause, reason)}
		if err := e.record(l.item, r, true); err != nil {
			return err
		}
		e.noteFailure(Failure{ID: item.ID, Error: r.Reason})
	}
	return nil
}

// heldReason says why an item is held: how its start was lost, and why that cannot be resolved.
func heldReason(cause, reason string) string {
	if cause != "" {
		return "the response was lost (" + cause + "), and " + reason
	}
	return "the response was lost, and " + reason
}
