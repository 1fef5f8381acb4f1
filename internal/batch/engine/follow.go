package engine

import (
	"context"
	"errors"
	"time"

	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/batch/state"
)

// The time between two sweeps of the list of runs: the shortest, after runs ended, and the longest.
const (
	minSweep = 250 * time.Millisecond
	maxSweep = 10 * time.Second
)

// The limits of a sweep, should the list have no end: all pages, and those in a row whose runs are not older than the ones before.
const (
	maxPages   = 10_000
	maxStalled = 100
)

// maxAsked is how many runs missing from the list are requested one by one in a sweep.
const maxAsked = 50

// follow records the outcomes of runs and of lost starts, until there are no more or the context work is done.
func (e *Engine) follow(work context.Context) {
	interval := minSweep
	for {
		changed, isIdle, isOver := e.toFollow()
		if isOver || work.Err() != nil {
			return
		}
		if isIdle {
			e.await(work, changed, 0)
			continue
		}
		e.await(work, nil, e.pollInterval(interval))
		ended, err := e.sweep(work)
		if err == nil {
			err = e.resolve(work)
		}
		if err != nil && work.Err() == nil {
			e.stopNow(Failed, err)
			return
		}
		if interval = min(interval*3/2, maxSweep); ended > 0 {
			interval = minSweep
		}
	}
}

// toFollow reports whether there is nothing to follow now, or nothing ever.
func (e *Engine) toFollow() (changed <-chan struct{}, isIdle, isOver bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	unresolved := 0
	for i := range e.table.Unresolved() {
		if e.isOurs[e.table.Shard(int(i))] && !e.inFlight[i] {
			unresolved++
		}
	}
	running := len(e.ourRuns())
	isOver = running == 0 && unresolved == 0 && len(e.finishing) == 0 && len(e.inFlight) == 0 &&
		(e.reason != "" || e.counts().Pending == 0)
	return e.changed, running == 0 && (unresolved == 0 || e.IsIdempotent && len(e.again)+len(e.retries) > 0), isOver
}

// ourRuns returns the items of these shards whose runs have not ended, as far as is known. The caller has locked the mutex.
func (e *Engine) ourRuns() map[int32]state.Run {
	ours := map[int32]state.Run{}
	if e.StartsOnly {
		return ours
	}
	for i, r := range e.table.Runs() {
		if e.isOurs[e.table.Shard(int(i))] && !e.finishing[i] && e.followedFor(i) <= e.FollowFor {
			ours[i] = r
		}
	}
	return ours
}

// sweep reads the list of runs back to the oldest run that has not ended, and sends the finished ones to finishRuns. It returns their number.
func (e *Engine) sweep(work context.Context) (ended int, err error) {
	e.mu.Lock()
	runs := e.ourRuns()
	e.mu.Unlock()
	if len(runs) == 0 {
		return 0, nil
	}
	items := make(map[string]int32, len(runs))
	oldest := e.Clock.Now()
	for i, r := range runs {
		items[r.ID] = i
		if r.At.Before(oldest) {
			oldest = r.At
		}
	}
	e.mu.Lock()
	since := e.skew.earliest(oldest)
	e.mu.Unlock()
	_, err = e.eachListed(work, since, func(r Run) bool {
		i, isOurs := items[r.ID]
		if isOurs {
			delete(items, r.ID)
			e.learnSkew(runs[i], r)
			if r.State != "" {
				ended++
				e.queueEnd(work, i, r)
			}
		}
		return len(items) > 0
	})
	if err != nil && !isUnsupported(err) {
		return ended, err
	}
	more, err := e.pollUnlisted(work, items, runs)
	return ended + more, err
}

// eachListed calls fn for each run of the list since a time, until fn returns false. It reports whether the list was read to its end.
func (e *Engine) eachListed(work context.Context, since time.Time, fn func(Run) bool) (isWhole bool, err error) {
	if e.lister == nil {
		return false, errors.ErrUnsupported
	}
	offset, stalled := 0, 0
	var oldest time.Time // of all runs so far
	for range maxPages {
		var page Page
		err := e.call(work, pace.Sweep, func(ctx context.Context) (err error) {
			page, err = e.lister.List(ctx, since, offset)
			return err
		})
		if err != nil {
			return false, err
		}
		for _, r := range page.Runs {
			if !fn(r) {
				return false, nil
			}
		}
		size := max(page.Size, len(page.Runs))
		first, last := page.span()
		if page.IsLast || size == 0 || last.Before(since) {
			return true, nil
		}
		if stalled++; oldest.IsZero() || first.Before(oldest) {
			oldest, stalled = first, 0
		}
		if stalled > maxStalled {
			return false, nil
		}
		offset += size
	}
	return false, nil
}

// unknownTime is later than the time of any run.
var unknownTime = time.Unix(1<<40, 0)

// span returns when the first and the last of the runs of a page were created. A run without a time may be of any time.
func (p Page) span() (first, last time.Time) {
	first = unknownTime
	for _, r := range p.Runs {
		at := r.CreatedAt
		if at.IsZero() {
			at = unknownTime
		}
		if at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	if len(p.Runs) == 0 {
		last = unknownTime
	}
	return first, last
}

// pollUnlisted requests the runs that are missing from the list, and those that take too long.
func (e *Engine) pollUnlisted(work context.Context, unlisted map[string]int32, runs map[int32]state.Run) (ended int, err error) {
	asked := 0
	for id, i := range unlisted {
		if asked++; asked > maxAsked {
			break
		}
		var run Run
		err := e.call(work, pace.Sweep, func(ctx context.Context) (err error) {
			run, err = e.Service.Get(ctx, id)
			return err
		})
		e.learnSkew(runs[i], run)
		switch {
		case work.Err() != nil:
			return ended, work.Err()
		case err != nil && e.Service.Judge(err).Meaning == Missing:
			ended++
			e.queueEnd(work, i, Run{ID: id})
		case err == nil && run.State != "":
			ended++
			e.queueEnd(work, i, run)
		case err != nil:
			return ended, err
		}
	}
	for i, r := range runs {
		if e.isLate(r) {
			e.queueEnd(work, i, Run{ID: r.ID})
		}
	}
	return ended, nil
}

// learnSkew compares the times of a run of these shards with each other.
func (e *Engine) learnSkew(ours state.Run, r Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.skew.observe(ours, r.CreatedAt)
}

// queueEnd passes an item with a run that ended, or takes too long, to finishRuns.
func (e *Engine) queueEnd(work context.Context, i int32, run Run) {
	e.mu.Lock()
	isNew := !e.finishing[i]
	e.finishing[i] = true
	e.mu.Unlock()
	if !isNew {
		return
	}
	select {
	case e.ends <- finished{i, run}:
	case <-work.Done():
	}
}
